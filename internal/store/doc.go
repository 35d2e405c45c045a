// Package store keeps everything that outlives the process: all SQL is here.
// It implements the Store interfaces of the packages that own the rules, and
// holds no rules itself.
//
// Two databases pass one suite (storetest). What they share is written once;
// sqlite.go and postgres.go hold what differs: how transactions are grouped
// into commits, and the statements of the hot path.
package store
