// Package connectortest is the suite that every connector passes, and the
// doubles that it needs: a mail server, a mail server that misbehaves by
// script, an inbox.
//
// A connector's test is a Case handed to Run: a factory, settings that work,
// and a way to read what arrived. The package knows no connector; what only
// one of them can do is tested beside it.
package connectortest
