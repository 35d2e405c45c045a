package template

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// placeholder is one {{path}} as it stands in the source.
type placeholder struct {
	source string // to the letter, braces and all
	path   string
	raw    bool // {{{path}}} or {{&path}}
}

// placeholders returns the placeholders of source from left to right, each
// with its offset.
func placeholders(source string) iter.Seq2[int, placeholder] {
	return func(yield func(int, placeholder) bool) {
		for at := 0; ; {
			next := strings.Index(source[at:], "{{")
			if next < 0 {
				return
			}
			at += next
			p, ok := placeholderAt(source[at:])
			if !ok {
				at++
				continue
			}
			if !yield(at, p) {
				return
			}
			at += len(p.source)
		}
	}
}

// placeholderAt reads the placeholder at the start of s, which begins with two
// braces. "{{{x}}" is a brace and a placeholder, which the next byte finds.
func placeholderAt(s string) (placeholder, bool) {
	rest, closing, raw := s[2:], "}}", false
	switch {
	case strings.HasPrefix(rest, "{"):
		rest, closing, raw = rest[1:], "}}}", true
	case strings.HasPrefix(rest, "&"):
		rest, raw = rest[1:], true
	}
	rest = strings.TrimLeftFunc(rest, isSpace)
	n := 0
	for n < len(rest) && isPathByte(rest[n]) {
		n++
	}
	path := rest[:n]
	if path == "" || path[0] == '.' {
		return placeholder{}, false // no root: nothing to look up
	}
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(rest[n:], isSpace), closing)
	if !ok {
		return placeholder{}, false
	}
	return placeholder{source: s[:len(s)-len(rest)], path: path, raw: raw}, true
}

func isPathByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.'
}

// isSpace reports whether r is white space or a line end in ECMA-262, sections
// 12.2 and 12.3: unlike unicode.IsSpace it knows U+FEFF, and not U+0085.
func isSpace(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', ' ', '\u2028', '\u2029', '\uFEFF':
		return true
	}
	return r >= utf8.RuneSelf && unicode.Is(unicode.Zs, r)
}
