// Package httpemail is the connector for a mail service of one's own: it posts
// what a mail is to be made of to an HTTP endpoint, which writes and sends it.
package httpemail
