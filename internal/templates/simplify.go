package templates

import "strings"

const htmlSpace = " \t\n\f\r"

// simplify reduces HTML to the little that html2text reads as a mail client
// would: text, <br>, and the addresses of links as empty anchors.
// The library by itself knows tags only without attributes, drops all text
// after an anchor without href or an end tag too many, shows what comments
// hold, puts table cells together, and takes quadratic time over stray ">".
func simplify(html string) string {
	s := simplifier{in: html}
	s.out.Grow(len(html))
	s.run()
	return s.out.String()
}

// simplifier reads HTML from left to right, once: what fails to close is noted,
// so that nothing is searched for twice.
type simplifier struct {
	in  string
	pos int
	out strings.Builder
	// breaks counts the line ends since the last text.
	breaks int
	// missing holds what does not occur in the rest of the input.
	missing map[string]bool
	link    *openLink
	hidden  *hiddenPart
	// shown is set when an element was hidden and never closed: then nothing
	// more is taken as hidden.
	shown bool
}

// openLink is an anchor whose end has not come.
type openLink struct {
	href string
	at   int // in the output
}

// hiddenPart is an element that is not shown.
type hiddenPart struct {
	name  string
	depth int // how many elements with that name are open
	in    int // where its content begins in the input
}

func (s *simplifier) run() {
	for s.pos < len(s.in) || s.reveal() {
		next := strings.IndexByte(s.in[s.pos:], '<')
		if next < 0 {
			next = len(s.in) - s.pos
		}
		s.text(s.in[s.pos : s.pos+next])
		s.pos += next
		if s.pos < len(s.in) {
			s.markup()
		}
	}
	s.closeLink()
}

// reveal goes back to an element that was hidden and never closed: in a broken
// document it is better to show too much than to lose the code.
func (s *simplifier) reveal() bool {
	if s.hidden == nil {
		return false
	}
	s.pos, s.hidden, s.shown, s.missing = s.hidden.in, nil, true, nil
	return true
}

// text writes text as it is but for stray brackets.
func (s *simplifier) text(t string) {
	if s.hidden != nil {
		return
	}
	if strings.Trim(t, htmlSpace) != "" {
		s.breaks = 0
	}
	for {
		i := strings.IndexByte(t, '>')
		if i < 0 {
			s.out.WriteString(t)
			return
		}
		s.out.WriteString(t[:i])
		s.out.WriteString("&gt;")
		t = t[i+1:]
	}
}

// markup reads what begins with the "<" at pos.
func (s *simplifier) markup() {
	rest := s.in[s.pos:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		if !s.skipPast(4, "-->") {
			s.pos += 4
		}
	case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"):
		if !s.skipPast(2, ">") {
			s.pos += 2
		}
	default:
		s.tag(rest)
	}
}

// skipPast moves behind the next end mark, if there is one.
func (s *simplifier) skipPast(offset int, mark string) bool {
	i := s.index(offset, mark)
	if i < 0 {
		return false
	}
	s.pos += i + len(mark)
	return true
}

// index finds mark in the input from pos+offset on, relative to pos.
func (s *simplifier) index(offset int, mark string) int {
	if s.missing[mark] {
		return -1
	}
	if i := strings.Index(s.in[s.pos+offset:], mark); i >= 0 {
		return offset + i
	}
	s.lacks(mark)
	return -1
}

func (s *simplifier) lacks(mark string) {
	if s.missing == nil {
		s.missing = make(map[string]bool)
	}
	s.missing[mark] = true
}

// tag reads a start or end tag, or the "<" as text when it is none.
func (s *simplifier) tag(rest string) {
	name, end := tagName(rest)
	length := s.tagLength(len(name))
	if name == "" || length < 0 {
		s.pos++
		if s.hidden == nil {
			s.breaks = 0
			s.out.WriteString("&lt;")
		}
		return
	}
	attributes := rest[:length]
	s.pos += length
	switch {
	case s.hidden != nil:
		s.hiddenTag(name, end)
	case end:
		s.endTag(name)
	default:
		s.startTag(name, attributes)
	}
}

// tagName returns the name in lower case of the tag at the start of s, and
// whether it is an end tag.
func tagName(s string) (name string, end bool) {
	s = s[1:]
	if strings.HasPrefix(s, "/") {
		s, end = s[1:], true
	}
	n := 0
	for n < len(s) && n < 64 && !strings.ContainsRune(htmlSpace+"/>", rune(s[n])) {
		n++
	}
	if n == 0 || !isLetter(s[0]) {
		return "", end
	}
	return strings.ToLower(s[:n]), end
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// tagLength returns the length of the tag at pos, its ">" included, or -1. The
// name ends before from.
func (s *simplifier) tagLength(from int) int {
	for !s.missing[">"] {
		length, open := scanTag(s.in[s.pos:], from, !s.missing[`"`], !s.missing["'"])
		switch {
		case length > 0:
			return length
		case open == 0:
			s.lacks(">")
		default:
			s.lacks(string(open)) // read again, with the quote as a letter
		}
	}
	return -1
}

// scanTag returns where the tag at the start of t ends. A ">" in a quoted
// attribute value does not end it; double and single say which quotes count. A
// length of 0 means that the end is missing: of the quote open, if any.
func scanTag(t string, from int, double, single bool) (length int, open byte) {
	afterEquals := false
	for i := from; i < len(t); i++ {
		c := t[i]
		switch {
		case open != 0:
			if c == open {
				open = 0
			}
		case c == '>':
			return i + 1, 0
		case afterEquals && (c == '"' && double || c == '\'' && single):
			open, afterEquals = c, false
		case !strings.ContainsRune(htmlSpace, rune(c)):
			afterEquals = c == '='
		}
	}
	return 0, open
}
