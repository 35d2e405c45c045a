package address

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minWord is the shortest local part that is hidden where it stands without
// its domain: shorter ones would black out half of any text.
const minWord = 3

// Redacted returns somebody else's words about an address in one line of at
// most so many bytes. White space and control characters become blanks,
// characters that show nothing are dropped, and the local part of addr is
// shortened as Masked does it, also where it stands alone.
func Redacted(text, addr string, most int) string {
	text = oneLine(text)
	if at := strings.LastIndexByte(addr, '@'); at > 0 {
		text = withoutLocal(text, addr[:at])
	}
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func oneLine(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c) || unicode.IsControl(c):
			return ' '
		case unicode.Is(unicode.Cf, c): // joiners, bidi overrides
			return -1
		}
		return c // U+FFFD for a byte that is no UTF-8
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// withoutLocal hides local, in any case, before an @ and wherever it is a
// word of its own.
func withoutLocal(text, local string) string {
	if !strings.Contains(strings.ToLower(text), strings.ToLower(local)) {
		return text
	}
	var b strings.Builder
	last := 0
	for _, found := range regexp.MustCompile(`(?i)`+regexp.QuoteMeta(local)).FindAllStringIndex(text, -1) {
		before, _ := utf8.DecodeLastRuneInString(text[:found[0]])
		after, _ := utf8.DecodeRuneInString(text[found[1]:])
		word := len(local) >= minWord && !inWord(before) && !inWord(after)
		if after != '@' && !word {
			continue
		}
		_, n := utf8.DecodeRuneInString(text[found[0]:])
		b.WriteString(text[last:found[0]+n] + "***")
		last = found[1]
	}
	return b.String() + text[last:]
}

// inWord tells whether a neighbour makes text a part of a longer word.
func inWord(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }
