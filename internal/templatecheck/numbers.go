package templatecheck

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// numbers tells of numbers in text, which begins at offset start of the field,
// that mail clients and phones could take for the code.
func (c *checker) numbers(text string, start int, where *locator) {
	if !c.t.CarriesCode() || !strings.ContainsAny(text, "0123456789") {
		return
	}
	for _, found := range c.number.FindAllStringIndex(text, -1) {
		number := text[found[0]:found[1]]
		if !codeLike(number) || inWord(text, found[0], found[1]) {
			continue
		}
		c.tellAt(where, start+found[0], AmbiguousNumber, fmt.Sprintf(
			"%s looks like a code: mail programs may offer it in place of the real one. Write it differently, or leave it out.", number))
	}
}

// newNumberPattern returns what matches digits with what may stand between them.
func newNumberPattern() *regexp.Regexp {
	return regexp.MustCompile(`\+?\d(?:[\d .,:/()\-]*\d)?`)
}

// codeLike reports whether a number is of 4 to 8 digits, alone or in two groups
// of the same size, and no year.
func codeLike(number string) bool {
	left, right, grouped := strings.Cut(number, " ")
	if !grouped {
		left, right, grouped = strings.Cut(number, "-")
	}
	digits := left + right
	if strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) || grouped && len(left) != len(right) {
		return false
	}
	if !grouped && len(digits) == len("2026") && (strings.HasPrefix(digits, "19") || strings.HasPrefix(digits, "20")) {
		return false
	}
	return len(digits) >= 4 && len(digits) <= 8
}

// inWord reports whether a number is part of a word, a color or a character
// reference.
func inWord(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	part := func(r rune) bool { return unicode.IsLetter(r) || strings.ContainsRune("#_@&%", r) }
	return start > 0 && part(before) || end < len(text) && part(after)
}
