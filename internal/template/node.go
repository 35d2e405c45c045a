package template

import "time"

// unit is one parsed source: a template, or a partial of it.
type unit struct {
	name     string // of the partial, "" for the template itself
	source   string
	nodes    []node
	problems []found
	height   int // partials below it, on the longest way
	size     int // a guess at the length of its output
}

// node is one part of a unit: a variable, a block, a partial, or text where
// there is none of them. (An interface would put each rendering on the heap.)
type node struct {
	text     string
	variable *variable
	block    *block
	include  *include
}

// variable is a placeholder that prints a value: that of a path, or of a
// helper.
type variable struct {
	source  string // to the letter, braces and all
	shown   string // for errors: the path, or the helper with its arguments
	path    path
	call    *call // nil for a path
	escape  Escape
	raw     bool
	guarded bool // prints only URLs, see the package comment
	isLink  bool // its path is the payload's link
	offset  int  // in the source
}

// block is a chain of branches, of which at most one is rendered.
type block struct {
	branches []branch
}

// branch is rendered when its test says so.
type branch struct {
	word   blockWord // noBlock for {{else}}
	test   *operand  // nil for {{else}}
	offset int
	nodes  []node
}

// include puts a partial, a layout or what a layout is put around in its place.
type include struct {
	unit   *unit  // nil for what the layout is put around
	body   []node // what the layout is put around
	layout bool
	home   *unit // where it stands
	indent string
	offset int
}

// path is the way to a value: from the payload or, inside blocks, from what
// the block is about.
type path struct {
	segments []string
	up       int  // how often it begins with ../
	context  bool // begins with . or .. and so means nothing outside of blocks
	data     dataName
}

// dataName is what a loop knows, behind an @.
type dataName uint8

const (
	noData dataName = iota
	indexData
	keyData
	firstData
	lastData
	rootData
)

func dataNamed(name string) dataName {
	switch name {
	case "index":
		return indexData
	case "key":
		return keyData
	case "first":
		return firstData
	case "last":
		return lastData
	case "root":
		return rootData
	}
	return noData
}

// onlyInBlock reports whether the path means nothing outside of blocks.
func (p *path) onlyInBlock() bool { return p.context || p.data != noData }

// operandKind says what an operand is.
type operandKind uint8

const (
	literalOperand operandKind = iota
	pathOperand
	callOperand
)

// operand is what a helper is given or a block tests.
type operand struct {
	kind  operandKind
	value any // of a literal
	path  path
	call  *call
}

// call is the use of a helper.
type call struct {
	helper helper
	args   []*operand
	zone   *time.Location // of a date, when it is a known literal
}
