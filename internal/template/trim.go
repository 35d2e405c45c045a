package template

import (
	"strings"
	"unicode/utf8"
)

// cut says how much white space goes at one end of a text.
type cut uint8

const (
	cutNothing cut = iota
	cutLine        // what a tag alone on its line leaves of the line
	cutAll         // what ~ takes
)

// gap is the text between two tags.
type gap struct {
	text       string // as in the source
	start, end cut
}

// trim returns the texts around the tags, texts[i] before tags[i], without the
// white space that goes: all of it beside a ~, and the line of a block's tag,
// a comment or a partial that stands alone on it. It sets the indent of such
// partials.
func trim(source string, tags []tag) []string {
	texts := make([]string, len(tags)+1)
	end, plain := 0, true
	for i := range tags {
		t := &tags[i]
		texts[i] = source[end:t.start]
		end = t.end
		plain = plain && t.kind == printTag && !t.trimLeft && !t.trimRight
	}
	texts[len(tags)] = source[end:]
	if plain {
		return texts
	}
	w := trimmer{tags: tags, gaps: make([]gap, len(texts))}
	for i, text := range texts {
		w.gaps[i].text = text
	}
	for i := range tags {
		w.tag(i)
	}
	for i := range w.gaps {
		texts[i] = w.gaps[i].rest()
	}
	return texts
}

// trimmer decides what goes of each text.
type trimmer struct {
	tags []tag
	gaps []gap // gaps[i] is before tags[i]
	open []chain
}

// chain is a block that is open.
type chain struct {
	elses   int
	chained bool // its first else has a condition
	first   int  // the gap that ends its first else
}

// tag cuts the texts before and after tags[i].
func (w *trimmer) tag(i int) {
	t := &w.tags[i]
	before, after := &w.gaps[i], &w.gaps[i+1]
	aloneBefore := before.endsBlank(i == 0)
	aloneAfter := after.startsBlank(i == len(w.tags)-1)
	cutBefore := true
	switch t.kind {
	case printTag:
		aloneBefore = false
	case openTag:
		w.open = append(w.open, chain{})
	case elseTag:
		w.branch(t, i)
	case closeTag:
		aloneBefore, cutBefore = w.close(aloneBefore)
	case partialTag:
		if aloneBefore && aloneAfter {
			t.indent = w.indent(t, i)
		}
	case commentTag:
	}
	if aloneBefore && aloneAfter {
		after.start = max(after.start, cutLine)
		if cutBefore {
			before.end = max(before.end, cutLine)
		}
	}
	if t.trimLeft {
		before.end = cutAll
	}
	if t.trimRight {
		after.start = cutAll
	}
}

// close ends the block that is open. It returns whether its tag is alone as
// far as what is before it tells, and whether that is cut.
func (w *trimmer) close(aloneBefore bool) (alone, cutBefore bool) {
	c := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	if !c.chained {
		return aloneBefore, true
	}
	// Handlebars looks at the end of the first {{else if}} here, and leaves the
	// indentation of the closing tag.
	if c.elses > 1 {
		aloneBefore = w.gaps[c.first].endsBlank(false)
	}
	return aloneBefore, false
}

// branch notes an else of the block that is open.
func (w *trimmer) branch(t *tag, i int) {
	c := &w.open[len(w.open)-1]
	c.elses++
	switch c.elses {
	case 1:
		c.chained = t.word != noBlock
	case 2:
		c.first = i
	}
}

// indent returns what stands before the partial tags[i], alone on its line. It
// is nothing when a ~ takes it, but for the ~ of the block that it begins in.
func (w *trimmer) indent(t *tag, i int) string {
	before := w.gaps[i]
	if t.trimLeft || before.start == cutAll && w.tags[i-1].kind != openTag && w.tags[i-1].kind != elseTag {
		return ""
	}
	return before.text[len(strings.TrimRight(before.text, " \t")):]
}

// endsBlank reports whether the text ends in a line, or is the first text and
// a line, of nothing but white space.
func (g *gap) endsBlank(first bool) bool {
	rest := strings.TrimRightFunc(g.text, isSpace)
	return first && rest == "" || strings.IndexByte(g.text[len(rest):], '\n') >= 0
}

// startsBlank reports whether the text starts with a line, or is the last text
// and a line, of nothing but white space.
func (g *gap) startsBlank(last bool) bool {
	rest := strings.TrimLeftFunc(g.text, isSpace)
	return last && rest == "" || strings.IndexByte(g.text[:len(g.text)-len(rest)], '\n') >= 0
}

// rest returns the text without what goes.
func (g *gap) rest() string {
	s := g.text
	switch g.start {
	case cutAll:
		s = strings.TrimLeftFunc(s, isSpace)
	case cutLine:
		s = strings.TrimLeft(s, " \t")
		s = strings.TrimPrefix(strings.TrimPrefix(s, "\r"), "\n")
	case cutNothing:
	}
	switch g.end {
	case cutAll:
		s = strings.TrimRightFunc(s, isSpace)
	case cutLine:
		s = strings.TrimRight(s, " \t")
	case cutNothing:
	}
	return s
}

// startOfRune returns the offset, at most at, where a character of s begins.
func startOfRune(s string, at int) int {
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return at
}
