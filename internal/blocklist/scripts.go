package blocklist

import (
	"slices"
	"strings"
	"unicode"

	"github.com/postern-mail/postern/internal/address"
)

// ErrMixed is the fault of an address that MixesScripts.
func ErrMixed() error {
	return refusal("mixed_scripts", "This e-mail address mixes letters of several scripts within a word, as look-alikes of "+
		"other addresses do. Use another one.")
}

// MixesScripts reports whether a word of an address has letters of scripts
// that no language writes together, such as a Cyrillic а in a Latin name. What
// may be together is what UTS #39 section 5.2 calls highly restrictive: one
// script, or Latin with those of Chinese, Japanese or Korean.
func MixesScripts(addr string) bool {
	addr = address.Unicode(addr)
	at := strings.LastIndexByte(addr, '@')
	words := strings.FieldsFunc(addr[:max(at, 0)], func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
	})
	if slices.ContainsFunc(words, mixed) {
		return true
	}
	for label := range strings.SplitSeq(addr[at+1:], ".") {
		if mixed(label) {
			return true
		}
	}
	return false
}

// together lists the scripts that may be in one word.
func together() [][]string {
	return [][]string{
		{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Bopomofo"}, {"Latin", "Han", "Hangul"},
	}
}

func mixed(word string) bool {
	var found []string
	for _, r := range word {
		if s := script(r); s != "" && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	if len(found) < 2 {
		return false
	}
	for _, set := range together() {
		if !slices.ContainsFunc(found, func(s string) bool { return !slices.Contains(set, s) }) {
			return false
		}
	}
	return true
}

// script is the name of a letter's script; "" for what belongs to any.
func script(r rune) string {
	if r < unicode.MaxASCII {
		if unicode.IsLetter(r) {
			return "Latin"
		}
		return ""
	}
	if unicode.In(r, unicode.Common, unicode.Inherited) {
		return ""
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}
