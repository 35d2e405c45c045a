package template

import (
	"bytes"
	"html"
	"strings"
)

// letters is text, or output that is still being written.
type letters interface{ ~string | ~[]byte }

// urlContext follows an HTML template, or its output, and tells which
// placeholders choose where an href or src attribute points. Placeholders are
// shown to it from left to right; the work in all is linear in the text.
type urlContext struct {
	// Value begins: offset after the last quote, and after the last byte that
	// ends a bare value, each with what stands before it.
	double, single, bare value
	// The value behind the first equals sign since bare began, if there is one.
	assigned value
	equals   bool
	last     int // offset of the last placeholder, if any
	any      bool
}

// value is the place where an attribute's value might begin.
type value struct {
	start int
	url   bool // the attribute is an href or src
}

// lookBack bounds how far before a value its attribute is looked for.
const lookBack = 64

// guards reports whether a placeholder at offset at of s may only print a URL.
// The text since the last placeholder begins at textStart; link says that what
// the placeholder prints is the payload's link.
func guards[T letters](c *urlContext, s T, textStart, at int, link bool) bool {
	read(c, s, textStart, at)
	guarded := false
	for _, v := range [...]value{c.double, c.single, c.bareValue()} {
		if v.url && (link || choosesScheme(c, s, v.start, at)) {
			guarded = true
		}
	}
	c.last, c.any = at, true
	return guarded
}

// read takes the text between two placeholders.
func read[T letters](c *urlContext, s T, start, end int) {
	if i := lastByte(s[start:end], '"'); i >= 0 {
		c.double = valueAfter(s, start+i)
	}
	if i := lastByte(s[start:end], '\''); i >= 0 {
		c.single = valueAfter(s, start+i)
	}
	for i := end - 1; i >= start; i-- {
		if b := s[i]; b == '"' || b == '\'' || b == '<' || b == '>' || isHTMLSpace(b) {
			c.bare, c.equals = valueAfter(s, i), false
			break
		}
	}
	for i := max(start, c.bare.start); i < min(end, c.bare.start+lookBack) && !c.equals; i++ {
		if s[i] == '=' {
			c.assigned, c.equals = value{start: i + 1, url: isURLAttribute(s, c.bare.start, i)}, true
		}
	}
}

// lastByte is strings.LastIndexByte and bytes.LastIndexByte in one.
func lastByte[T letters](s T, b byte) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == b {
			return i
		}
	}
	return -1
}

// valueAfter returns the value that the delimiter at offset at opens, if an
// equals sign and an attribute's name stand before it.
func valueAfter[T letters](s T, at int) value {
	least := max(0, at-lookBack)
	end := withoutSpace(s, least, at)
	url := false
	if end > least && s[end-1] == '=' {
		end = withoutSpace(s, least, end-1)
		url = isURLAttribute(s, least, end)
	}
	return value{start: at + 1, url: url}
}

// bareValue returns the unquoted value that the placeholder stands in: after
// "href= ", or after "href=" in the same run of characters.
func (c *urlContext) bareValue() value {
	switch {
	case c.bare.url:
		return c.bare
	case c.equals:
		return c.assigned
	}
	return value{}
}

// choosesScheme reports whether what is printed at offset at can still be
// (part of) the scheme of the URL that begins at start.
func choosesScheme[T letters](c *urlContext, s T, start, at int) bool {
	if c.any && c.last >= start {
		return false // the placeholder before it chose, and was guarded
	}
	// A scheme is short; text beyond this much would only be read for nothing.
	const enough = 256
	before := html.UnescapeString(string(s[start:min(at, start+enough)]))
	return !strings.ContainsAny(before, ":/?#")
}

// withoutSpace returns the end of s[:end] without HTML's white space, at least
// start.
func withoutSpace[T letters](s T, start, end int) int {
	for end > start && isHTMLSpace(s[end-1]) {
		end--
	}
	return end
}

func isHTMLSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'
}

// isURLAttribute reports whether s[start:end] ends in the name of an attribute
// that holds a URL: href or src, in any case and with any namespace prefix.
func isURLAttribute[T letters](s T, start, end int) bool {
	for _, name := range [...]string{"href", "src"} {
		at := end - len(name)
		if at < start || !strings.EqualFold(string(s[at:end]), name) {
			continue
		}
		if at == start {
			return true
		}
		switch c := s[at-1]; c {
		case ':', '"', '\'', '/', '<', '>':
			return true
		default:
			if isHTMLSpace(c) {
				return true
			}
		}
	}
	return false
}

// inTag reports whether the end of s is inside of a tag, as far as its last
// angle bracket tells.
func inTag(s []byte) bool {
	i := bytes.LastIndexAny(s, "<>")
	return i >= 0 && s[i] == '<'
}

// allowedURL reports whether s may be printed where a URL is chosen: an http,
// https or mailto URL without control characters.
func allowedURL(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	for _, scheme := range [...]string{"https://", "http://", "mailto:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}
