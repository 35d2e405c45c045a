package template

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// compiler makes one template out of its source and those of its partials.
type compiler struct {
	escape  Escape
	library *Library
	units   []*unit // in the order of their first use, the template first
	byName  map[string]*unit
	open    []string // partials that are being compiled
	total   int      // bytes of all sources
	raw     bool     // something is printed without escaping
	dynamic bool     // more than text and variables
}

// builder makes the nodes of one unit.
type builder struct {
	*compiler
	unit  *unit
	tags  []tag
	texts []string // texts[i] stands before tags[i]
	next  int      // the tag that comes next
	depth int      // blocks that are open
	urls  urlContext
}

// unitOf parses one source.
func (c *compiler) unitOf(name, source string) (*unit, error) {
	u := &unit{name: name, source: source}
	if len(source) > MaxSource {
		return nil, u.errorAt(SourceTooLarge, startOfRune(source, MaxSource), "")
	}
	if !utf8.ValidString(source) {
		return nil, u.errorAt(InvalidUTF8, firstInvalid(source), "")
	}
	if c.total += len(source); c.total > MaxSources {
		return nil, u.errorAt(PartialsTooLarge, 0, "")
	}
	c.units = append(c.units, u)
	s := newScanner(source)
	if at, code := s.scan(); code != "" {
		return nil, u.errorAt(Reason(code), at, "")
	}
	b := builder{compiler: c, unit: u, tags: match(s, c.library, name != "")}
	b.texts = trim(source, b.tags)
	c.dynamic = c.dynamic || !variablesOnly(b.tags)
	var err error
	if u.nodes, err = b.nodes(); err != nil {
		return nil, err
	}
	u.problems = s.problems
	return u, nil
}

// variablesOnly reports whether all tags are placeholders of paths.
func variablesOnly(tags []tag) bool {
	for i := range tags {
		if tags[i].kind != printTag && tags[i].kind != commentTag || tags[i].operand != nil {
			return false
		}
	}
	return true
}

// nodes builds up to the end of the block that is open, or of the source.
func (b *builder) nodes() ([]node, error) {
	var list []node
	for {
		if text := b.texts[b.next]; text != "" {
			list = append(list, node{text: text})
			b.unit.size += len(text)
		}
		if b.next == len(b.tags) {
			return list, nil
		}
		t := &b.tags[b.next]
		if t.kind == elseTag || t.kind == closeTag {
			return list, nil
		}
		b.next++
		n, err := b.node(t)
		if err != nil {
			return nil, err
		}
		if t.kind != commentTag {
			list = append(list, n)
		}
	}
}

// node builds what t opens or prints.
func (b *builder) node(t *tag) (node, error) {
	switch t.kind {
	case printTag:
		return node{variable: b.variable(t)}, nil
	case partialTag:
		i, err := b.include(t)
		return node{include: i}, err
	case openTag:
		if t.word == layoutBlock {
			i, err := b.layout(t)
			return node{include: i}, err
		}
		bl, err := b.block(t)
		return node{block: bl}, err
	default:
		return node{}, nil
	}
}

// variable also reserves room for the value in the output buffer: enough for a
// name or a code, so that a usual mail grows its buffer once at most.
func (b *builder) variable(t *tag) *variable {
	const room = 64
	b.unit.size += room
	v := &variable{source: b.unit.source[t.start:t.end], shown: t.name, raw: t.raw, escape: b.escape, offset: t.start}
	b.raw = b.raw || t.raw
	if t.operand != nil {
		v.call = t.operand.call
		v.shown = strings.Trim(v.source, "{}&~ ")
		v.isLink = v.call.mentionsLink()
		return v
	}
	v.path = pathOf(t.name)
	v.isLink = v.path.isLink()
	if b.escape == HTML && !b.dynamic {
		before := 0
		if b.next > 1 {
			before = b.tags[b.next-2].end
		}
		v.guarded = guards(&b.urls, b.unit.source, before, t.start, v.isLink)
	}
	return v
}

// pathOf reads the path of a placeholder that the scanner passed.
func pathOf(text string) path {
	if text[0] == '@' || text[0] == '.' {
		c := cursor{source: text}
		p, _ := c.path()
		return p
	}
	return path{segments: strings.Split(text, ".")}
}

// block builds a block and its branches, up to and with its end.
func (b *builder) block(t *tag) (*block, error) {
	b.depth++
	if b.depth > MaxNesting {
		return nil, b.unit.errorAt(NestingTooDeep, t.start, "")
	}
	bl := &block{}
	for {
		list, err := b.nodes()
		if err != nil {
			return nil, err
		}
		bl.branches = append(bl.branches, branch{word: t.word, test: t.operand, offset: t.start, nodes: list})
		t = &b.tags[b.next]
		b.next++
		if t.kind == closeTag {
			b.depth--
			return bl, nil
		}
	}
}

// layout builds what a layout is put around, up to and with its end.
func (b *builder) layout(t *tag) (*include, error) {
	b.depth++
	if b.depth > MaxNesting {
		return nil, b.unit.errorAt(NestingTooDeep, t.start, "")
	}
	i, err := b.include(t)
	if err != nil {
		return nil, err
	}
	i.layout = true
	if i.body, err = b.nodes(); err != nil {
		return nil, err
	}
	b.next++
	b.depth--
	return i, nil
}

func (b *builder) include(t *tag) (*include, error) {
	i := &include{indent: t.indent, offset: t.start, home: b.unit}
	if t.name == partialBlock {
		return i, nil
	}
	u, err := b.partial(t)
	i.unit = u
	return i, err
}

// partial returns the unit of the partial that t names, which is there.
func (b *builder) partial(t *tag) (*unit, error) {
	if slices.Contains(b.open, t.name) {
		return nil, b.unit.errorAt(RecursivePartial, t.start, t.name)
	}
	u := b.byName[t.name]
	if u == nil {
		if len(b.open) == MaxPartials {
			return nil, b.unit.errorAt(PartialsTooDeep, t.start, t.name)
		}
		source, _ := b.library.partial(t.name)
		b.open = append(b.open, t.name)
		var err error
		if u, err = b.unitOf(t.name, source); err != nil {
			return nil, err
		}
		b.open = b.open[:len(b.open)-1]
		if b.byName == nil {
			b.byName = make(map[string]*unit)
		}
		b.byName[t.name] = u
	}
	if u.height+1 > b.unit.height {
		b.unit.height = u.height + 1
	}
	if len(b.open)+u.height+1 > MaxPartials {
		return nil, b.unit.errorAt(PartialsTooDeep, t.start, t.name)
	}
	b.unit.size += u.size
	return u, nil
}
