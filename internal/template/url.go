package template

import (
	"html"
	"strings"
)

// urlContext follows the source of an HTML template and tells which
// placeholders choose where an href or src attribute points. Placeholders are
// shown to it from left to right; the work in all is linear in the source.
type urlContext struct {
	source string
	// Value begins: offset after the last quote, and after the last byte that
	// ends a bare value, each with what stands before it.
	double, single, bare value
	last                 int // offset of the last placeholder, if any
	any                  bool
}

// value is the place where an attribute's value might begin.
type value struct {
	start int
	url   bool // the attribute is an href or src
}

// lookBack bounds how far before a value its attribute is looked for.
const lookBack = 64

// guards reports whether the placeholder at offset at, with this path, may
// only print a URL. The text since the last placeholder begins at textStart.
func (c *urlContext) guards(textStart, at int, path string) bool {
	c.read(textStart, at)
	guarded := false
	for _, v := range [...]value{c.double, c.single, c.bareValue(at)} {
		if v.url && (path == "link" || c.choosesScheme(v.start, at)) {
			guarded = true
		}
	}
	c.last, c.any = at, true
	return guarded
}

// read takes the text between two placeholders.
func (c *urlContext) read(start, end int) {
	s := c.source[start:end]
	if i := strings.LastIndexByte(s, '"'); i >= 0 {
		c.double = c.valueAfter(start + i)
	}
	if i := strings.LastIndexByte(s, '\''); i >= 0 {
		c.single = c.valueAfter(start + i)
	}
	if i := strings.LastIndexAny(s, " \t\n\f\r\"'<>"); i >= 0 {
		c.bare = c.valueAfter(start + i)
	}
}

// valueAfter returns the value that the delimiter at offset at opens, if an
// equals sign and an attribute's name stand before it.
func (c *urlContext) valueAfter(at int) value {
	before := c.source[max(0, at-lookBack):at]
	name, found := strings.CutSuffix(strings.TrimRight(before, htmlSpace), "=")
	return value{start: at + 1, url: found && endsInURLAttribute(name)}
}

// bareValue returns the unquoted value that the placeholder at offset at
// stands in: after "href= ", or after "href=" in the same run of characters.
func (c *urlContext) bareValue(at int) value {
	if c.bare.url {
		return c.bare
	}
	run := c.source[c.bare.start:at]
	if eq := strings.IndexByte(run[:min(len(run), lookBack)], '='); eq >= 0 {
		return value{start: c.bare.start + eq + 1, url: isURLAttribute(run[:eq])}
	}
	return value{}
}

// choosesScheme reports whether what is printed at offset at can still be
// (part of) the scheme of the URL that begins at start.
func (c *urlContext) choosesScheme(start, at int) bool {
	if c.any && c.last >= start {
		return false // the placeholder before it chose, and was guarded
	}
	// A scheme is short; text beyond this much would only be read for nothing.
	const enough = 256
	before := html.UnescapeString(c.source[start:min(at, start+enough)])
	return !strings.ContainsAny(before, ":/?#")
}

const htmlSpace = " \t\n\f\r"

// endsInURLAttribute reports whether s, the source before an equals sign,
// ends in the name of an attribute that holds a URL.
func endsInURLAttribute(s string) bool {
	s = strings.TrimRight(s, htmlSpace)
	return isURLAttribute(s[strings.LastIndexAny(s, htmlSpace+`"'/<>`)+1:])
}

// isURLAttribute reports whether name is href or src, in any case and with
// any namespace prefix.
func isURLAttribute(name string) bool {
	name = name[strings.LastIndexByte(name, ':')+1:]
	return strings.EqualFold(name, "href") || strings.EqualFold(name, "src")
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
