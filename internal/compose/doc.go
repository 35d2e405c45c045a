// Package compose decides which wording a mail gets and renders it: payload,
// type and language in, subject and bodies out.
//
// It does not store wording (templates) or send it (delivery).
package compose
