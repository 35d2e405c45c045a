package mime

import (
	"encoding/base64"
	"strings"
)

// Lines of a body hold at most 76 characters (RFC 2045 sections 6.7 and 6.8);
// in quoted-printable the last one is kept for a soft line break.
const (
	lineLength   = 76
	quotedLength = lineLength - 1
)

// literal tells which bytes quoted-printable writes as they are, white space
// included: it is quoted only at the end of a line.
func literal(c byte) bool {
	return c >= ' ' && c <= '~' && c != '=' || c == '\t'
}

// quotedIsShorter compares quoted-printable, which spends three characters on
// a quoted byte, with base64, which spends four on any three.
func quotedIsShorter(body string) bool {
	quoted := strings.Count(body, "=") // fast, as nearly all bytes are ASCII
	for i := range len(body) {
		quoted += int(body[i] >> 7)
	}
	return quoted*6 <= len(body)
}

// appendQuoted writes body as quoted-printable text (RFC 2045 section 6.7).
// Every kind of line end becomes CRLF. It is an encoder of its own because
// the one of the standard library works byte by byte, and because two kinds
// of line are quoted here that need not be: a leading dot, which SMTP doubles
// (RFC 5321 section 4.5.2), and a leading "From ", before which mailbox files
// put ">".
func appendQuoted(out []byte, body string) []byte {
	column := 0
	for i := 0; i < len(body); {
		c := body[i]
		if c == '\r' || c == '\n' {
			out = append(out, '\r', '\n')
			column = 0
			i += lineEnd(body[i:])
			continue
		}
		if column == quotedLength {
			out = append(out, "=\r\n"...)
			column = 0
		}
		if run := literalRun(body[i:], quotedLength-column, column == 0); run > 0 {
			out = append(out, body[i:i+run]...)
			column += run
			i += run
			continue
		}
		if column > quotedLength-3 {
			out = append(out, "=\r\n"...)
			column = 0
		}
		out = append(out, '=', upperHex[c>>4], upperHex[c&15])
		column += 3
		i++
	}
	return out
}

const upperHex = "0123456789ABCDEF"

// lineEnd returns the length of the line end that s begins with.
func lineEnd(s string) int {
	if strings.HasPrefix(s, "\r\n") {
		return 2
	}
	return 1
}

// literalRun returns how many bytes at the start of s may be written as they
// are, at most limit; start says that they would begin a line.
func literalRun(s string, limit int, start bool) int {
	if start && (s[0] == '.' || strings.HasPrefix(s, "From ")) {
		return 0
	}
	n := min(len(s), limit)
	for i, c := range []byte(s[:n]) {
		if !literal(c) {
			n = i
			break
		}
	}
	if n == 0 || s[n-1] != ' ' && s[n-1] != '\t' {
		return n
	}
	if n == len(s) || s[n] == '\r' || s[n] == '\n' {
		return n - 1 // white space at the end of a line gets lost
	}
	return n
}

// appendBase64 writes body in lines of base64 (RFC 2045 section 6.8), its
// line ends as CRLF.
func appendBase64(out []byte, body string) []byte {
	text := []byte(crlf(body))
	const bytesPerLine = lineLength / 4 * 3
	for len(text) > bytesPerLine {
		out = base64.StdEncoding.AppendEncode(out, text[:bytesPerLine])
		out = append(out, '\r', '\n')
		text = text[bytesPerLine:]
	}
	return base64.StdEncoding.AppendEncode(out, text)
}

// crlf makes every kind of line end CRLF.
func crlf(body string) string {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	body = strings.ReplaceAll(body, "\r", "\n")
	return strings.ReplaceAll(body, "\n", "\r\n")
}
