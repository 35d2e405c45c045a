package template

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tagKind says what a tag does.
type tagKind uint8

// The kinds of tags.
const (
	printTag   tagKind = iota // {{path}} and {{helper …}}
	openTag                   // {{#word …}}
	elseTag                   // {{else}} and {{else word …}}
	closeTag                  // {{/word}}
	partialTag                // {{> name}}
	commentTag                // {{! … }} and {{!-- … --}}
)

// tag is something in double braces that the language knows.
type tag struct {
	kind                tagKind
	raw                 bool      // {{{ … }}} and {{& … }}
	trimLeft, trimRight bool      // {{~ and ~}}
	dropped             bool      // it is text after all
	word                blockWord // of openTag, closeTag and {{else word …}}
	start, end          int       // in the source
	pair                int       // of openTag: where it is closed; of elseTag: where it is opened; else -1
	name                string    // the path, or the name of the partial or layout
	indent              string    // before a partial that is alone on its line
	operand             *operand  // what a helper prints or a block tests
}

// blockWord is what stands behind the # of a block.
type blockWord uint8

// The blocks of the language.
const (
	noBlock blockWord = iota
	ifBlock
	unlessBlock
	eachBlock
	withBlock
	layoutBlock
)

func blockNamed(word string) blockWord {
	switch word {
	case "if":
		return ifBlock
	case "unless":
		return unlessBlock
	case "each":
		return eachBlock
	case "with":
		return withBlock
	case "layout":
		return layoutBlock
	}
	return noBlock
}

// partialBlock is the partial that stands, in a layout, for what the layout is
// put around.
const partialBlock = "@partial-block"

// scanner finds the tags of a source from left to right, in linear time.
type scanner struct {
	source   string
	tags     []tag
	problems []found
	// Ends of comments and tags, searched for only once.
	dashEnd, dashTildeEnd, anyEnd, nextOpen finder
}

// found is a Problem at an offset.
type found struct {
	code   Code
	offset int
	text   string
}

func newScanner(source string) *scanner {
	return &scanner{
		source: source, tags: make([]tag, 0, 16), dashEnd: finder{needle: "--}}"}, dashTildeEnd: finder{needle: "--~}}"},
		anyEnd: finder{needle: "}}"}, nextOpen: finder{needle: "{{"},
	}
}

// scan finds all tags. What is none of them is text; where it looks as if it
// were meant to be one, a problem says so. The error is the code of a bound.
func (s *scanner) scan() (failedAt int, code Code) {
	for at := 0; ; {
		next := strings.Index(s.source[at:], "{{")
		if next < 0 {
			return 0, ""
		}
		at += next
		t, code := s.tagAt(at)
		switch code {
		case "":
			s.tags = append(s.tags, t)
			at = t.end
		case tooDeep:
			return at, code
		default:
			s.complain(code, at)
			at++
		}
	}
}

// tagAt reads the tag at offset at, where two braces stand. "{{{x}}" is a brace
// and a placeholder, which the next byte finds.
func (s *scanner) tagAt(at int) (tag, Code) {
	if p, ok := placeholderAt(s.source[at:]); ok {
		t := tag{kind: printTag, raw: p.raw, start: at, end: at + len(p.source), name: p.path, pair: -1}
		if p.path == "else" && !p.raw {
			t.kind = elseTag
		}
		return t, ""
	}
	c := cursor{source: s.source, at: at + len("{{")}
	t := tag{start: at, pair: -1, trimLeft: c.take("~")}
	var code Code
	switch {
	case c.take("!"):
		code = s.comment(&c, &t)
	case c.take("#"):
		code = c.open(&t)
	case c.take("/"):
		code = c.close(&t)
	case c.take(">"):
		code = c.partial(&t)
	default:
		code = c.print(&t)
	}
	t.end = c.at
	return t, code
}

// comment reads what stands behind the exclamation mark.
func (s *scanner) comment(c *cursor, t *tag) Code {
	t.kind = commentTag
	end, length := s.anyEnd.next(s.source, c.at), len("}}")
	if c.sees("--") {
		end, length = s.dashEnd.next(s.source, c.at), len("--}}")
		if tilde := s.dashTildeEnd.next(s.source, c.at); tilde >= 0 && (end < 0 || tilde < end) {
			end, length = tilde, len("--~}}")
		}
	}
	if end < 0 {
		return UnclosedTag
	}
	c.at = end + length
	t.trimRight = c.source[c.at-len("~}}")] == '~' && c.at-len("~}}") > t.start+len("{{")
	return ""
}

// complain notes that the braces at offset at are text although they look like
// a tag.
func (s *scanner) complain(code Code, at int) {
	inner := at + len("{{")
	if strings.HasPrefix(s.source[inner:], "{") {
		return // the next byte begins the tag, if there is one
	}
	end, open := s.anyEnd.next(s.source, inner), s.nextOpen.next(s.source, inner)
	if code == UnclosedTag || end < 0 || open >= 0 && open < end {
		rest := s.source[inner:min(len(s.source), inner+longestShown)]
		if !looksLikeTag(strings.TrimLeftFunc(rest, isSpace)) {
			return
		}
		if code, end = UnclosedTag, strings.IndexAny(rest, "\n{}"); end < 0 {
			end = len(rest)
		}
		s.note(code, at, s.source[at:inner+end])
		return
	}
	s.note(code, at, s.source[at:end+len("}}")])
}

// looksLikeTag reports whether s, found behind two braces that nothing closes,
// begins as the inside of a tag does.
func looksLikeTag(s string) bool {
	return s != "" && (isPathByte(s[0]) || strings.IndexByte("#/>!&@~", s[0]) >= 0)
}

// note adds a problem, unless there are very many already.
func (s *scanner) note(code Code, at int, text string) {
	if len(s.problems) < maxProblems {
		s.problems = append(s.problems, found{code: code, offset: at, text: shown(text)})
	}
}

// finder finds the next place of a text in a source, and searches each part of
// the source only once.
type finder struct {
	needle string
	at     int
	done   bool
}

// next returns the first place from offset from on, or -1. The offsets that it
// is asked for never go back behind a place that it gave.
func (f *finder) next(source string, from int) int {
	if f.done && (f.at < 0 || f.at >= from) {
		return f.at
	}
	f.done, f.at = true, strings.Index(source[from:], f.needle)
	if f.at >= 0 {
		f.at += from
	}
	return f.at
}

// placeholder is one {{path}} as it stands in the source.
type placeholder struct {
	source string // to the letter, braces and all
	path   string
	raw    bool // {{{path}}} or {{&path}}
}

// placeholderAt reads the placeholder at the start of s, which begins with two
// braces.
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
