package template

// Use is one place where a template looks at the payload.
type Use struct {
	// Path leads from the payload to the value. What a loop goes through is
	// "*": {{#each list}}{{name}}{{/each}} uses "list.*.name".
	Path string
	// Printed says that the value is printed, and not only tested.
	Printed bool
	// Literal says that the placeholder stays to the letter where the payload
	// lacks the root of the path.
	Literal bool
	// Line and Column are the place in the source, counted from 1; Column
	// counts characters (code points).
	Line, Column int
	// Partial is the name of the partial that the place is in, "" for the
	// template itself.
	Partial string
}

// Bounds of what is told of a template: partials multiply it.
const (
	maxUses  = 10_000
	maxSteps = 100_000 // parts of the template that are looked at
	maxPath  = 1 << 10 // bytes
)

// Uses returns where the template and its partials look at the payload, as far
// as that can be told without one, in the order of the output, and for each
// place and path once. Of very large templates it tells the first part.
func (t *Template) Uses() []Use {
	w := walker{unit: t.unit, contexts: []string{""}, seen: make(map[usePlace]bool), places: make(places)}
	w.nodes(t.nodes)
	return w.uses
}

// Variables returns the paths from the payload that the template prints, each
// once, in the order of their first use.
func (t *Template) Variables() []string {
	var list []string
	seen := make(map[string]bool)
	for _, u := range t.Uses() {
		if u.Printed && !seen[u.Path] {
			seen[u.Path] = true
			list = append(list, u.Path)
		}
	}
	return list
}

// Masked returns the source with every placeholder that prints a value as
// letters, and every other tag as spaces, byte for byte: what is left can be
// read as the HTML that it is, and has the same places.
func (t *Template) Masked() string {
	s := newScanner(t.source)
	s.scan()
	masked := []byte(t.source)
	for _, tag := range s.tags {
		with := byte(' ')
		if tag.kind == printTag {
			with = 'x'
		}
		for i := tag.start; i < tag.end; i++ {
			if masked[i] != '\n' {
				masked[i] = with
			}
		}
	}
	return string(masked)
}

// walker follows a template without a payload.
type walker struct {
	unit     *unit
	contexts []string // paths of what the blocks are about, unknown where it has no path
	inside   int      // blocks around
	around   *inner
	uses     []Use
	seen     map[usePlace]bool
	places   places
	steps    int
}

// usePlace tells uses apart.
type usePlace struct {
	unit    *unit
	offset  int
	path    string
	printed bool
}

// unknown is the path of what a helper returns.
const unknown = "?"

func (w *walker) nodes(list []node) {
	for i := range list {
		w.steps++
		if w.steps > maxSteps {
			return
		}
		switch n := &list[i]; {
		case n.variable != nil:
			w.variable(n.variable)
		case n.block != nil:
			w.block(n.block)
		case n.include != nil:
			w.include(n.include)
		}
	}
}

func (w *walker) variable(v *variable) {
	switch {
	case v.call != nil:
		w.call(v.call, v.offset, true)
	case w.inside > 0:
		w.use(w.pathOf(&v.path), v.offset, true, false)
	case !v.path.onlyInBlock():
		w.use(join("", v.path.segments...), v.offset, true, true)
	}
}

// call tells of the arguments of a helper. What a helper only compares, or
// reads the style or zone of a date from, is not printed.
func (w *walker) call(c *call, offset int, printed bool) {
	for i, arg := range c.args {
		switch c.helper {
		case eqHelper, neHelper, notHelper:
			w.operand(arg, offset, false)
		case dateHelper:
			w.operand(arg, offset, printed && i == 0)
		default:
			w.operand(arg, offset, printed)
		}
	}
}

// operand tells of an operand and returns its path.
func (w *walker) operand(o *operand, offset int, printed bool) string {
	switch o.kind {
	case pathOperand:
		path := w.pathOf(&o.path)
		w.use(path, offset, printed, false)
		return path
	case callOperand:
		w.call(o.call, offset, printed)
	case literalOperand:
	}
	return unknown
}

func (w *walker) block(b *block) {
	w.inside++
	for i := range b.branches {
		w.branch(&b.branches[i])
	}
	w.inside--
}

func (w *walker) branch(b *branch) {
	if b.test == nil {
		w.nodes(b.nodes)
		return
	}
	path := w.operand(b.test, b.offset, false)
	switch b.word {
	case eachBlock:
		w.about(join(path, "*"), b.nodes)
	case withBlock:
		w.about(path, b.nodes)
	default:
		w.nodes(b.nodes)
	}
}

// about follows nodes about what is at path.
func (w *walker) about(path string, list []node) {
	w.contexts = append(w.contexts, path)
	w.nodes(list)
	w.contexts = w.contexts[:len(w.contexts)-1]
}

func (w *walker) include(i *include) {
	unit, around := w.unit, w.around
	switch {
	case i.unit != nil:
		if w.unit = i.unit; i.layout {
			w.around = &inner{nodes: i.body, home: i.home, around: around}
		}
		w.nodes(i.unit.nodes)
	case around != nil:
		w.unit, w.around = around.home, around.around
		w.nodes(around.nodes)
	}
	w.unit, w.around = unit, around
}

// pathOf returns the path from the payload to where p leads.
func (w *walker) pathOf(p *path) string {
	base, segments := unknown, p.segments
	switch i := len(w.contexts) - 1 - p.up; {
	case p.data == rootData:
		base = ""
	case p.data == noData && i >= 0:
		base = w.contexts[i]
		if len(segments) > 0 && segments[0] == "this" {
			segments = segments[1:]
		}
	}
	return join(base, segments...)
}

func join(base string, segments ...string) string {
	for _, s := range segments {
		if base == unknown || len(base)+len(s) > maxPath {
			return unknown
		}
		if base != "" {
			base += "."
		}
		base += s
	}
	return base
}

func (w *walker) use(path string, offset int, printed, literal bool) {
	at := usePlace{unit: w.unit, offset: offset, path: path, printed: printed}
	if path == unknown || path == "" || len(w.uses) == maxUses || w.seen[at] {
		return
	}
	w.seen[at] = true
	line, column := w.places.of(w.unit, offset)
	w.uses = append(w.uses, Use{
		Path: path, Printed: printed, Literal: literal, Line: line, Column: column, Partial: w.unit.name,
	})
}
