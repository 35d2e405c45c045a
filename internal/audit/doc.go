// Package audit keeps who changed what and when.
//
// It owns what an entry is. An entry is stored in the transaction of the
// change that it tells of, by whoever stores that: without the change there is
// no entry, and without the entry no change.
package audit
