// Package inbox keeps mails in the service itself, for development: what the
// built-in connector takes instead of sending it on. The newest Kept mails of
// each tenant are there.
package inbox
