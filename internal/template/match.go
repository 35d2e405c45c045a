package template

import (
	"cmp"
	"slices"
	"strings"
)

// matcher pairs the tags that open and close blocks.
type matcher struct {
	*scanner
	library *Library
	partial bool // the source is a partial
	open    []openBlock
	count   map[blockWord]int // of blocks that are open
	dropped bool              // some tag is text
}

// openBlock is a block whose end has not come.
type openBlock struct {
	tag  int
	last bool // its last else was there
}

// match returns those tags of s that mean something where they stand. All
// others are text, and a problem says so.
func match(s *scanner, library *Library, partial bool) []tag {
	m := matcher{scanner: s, library: library, partial: partial}
	for i := range s.tags {
		switch t := &s.tags[i]; t.kind {
		case openTag:
			m.push(i)
		case elseTag:
			m.branch(i)
		case closeTag:
			m.pop(i)
		case partialTag:
			m.include(t)
		case printTag:
			m.print(t)
		default:
		}
	}
	for _, o := range m.open {
		m.drop(UnclosedBlock, &s.tags[o.tag])
	}
	m.dropElses()
	byOffset := func(a, b found) int { return cmp.Compare(a.offset, b.offset) }
	slices.SortStableFunc(s.problems, byOffset)
	if !m.dropped {
		return s.tags
	}
	return slices.DeleteFunc(s.tags, func(t tag) bool { return t.dropped })
}

// drop makes text of a tag. Without a code, another problem told of it.
func (m *matcher) drop(code Code, t *tag) {
	t.dropped, m.dropped = true, true
	if code != "" {
		m.note(code, t.start, m.source[t.start:t.end])
	}
}

func (m *matcher) push(i int) {
	t := &m.tags[i]
	if t.word == layoutBlock && !m.library.has(t.name) {
		m.drop(UnknownPartial, t)
	}
	if m.count == nil {
		m.count = make(map[blockWord]int)
	}
	m.count[t.word]++
	m.open = append(m.open, openBlock{tag: i})
}

// branch gives an else to the block that is open.
func (m *matcher) branch(i int) {
	t := &m.tags[i]
	if len(m.open) == 0 {
		return
	}
	o := &m.open[len(m.open)-1]
	if o.last || m.tags[o.tag].word == layoutBlock {
		return
	}
	o.last = t.word == noBlock
	t.pair = o.tag
}

// pop closes the last block of the word and abandons those that are open
// within it.
func (m *matcher) pop(i int) {
	t := &m.tags[i]
	if m.count[t.word] == 0 {
		m.drop(UnopenedBlock, t)
		return
	}
	for {
		opened := &m.tags[m.open[len(m.open)-1].tag]
		m.open = m.open[:len(m.open)-1]
		m.count[opened.word]--
		if opened.word == t.word {
			opened.pair = i
			if opened.dropped {
				m.drop("", t)
			}
			return
		}
		m.drop(UnclosedBlock, opened)
	}
}

// include refuses what no library has.
func (m *matcher) include(t *tag) {
	switch {
	case t.name != partialBlock:
		if !m.library.has(t.name) {
			m.drop(UnknownPartial, t)
		}
	case !m.partial:
		m.drop(OnlyInBlock, t)
	}
}

// print notes what prints itself, to the letter, outside of blocks. (A partial
// may be used within one.)
func (m *matcher) print(t *tag) {
	if len(m.open) == 0 && !m.partial && t.operand == nil {
		root, _, _ := strings.Cut(t.name, ".")
		if root == "" || root[0] == '@' || root == "this" {
			m.note(OnlyInBlock, t.start, m.source[t.start:t.end])
		}
	}
	if t.operand != nil {
		t.operand.call.check(func(code Code) { m.note(code, t.start, m.source[t.start:t.end]) })
	}
}

// dropElses makes text of every else without a block. {{else}} alone is a
// placeholder then, like any other.
func (m *matcher) dropElses() {
	for i := range m.tags {
		t := &m.tags[i]
		if t.kind != elseTag || t.pair >= 0 && !m.tags[t.pair].dropped {
			continue
		}
		m.note(MisplacedElse, t.start, m.source[t.start:t.end])
		if t.word == noBlock {
			t.kind = printTag
		} else {
			m.drop("", t)
		}
	}
}
