package template

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape says what happens to values, by where the output goes.
type Escape int

// The kinds of output.
const (
	// HTML is for text/html content: & < > " ' in values become character
	// references, except in raw placeholders.
	HTML Escape = iota
	// None is for text/plain content: values are printed as they are.
	None
	// Header is for subject, reply-to and sender: control characters (Unicode
	// category Cc) are removed from values, raw placeholders included.
	Header
)

// printString appends a string value, escaped. What is not UTF-8 in it becomes
// U+FFFD, so that the output is always UTF-8.
func (o *output) printString(s string, escape Escape) error {
	o.work -= len(s) >> 6
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	switch escape {
	case HTML:
		return o.printHTML(s)
	case Header:
		if strings.ContainsFunc(s, unicode.IsControl) {
			s = withoutControls(s)
		}
	case None:
	}
	return o.add(s)
}

// printHTML appends s with the five characters that mean something in HTML
// text and quoted attributes replaced.
func (o *output) printHTML(s string) error {
	done := 0
	for i := range len(s) {
		r := reference(s[i])
		if r == "" {
			continue
		}
		if err := o.add(s[done:i]); err != nil {
			return err
		}
		if err := o.add(r); err != nil {
			return err
		}
		done = i + 1
	}
	return o.add(s[done:])
}

// reference returns the character reference for c, or "" where none is needed.
func reference(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case '\'':
		return "&#x27;"
	}
	return ""
}

func withoutControls(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

// printURL appends a URL that allowedURL passed. Spaces become %20, so that a
// bare attribute value cannot end early; raw output stays as it is.
func (o *output) printURL(s string, escape Escape) error {
	if escape == HTML {
		s = strings.ReplaceAll(s, " ", "%20")
	}
	return o.printString(s, escape)
}
