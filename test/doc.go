// Package test runs the built binary from outside: its command line, its HTTP
// API and its mail, on SQLite and on PostgreSQL, with real servers around it
// (package servers). Nothing here looks inside, but for what SpamAssassin is
// asked about: the built-in mails, made without the program.
//
// With -short the tests that need PostgreSQL, Postfix or SpamAssassin are
// skipped.
package test
