// Package fault holds the errors that may be shown to callers: a kind, a
// stable code, a message and, for bad input, the fields at fault. It is a leaf;
// the table from kinds to HTTP statuses is in package api.
//
// An error that is not a *Fault is never shown: callers see
// entity.internal_error and a request id.
package fault
