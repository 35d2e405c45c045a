// Package test runs the built binary from outside: its command line, its HTTP
// API and its mail, on SQLite and on PostgreSQL, with real servers around it
// (package servers). Nothing here looks inside.
//
// With -short the tests that need PostgreSQL or Postfix are skipped.
package test
