package template

import (
	"maps"
	"slices"
	"strconv"
)

// rendering is one run of a template.
type rendering struct {
	output
	payload map[string]any
	scopes  []scope // what the blocks around are about, the innermost last
	inside  int     // blocks around
	around  *inner  // what the layout that is being printed is put around
	zones   zones
	// For templates of more than text and variables the rule for URLs follows
	// the output, from the offset start on.
	dynamic bool
	start   int
	read    int // offset up to which urls has read
	urls    urlContext
	failed  fault
}

// inner is what a layout is put around.
type inner struct {
	nodes  []node
	home   *unit
	around *inner // what was around there
}

// fault is the place where a rendering failed.
type fault struct {
	unit   *unit
	offset int
	path   string
	placed bool
}

// at notes the place of an error, unless something further in did, and returns
// the error.
func (r *rendering) at(err error, offset int, path string) error {
	if !r.failed.placed {
		r.failed = fault{offset: offset, path: path, placed: true}
	}
	return err
}

// nodes renders a list of nodes.
func (r *rendering) nodes(list []node) error {
	for i := range list {
		r.work--
		if r.work < 0 {
			return failure(TooMuchWork)
		}
		n := &list[i]
		var err error
		switch {
		case n.variable != nil:
			if err = n.variable.render(r); err != nil {
				return r.at(err, n.variable.offset, n.variable.shown)
			}
		case n.text != "":
			err = r.add(n.text)
		case n.block != nil:
			err = r.block(n.block)
		case n.include != nil:
			err = r.include(n.include)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// block renders the first branch whose test says so.
func (r *rendering) block(b *block) error {
	r.inside++
	for i := range b.branches {
		done, err := r.branch(&b.branches[i])
		if err != nil {
			return r.at(err, b.branches[i].offset, "")
		}
		if done {
			break
		}
	}
	r.inside--
	return nil
}

// branch renders b if its test says so, and reports whether it did.
func (r *rendering) branch(b *branch) (bool, error) {
	if b.test == nil {
		return true, r.nodes(b.nodes)
	}
	value, err := r.eval(b.test)
	if err != nil {
		return false, err
	}
	switch b.word {
	case ifBlock:
		if truthy(value) {
			return true, r.nodes(b.nodes)
		}
	case unlessBlock:
		if !truthy(value) {
			return true, r.nodes(b.nodes)
		}
	case withBlock:
		if truthy(value) || isZero(value) {
			return true, r.with(value, b.nodes)
		}
	case eachBlock:
		return r.each(value, b.nodes)
	default: // a layout is an include
	}
	return false, nil
}

// with renders nodes about value.
func (r *rendering) with(value any, list []node) error {
	r.scopes = append(r.scopes, scope{value: value})
	err := r.nodes(list)
	r.scopes = r.scopes[:len(r.scopes)-1]
	return err
}

// each renders nodes about each item or member of value, and reports whether
// there was one.
func (r *rendering) each(value any, list []node) (bool, error) {
	switch value := value.(type) {
	case []any:
		return len(value) > 0, r.rounds(loop{n: len(value), items: value}, list)
	case map[string]any:
		l := loop{n: len(value), members: value}
		if l.n <= MaxRounds {
			l.keys = sortedKeys(value)
		}
		return l.n > 0, r.rounds(l, list)
	}
	return false, nil
}

// loop is what a loop goes through: the items of an array, or the members of
// an object in the order of keys.
type loop struct {
	n       int
	items   []any
	members map[string]any
	keys    []string
}

// rounds renders nodes once for each of l.
func (r *rendering) rounds(l loop, list []node) error {
	if l.n > MaxRounds {
		return failure(TooManyRounds)
	}
	for i := range l.n {
		r.work--
		if r.work < 0 {
			return failure(TooMuchWork)
		}
		s := scope{loop: true, index: i, last: i == l.n-1}
		if l.members == nil {
			s.value = l.items[i]
		} else {
			s.named, s.key, s.value = true, l.keys[i], l.members[l.keys[i]]
		}
		r.scopes = append(r.scopes, s)
		err := r.nodes(list)
		r.scopes = r.scopes[:len(r.scopes)-1]
		if err != nil {
			return err
		}
	}
	return nil
}

// sortedKeys returns the keys of an object in the order of loops: array
// indexes by number, as in JavaScript, then all others by their bytes, since
// the payload does not keep the order in which they were written.
func sortedKeys(object map[string]any) []string {
	keys := slices.Collect(maps.Keys(object))
	slices.SortFunc(keys, func(a, b string) int {
		i, aIsIndex := index(a)
		j, bIsIndex := index(b)
		switch {
		case aIsIndex && bIsIndex:
			return i - j
		case aIsIndex:
			return -1
		case bIsIndex:
			return 1
		case a < b:
			return -1
		}
		return 1
	})
	return keys
}

// include renders a partial, a layout or what a layout is put around.
func (r *rendering) include(i *include) error {
	indented, pending, before := r.indent, r.pending, len(r.buf)
	if i.indent != "" {
		r.indent += i.indent
		r.pending += i.indent
	}
	home, err := r.included(i)
	if err != nil {
		if !r.failed.placed {
			return r.at(err, i.offset, "")
		}
		if r.failed.unit == nil {
			r.failed.unit = home
		}
		return err
	}
	if i.indent != "" {
		r.indent = indented
		switch {
		case len(r.buf) == before:
			r.pending = pending
		case r.buf[len(r.buf)-1] == '\n':
			r.pending = r.indent
		}
	}
	return nil
}

// included renders what i stands for, and returns the unit where that is
// written. Where nothing is around, as in a layout that is used as a partial,
// what is around prints nothing.
func (r *rendering) included(i *include) (home *unit, err error) {
	around := r.around
	switch {
	case i.layout:
		r.around = &inner{nodes: i.body, home: i.home, around: around}
		home, err = i.unit, r.nodes(i.unit.nodes)
	case i.unit != nil:
		home, err = i.unit, r.nodes(i.unit.nodes)
	case around != nil:
		r.around = around.around
		home, err = around.home, r.nodes(around.nodes)
	}
	r.around = around
	return home, err
}

// scope is what a block is about.
type scope struct {
	value any
	loop  bool // it is a round of a loop:
	index int
	last  bool
	named bool // over an object, whose member has this key
	key   string
}

// fromRoot walks a path from the payload. found says that its root is there;
// what is missing below it is nil.
func (r *rendering) fromRoot(p *path) (value any, found bool) {
	value, found = r.payload[p.segments[0]]
	return r.walk(value, p.segments[1:]), found
}

// find walks a path from what the block is about.
func (r *rendering) find(p *path) any {
	if p.data != noData {
		return r.walk(r.data(p.data), p.segments)
	}
	segments := p.segments
	if len(segments) > 0 && segments[0] == "this" {
		segments = segments[1:]
	}
	return r.walk(r.context(p.up), segments)
}

func (r *rendering) walk(value any, keys []string) any {
	r.work -= len(keys)
	for _, key := range keys {
		if value == nil {
			break
		}
		value = member(value, key)
	}
	return value
}

// context returns what the block is about that is up levels further out, or
// nil when there are not so many.
func (r *rendering) context(up int) any {
	if i := len(r.scopes) - 1 - up; i >= 0 {
		return r.scopes[i].value
	}
	if up > len(r.scopes) {
		return nil
	}
	return r.payload
}

// data returns what the innermost loop knows.
func (r *rendering) data(name dataName) any {
	if name == rootData {
		return r.payload
	}
	for i := len(r.scopes) - 1; i >= 0; i-- {
		s := &r.scopes[i]
		if !s.loop {
			continue
		}
		switch name {
		case firstData:
			return s.index == 0
		case lastData:
			return s.last
		default:
			if name == keyData && s.named {
				return s.key
			}
			return s.index
		}
	}
	return nil
}

// eval returns the value of an operand.
func (r *rendering) eval(o *operand) (any, error) {
	switch o.kind {
	case pathOperand:
		return r.find(&o.path), nil
	case callOperand:
		return r.call(o.call)
	default:
		return o.value, nil
	}
}

// text returns a value as it prints, without escaping.
func (r *rendering) text(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case int:
		return strconv.Itoa(value), nil
	}
	printed := output{end: MaxOutput, work: r.work}
	err := printed.print(value, None, 0)
	r.work = printed.work
	return string(printed.buf), err
}
