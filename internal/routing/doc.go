// Package routing finds the connector a message goes out through: the one
// that its tenant has in use, opened, and cached by its stored version so
// that a change takes effect at once.
//
// It also finds the connector whose provider calls back, for a week after it
// was replaced too.
//
// It owns setting, changing and removing connectors, since a change is only
// right together with that cache. It does not send.
package routing
