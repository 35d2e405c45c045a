// Package routing finds the connectors a message goes out through: the one
// that its tenant has in use, then its fallbacks, as far as they are in order.
// They are opened, and cached by their stored versions so that a change takes
// effect at once.
//
// It also finds the connector whose provider calls back, for a week after it
// was replaced too.
//
// It owns setting, changing and removing connectors, since a change is only
// right together with that cache. It does not send.
package routing
