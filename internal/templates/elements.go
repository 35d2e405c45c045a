package templates

import (
	"html"
	"strings"
)

// startTag writes what a start tag means for the text.
func (s *simplifier) startTag(name, tag string) {
	switch name {
	case "style", "script", "title":
		s.skipElement(name)
	case "br":
		s.breaks++
		s.out.WriteString("<br>")
	case "a":
		s.closeLink()
		if href := linkTarget(tag); href != "" {
			s.link = &openLink{href: href, at: s.out.Len()}
		}
	default:
		if !s.shown && !isVoid(name) && isHidden(tag) {
			s.hidden = &hiddenPart{name: name, depth: 1, in: s.pos}
			return
		}
		s.block(name, false)
	}
}

func (s *simplifier) endTag(name string) {
	if name == "a" {
		s.closeLink()
		return
	}
	s.block(name, true)
}

// hiddenTag counts the elements inside a hidden one until it ends.
func (s *simplifier) hiddenTag(name string, end bool) {
	if name != s.hidden.name {
		return
	}
	if !end {
		s.hidden.depth++
		return
	}
	if s.hidden.depth--; s.hidden.depth == 0 {
		s.hidden = nil
	}
}

// skipElement moves behind the end of an element whose content is no text.
func (s *simplifier) skipElement(name string) {
	end := "</" + name
	if s.missing[end] {
		return
	}
	for i := s.pos; ; {
		next := strings.IndexByte(s.in[i:], '<')
		if next < 0 {
			s.lacks(end)
			return
		}
		if i += next; len(s.in)-i >= len(end) && strings.EqualFold(s.in[i:i+len(end)], end) {
			s.pos = i
			if length := s.index(0, ">"); length >= 0 {
				s.pos += length + 1
			}
			return
		}
		i++
	}
}

// block writes the line ends around an element that is no part of a line.
func (s *simplifier) block(name string, end bool) {
	switch name {
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote", "pre", "hr", "form", "fieldset":
		s.breakLines(2)
	case "li":
		s.breakLines(1)
		if !end {
			s.out.WriteString("- ")
		}
	case "div", "tr", "ul", "ol", "dl", "dt", "dd", "center", "section", "article", "header", "footer", "main", "nav",
		"aside", "address", "figure", "figcaption", "caption", "body", "html", "head":
		s.breakLines(1)
	case "td", "th":
		s.out.WriteString(" ")
	}
}

// breakLines makes sure that at least n line ends stand before what follows.
func (s *simplifier) breakLines(n int) {
	for ; s.breaks < n; s.breaks++ {
		s.out.WriteString("<br>")
	}
}

// closeLink ends the open anchor, if any. Its address is written behind the
// text, unless the text is the address already.
func (s *simplifier) closeLink() {
	if s.link == nil {
		return
	}
	link := *s.link
	s.link = nil
	all := s.out.String()
	inner := strings.TrimSpace(html.UnescapeString(all[link.at:]))
	if inner == link.href {
		return
	}
	s.out.WriteString("<a href=\"" + html.EscapeString(link.href) + "\"></a>")
	s.breaks = 0
}

// linkTarget returns the address of an anchor as it is written behind the
// text: web and mail addresses and placeholders, nothing else.
func linkTarget(tag string) string {
	href := strings.TrimSpace(html.UnescapeString(attribute(tag, "href")))
	for _, prefix := range [...]string{"https://", "http://", "{{"} {
		if len(href) > len(prefix) && strings.EqualFold(href[:len(prefix)], prefix) {
			return href
		}
	}
	if mail, ok := strings.CutPrefix(href, "mailto:"); ok {
		return mail
	}
	return ""
}

// attribute returns the value of the named attribute of a start tag, as
// written, or "".
func attribute(tag, name string) string {
	for {
		before, after, ok := strings.Cut(tag, "=")
		if !ok {
			return ""
		}
		before = strings.TrimRight(before, htmlSpace)
		found := strings.EqualFold(before[strings.LastIndexAny(before, htmlSpace+`"'/`)+1:], name)
		value, rest := attributeValue(strings.TrimLeft(after, htmlSpace))
		if found {
			return value
		}
		tag = rest
	}
}

// attributeValue splits what follows an equals sign into the value and the rest.
func attributeValue(s string) (value, rest string) {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		value, rest, _ = strings.Cut(s[1:], s[:1])
		return value, rest
	}
	end := strings.IndexAny(s, htmlSpace+">")
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

// isHidden reports whether a start tag hides its element.
func isHidden(tag string) bool {
	style := attribute(tag, "style")
	if !strings.Contains(style, "none") && !strings.Contains(style, "NONE") {
		return false
	}
	compact := strings.ToLower(strings.Join(strings.Fields(style), ""))
	return strings.Contains(compact, "display:none")
}

// isVoid reports whether an element has no end tag.
func isVoid(name string) bool {
	switch name {
	case "area", "base", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr":
		return true
	}
	return false
}
