// Package suppression keeps the addresses that a tenant does not write to,
// and holds the rules by which an address becomes one of them and is one no
// longer.
//
// It does not read callbacks (package events does), and does not keep mails
// back (package delivery does).
package suppression
