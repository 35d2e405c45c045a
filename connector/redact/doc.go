// Package redact cleans the words of providers before they are shown, logged
// or stored: no secret, no code, no recipient and nothing of a mail's body
// stays in them.
//
// It does not judge what the words mean: that is the connector's work.
package redact
