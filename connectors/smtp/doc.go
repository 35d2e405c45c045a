// Package smtp is the connector for any mail server that speaks SMTP
// (RFC 5321): settings, kept connections, TLS, AUTH, OAuth2, DKIM, and the
// table that turns a server's reply into a class of failure.
//
// It writes no MIME (internal/mime does), renders no wording, and never
// repeats a mail: one Send is one attempt. The one exception is a kept
// connection that the server had closed meanwhile: it is replaced once, before
// anything of the mail was sent.
package smtp
