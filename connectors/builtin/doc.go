// Package builtin is the connector postern-email, which needs no provider: it
// keeps mails in the service's own inbox, for development and first steps.
//
// It owns its settings, the sender's branding among them. The inbox belongs to
// the service (connector.Inbox), wording to package templates.
package builtin
