package redact

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
)

// How much of a provider's words is passed on, in bytes.
const (
	MaxWords    = 300 // in an error
	MaxAnswered = 120 // in a receipt
)

const (
	maxQuoted = 1000 // of a reply that is looked at for quotations
	minQuoted = 16   // as many bytes in a row make a quotation of the body
	minSecret = 3    // shorter ones would black out half of any text
	hidden    = "***"
)

// Redactor removes from a provider's words what they must not pass on.
// Providers do quote: recipients always, subjects and phrases of the body in
// refusals by content filters, and a hostile one whatever it likes.
type Redactor struct {
	needles   []string // secrets and codes
	recipient string   // address
	bodies    []string // in which white space is one blank
}

// New returns a Redactor that hides secrets.
func New(secrets ...string) Redactor { return Redactor{needles: secrets} }

// Of adds to the secrets what one message must keep to itself: its code, its
// link and its recipient.
func (r Redactor) Of(m connector.Message) Redactor {
	r.needles = append([]string(nil), r.needles...)
	for _, key := range []string{"code", "link"} {
		if value, ok := m.Payload[key]; ok && value != nil {
			r.needles = append(r.needles, fmt.Sprint(value))
		}
	}
	r.recipient = m.To
	return r
}

// Quoting adds the bodies of a message: as rendered, and further forms of
// them, such as the one that went over the wire. Where the provider renders,
// the body is the variables.
func (r Redactor) Quoting(m connector.Message, forms ...string) Redactor {
	r.bodies = []string{oneLine(m.Text), oneLine(m.HTML)}
	if m.Text == "" {
		r.bodies = appendTexts(r.bodies, m.Payload)
	}
	for _, form := range forms {
		r.bodies = append(r.bodies, oneLine(form))
	}
	return r
}

// appendTexts adds every text that a variable holds, at any depth.
func appendTexts(list []string, v any) []string {
	switch v := v.(type) {
	case string:
		return append(list, oneLine(v))
	case map[string]any:
		for _, inside := range v {
			list = appendTexts(list, inside)
		}
	case []any:
		for _, inside := range v {
			list = appendTexts(list, inside)
		}
	}
	return list
}

// Words returns text in one line of at most so many bytes, without anything
// to hide.
func (r Redactor) Words(text string, most int) string {
	text = oneLine(text)
	for _, needle := range r.needles {
		if needle = oneLine(needle); len(needle) >= minSecret {
			text = strings.ReplaceAll(text, needle, hidden)
		}
	}
	text = r.withoutEncoded(text)
	text = r.withoutRecipient(text)
	if r.bodies != nil {
		text = withoutQuotes(cut(text, maxQuoted), r.bodies)
	}
	return cut(text, most)
}

// oneLine replaces every run of white space and control characters by a
// blank, and drops characters that show nothing.
func oneLine(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	blank := true // none at the beginning
	for _, c := range s {
		switch {
		case unicode.IsSpace(c) || unicode.IsControl(c):
			if !blank {
				b.WriteByte(' ')
			}
			blank = true
		case unicode.Is(unicode.Cf, c): // joiners, bidi overrides
		default:
			b.WriteRune(c) // U+FFFD for a byte that is no UTF-8
			blank = false
		}
	}
	return strings.TrimSuffix(b.String(), " ")
}

var encodedRun = regexp.MustCompile(`[A-Za-z0-9+/_-]{4,}={0,2}`)

// withoutEncoded hides base64 that holds a secret: an AUTH exchange or a line
// of the body, repeated.
func (r Redactor) withoutEncoded(text string) string {
	return encodedRun.ReplaceAllStringFunc(text, func(run string) string {
		plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(run, "="))
		plain = plain[:len(plain)-len(plain)%4] + tail(plain)
		decoded, err := base64.RawStdEncoding.DecodeString(plain)
		if err != nil {
			return run
		}
		for _, needle := range r.needles {
			if len(needle) >= minSecret && strings.Contains(string(decoded), needle) {
				return hidden
			}
		}
		return run
	})
}

// tail returns the last, incomplete group of base64 text, unless it is one
// that cannot be.
func tail(s string) string {
	if n := len(s) % 4; n > 1 {
		return s[len(s)-n:]
	}
	return ""
}

// withoutRecipient hides the local part of the recipient's address, also
// where it stands alone.
func (r Redactor) withoutRecipient(text string) string {
	at := strings.LastIndexByte(r.recipient, '@')
	if at < 1 || !containsFold(text, r.recipient[:at]) {
		return text
	}
	local := r.recipient[:at]
	text = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(local)+`@`).ReplaceAllString(text, hidden+"@")
	if len(local) < minSecret {
		return text
	}
	return replaceWord(text, local)
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// replaceWord hides every occurrence of word, in any case, that is not part
// of a longer word.
func replaceWord(text, word string) string {
	var b strings.Builder
	last := 0
	for _, at := range regexp.MustCompile(`(?i)`+regexp.QuoteMeta(word)).FindAllStringIndex(text, -1) {
		before, _ := utf8.DecodeLastRuneInString(text[:at[0]])
		after, _ := utf8.DecodeRuneInString(text[at[1]:])
		if wordRune(before) || wordRune(after) {
			continue
		}
		b.WriteString(text[last:at[0]] + hidden)
		last = at[1]
	}
	return b.String() + text[last:]
}

func wordRune(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// withoutQuotes hides every stretch of text that also stands in a body. It
// looks at each body once, however much of it is quoted.
func withoutQuotes(text string, bodies []string) string {
	stands := map[string]bool{} // windows of text: does a body hold it?
	for at := 0; at+minQuoted <= len(text); at++ {
		stands[text[at:at+minQuoted]] = false
	}
	for _, body := range bodies {
		for at := 0; at+minQuoted <= len(body); at++ {
			if window := body[at : at+minQuoted]; !stands[window] {
				if _, ok := stands[window]; ok {
					stands[window] = true
				}
			}
		}
	}
	var b strings.Builder
	quotedTo, shown := 0, 0
	for at := 0; at+minQuoted <= len(text); at++ {
		if !stands[text[at:at+minQuoted]] {
			continue
		}
		if at > quotedTo || at == 0 { // a new quotation begins
			b.WriteString(text[shown:at] + "[…]")
		}
		quotedTo = at + minQuoted
		shown = quotedTo
	}
	return strings.ToValidUTF8(b.String()+text[shown:], "")
}

// cut shortens text to so many bytes, and shows that it did.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len("…")], "") + "…"
}
