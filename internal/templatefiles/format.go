package templatefiles

import (
	"fmt"
	"strings"
	"unicode"
)

const fence = "---"

// The keys of the front matter, in the order they are written.
const (
	keySubject     = "subject"
	keyReplyTo     = "replyTo"
	keySendFrom    = "sendFrom"
	keyContentType = "contentType" // may be given, and is then compared
	keyContent     = "content"     // no key: the place of what follows
)

// Text returns the entry as the text of its file.
func (e Entry) Text() []byte {
	var b strings.Builder
	if e.Partial == "" {
		b.WriteString(fence + "\n")
		for _, field := range []struct{ key, value string }{
			{keySubject, e.Details.Subject}, {keyReplyTo, e.Details.ReplyTo}, {keySendFrom, e.Details.SendFrom},
		} {
			if field.value != "" || field.key == keySubject {
				b.WriteString(field.key + ": " + scalar(field.value) + "\n")
			}
		}
		b.WriteString(fence + "\n")
	}
	b.WriteString(e.Details.Content)
	b.WriteString("\n")
	return []byte(b.String())
}

// scalar writes a text in YAML: plain where that reads as the very text, and
// in double quotes otherwise.
func scalar(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case shown(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isPlain leaves the question to the parser, which knows all of YAML's
// surprises, and keeps from it only what it would take and people not see.
func isPlain(text string) bool {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !shown(r) }) {
		return false
	}
	front, problem := parseFront(keySubject + ": " + text + "\n")
	return problem == nil && front.values[keySubject] == text
}

// shown tells whether a character is written as it is. Beside what is seen,
// these are the joiners that Persian and emoji need, and the spaces of French.
func shown(r rune) bool {
	switch r {
	case '\u200c', '\u200d', '\u00a0', '\u202f':
		return true
	}
	return unicode.IsPrint(r)
}
