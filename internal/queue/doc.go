// Package queue runs jobs: at least once, at their due time, most urgent
// first, retried when their handler says so. Two engines pass one suite
// (queuetest): an embedded one on SQLite, and River on PostgreSQL.
//
// A job carries the id of a message and nothing else. Jobs are inserted by
// package store in the transaction that saves the message. What a job does,
// and when to try again, is decided by its handler (package delivery).
//
// The package owns the tables jobs and job_owners (SQLite), and the river_*
// tables and queue_nodes (PostgreSQL). It owns neither the database nor its
// transactions (package store), and knows nothing of messages.
//
// What both engines promise: every Insert that was committed is followed by a
// run of the handler that begins after that commit. So a message may be queued
// again at any time, also while its earlier job is running or just ending. What
// they do not promise: that a job runs only once. After a crash, a lost lease
// or a second Insert it runs again, so a handler must be idempotent.
package queue
