// Package mime writes a rendered message as an RFC 5322 mail: headers,
// encodings, alternative parts.
//
// It is the last gate before a header: nothing that it lets through breaks a
// line. It sends nothing, signs nothing (DKIM belongs to the connector) and
// renders nothing.
package mime
