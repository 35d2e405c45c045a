package mime

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/postern-mail/postern/connector"
)

// Errors of Build, for errors.Is.
var (
	// ErrNeedsUTF8 says that an address has a local part beyond ASCII and the
	// line cannot carry it (RFC 6531 section 3.1).
	ErrNeedsUTF8 = errors.New("the address needs a mail server that accepts UTF-8 addresses (SMTPUTF8)")
	// ErrAddress says that an address is not one mailbox.
	ErrAddress = errors.New("not one e-mail address")
	// ErrHeader says that a further header may not be set.
	ErrHeader = errors.New("not a header that may be set")
)

const (
	foldAt   = 76  // RFC 2047 section 2: no line with an encoded word is longer
	maxWord  = 75  // nor is an encoded word
	minWord  = 24  // room for any one character in an encoded word
	maxToken = 900 // well below the 998 that a line may have
)

// CheckHeader reports whether a header may be added to a mail: its name is
// made of letters, digits, "-", "_" and "."; it is not one that Build writes
// or that changes where a mail goes or how it is read; its value breaks no line.
func CheckHeader(name, value string) error {
	if name == "" || len(name) > foldAt-2 || strings.ContainsFunc(name, func(r rune) bool { return !nameChar(r) }) {
		return fmt.Errorf("%w: a name has 1 to %d letters, digits and hyphens", ErrHeader, foldAt-2)
	}
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	if slices.Contains(ownHeaders(), canonical) ||
		strings.HasPrefix(canonical, "Content-") || strings.HasPrefix(canonical, "Resent-") {
		return fmt.Errorf("%w: %s is set by the service itself", ErrHeader, canonical)
	}
	if !utf8.ValidString(value) || strings.ContainsFunc(value, breaksLine) {
		return fmt.Errorf("%w: the value of %s holds a control character", ErrHeader, canonical)
	}
	return nil
}

func ownHeaders() []string {
	return []string{
		"From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Subject", "Date", "Message-Id", "Mime-Version",
		"Dkim-Signature", "Return-Path", "Received", "Auto-Submitted", "X-Auto-Response-Suppress",
	}
}

// nameChar reports whether r may stand in a header name or a message id.
func nameChar(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}

// breaksLine reports whether some reader takes r for the end of a line, or
// for nothing at all.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// strip removes what would break a line, and white space around the rest.
func strip(s string) string {
	s = strings.Map(func(r rune) rune {
		if breaksLine(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}

// header writes header lines.
type header struct {
	out    []byte
	column int // in the line being written
}

// raw writes a header that is known to be short and harmless.
func (h *header) raw(name, value string) {
	h.begin(name)
	h.out = append(h.out, value...)
	h.end()
}

func (h *header) begin(name string) {
	h.out = append(append(h.out, name...), ':', ' ')
	h.column = len(name) + 2
}

func (h *header) end() {
	h.out = append(h.out, '\r', '\n')
}

// text writes an unstructured header (RFC 5322 section 2.2.1).
func (h *header) text(name, value string) {
	value = strip(value)
	h.begin(name)
	if plain(value, foldAt-h.column) {
		h.words(value)
	} else {
		h.encode(value)
	}
	h.end()
}

// custom writes a further header. Its words stay as they are as long as a
// line can hold them: it may have a grammar that Postern does not know.
func (h *header) custom(name, value string) {
	value = strings.TrimSpace(value)
	h.begin(name)
	if plain(value, maxToken) {
		h.words(value)
	} else {
		h.encode(value)
	}
	h.end()
}

// mailbox writes a header of one address, with its name if it has one.
func (h *header) mailbox(header string, m connector.Mailbox, utf8OK bool) error {
	addr, err := wireAddress(m.Address, utf8OK)
	if err != nil {
		return fmt.Errorf("%s: %w", header, err)
	}
	h.begin(header)
	name := strip(m.Name)
	switch {
	case name == "":
		h.words(addr)
	case !plain(name, foldAt-h.column-2):
		h.encode(name)
		h.words(" <" + addr + ">")
	case strings.ContainsAny(name, `()<>[]:;@\,."`):
		quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
		h.words(`"` + quote.Replace(name) + `" <` + addr + ">")
	default:
		h.words(name + " <" + addr + ">")
	}
	h.end()
	return nil
}

// plain reports whether s can stand in a header as it is: printable ASCII,
// single spaces, no word longer than longest, nothing that a reader would
// take for an encoded word.
func plain(s string, longest int) bool {
	word := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf, c == ' ' && word == 0, c == '=' && strings.HasPrefix(s[i:], "=?"):
			return false
		case c == ' ':
			word = 0
		default:
			word++
		}
		if word > longest {
			return false
		}
	}
	return true
}

// words writes s and breaks the line at spaces (RFC 5322 section 2.2.3).
func (h *header) words(s string) {
	for first := true; ; first = false {
		word, rest, more := strings.Cut(s, " ")
		if !first {
			h.space(len(word))
		}
		h.out = append(h.out, word...)
		h.column += len(word)
		if !more {
			return
		}
		s = rest
	}
}

// space writes the space before a word of n characters, in front of a new
// line where it no longer fits.
func (h *header) space(n int) {
	if h.column+1+n > foldAt && n > 0 {
		h.end()
		h.column = 0
	}
	h.out = append(h.out, ' ')
	h.column++
}

// encode writes s as encoded words (RFC 2047), whole characters in each, in
// the shorter of the two encodings.
func (h *header) encode(s string) {
	write, size := h.wordB, sizeB
	if sizeQ(s) <= len(s)*4/3 {
		write, size = h.wordQ, sizeQ
	}
	for first := true; s != ""; first = false {
		room := maxWord
		switch {
		case !first, foldAt-h.column < minWord:
			h.space(maxWord)
		default:
			room = foldAt - h.column
		}
		n := fitting(s, room-len("=?UTF-8?Q??="), size)
		before := len(h.out)
		write(s[:n])
		h.column += len(h.out) - before
		s = s[n:]
	}
}

// fitting returns how many bytes of s, in whole characters, fit in room.
func fitting(s string, room int, size func(string) int) int {
	n := 0
	for n < len(s) {
		_, width := utf8.DecodeRuneInString(s[n:])
		if n > 0 && size(s[:n+width]) > room {
			break
		}
		n += width
	}
	return n
}

func (h *header) wordB(s string) {
	h.out = append(h.out, "=?UTF-8?B?"...)
	h.out = base64.StdEncoding.AppendEncode(h.out, []byte(s))
	h.out = append(h.out, "?="...)
}

func (h *header) wordQ(s string) {
	h.out = append(h.out, "=?UTF-8?Q?"...)
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			h.out = append(h.out, '_')
		case wordLiteral(c):
			h.out = append(h.out, c)
		default:
			h.out = append(h.out, '=', upperHex[c>>4], upperHex[c&15])
		}
	}
	h.out = append(h.out, "?="...)
}

func sizeB(s string) int { return base64.StdEncoding.EncodedLen(len(s)) }

func sizeQ(s string) int {
	size := len(s)
	for i := range len(s) {
		if c := s[i]; c != ' ' && !wordLiteral(c) {
			size += 2
		}
	}
	return size
}

// wordLiteral reports whether an encoded word may hold c as it is, also in a
// display name (RFC 2047 section 5).
func wordLiteral(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '!' || c == '*' || c == '+' || c == '-' || c == '/'
}

func asciiDomain(domain string) (string, error) {
	if isASCII(domain) {
		return domain, nil
	}
	out, err := idna.Lookup.ToASCII(domain)
	tooLong := len(out) > 253 // RFC 1035 section 2.3.4, for labels too
	for label := range strings.SplitSeq(out, ".") {
		tooLong = tooLong || len(label) > 63
	}
	if err != nil || tooLong {
		return "", fmt.Errorf("%w: the domain has no ASCII form", ErrAddress)
	}
	return out, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
