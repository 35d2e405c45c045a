package template

import (
	"errors"
	"sync"
)

// Bounds of the language.
const (
	// MaxSource is the longest source of a template or partial, in bytes.
	MaxSource = 256 << 10
	// MaxSources is the length of a template together with all its partials,
	// in bytes.
	MaxSources = 1 << 20
	// MaxOutput is the longest output of one Render, in bytes.
	MaxOutput = 1 << 20
	// MaxDepth is how deep printed arrays may nest, as in encoding/json.
	MaxDepth = 10_000
	// MaxNesting is how deep blocks, or the parentheses of helpers, may nest.
	MaxNesting = 16
	// MaxPartials is how deep partials may include each other.
	MaxPartials = 8
	// MaxRounds is how many items one loop may go through.
	MaxRounds = 1000
	// MaxWork is how many steps one Render may take, so that loops within loops
	// come to an end: the printing of a text or value, a part of a path, a round
	// of a loop, 64 bytes of a value that is read.
	MaxWork = 1 << 20
)

// Template is a parsed template. It does not change and is safe for concurrent use.
type Template struct {
	*unit
	units   []*unit // it and its partials
	weight  int     // bytes of all sources
	raw     bool
	dynamic bool
	scratch sync.Pool // of *[]byte: buffers of earlier renderings
}

// Options is what a template depends on beside its source.
type Options struct {
	// Escape says what happens to values.
	Escape Escape
	// Library holds the partials and layouts; nil for none.
	Library *Library
}

// Parse reads a template that has no partials and whose values are escaped as
// escape says. Errors are those of Compile.
func Parse(source string, escape Escape) (*Template, error) {
	return Compile(source, Options{Escape: escape})
}

// Compile reads a template. The error is an *Error: a source that is too large
// or not UTF-8, blocks or partials that nest too deep, a partial that includes
// itself. Nothing else is refused: what is no tag is text, and Problems tells
// what looks as if it were meant to be one.
func Compile(source string, o Options) (*Template, error) {
	c := compiler{escape: o.Escape, library: o.Library}
	u, err := c.unitOf("", source)
	if err != nil {
		return nil, err
	}
	return &Template{unit: u, units: c.units, weight: c.total, raw: c.raw, dynamic: c.dynamic}, nil
}

// Render returns the output for payload, whose values are as encoding/json
// decodes them; json.Number and Go's integers are taken too. The error is an
// *Error: OutputTooLarge, UnsupportedValue, TooDeep, TooManyRounds or
// TooMuchWork.
func (t *Template) Render(payload map[string]any) (string, error) {
	scratch, ok := t.scratch.Get().(*[]byte)
	if !ok {
		scratch = new([]byte)
		*scratch = make([]byte, 0, min(t.size, MaxOutput))
	}
	defer t.scratch.Put(scratch)
	buf, err := t.Append((*scratch)[:0], payload)
	*scratch = buf[:0]
	if err != nil {
		return "", err
	}
	return string(buf), nil
}

// Append appends the output for payload to dst and returns the extended
// buffer, like Render without a copy. After an error dst is returned as it was.
func (t *Template) Append(dst []byte, payload map[string]any) ([]byte, error) {
	r := rendering{
		output:  output{buf: dst, end: len(dst) + MaxOutput, work: MaxWork},
		payload: payload, dynamic: t.dynamic, start: len(dst),
	}
	if err := r.nodes(t.nodes); err != nil {
		return dst, t.place(err, r.failed)
	}
	return r.buf, nil
}

// place turns the reason for which a rendering failed into an Error.
func (t *Template) place(err error, at fault) error {
	var f failure
	if !errors.As(err, &f) {
		return err
	}
	if at.unit == nil {
		at.unit = t.unit
	}
	if !at.placed {
		// Text alone is shorter than MaxOutput: what came before it filled the
		// output, so the end of the source is as good a place as any.
		at.offset = len(t.source)
	}
	return at.unit.errorAt(Reason(f), at.offset, at.path)
}

// Fits reports whether every variable of the template outside of blocks has a
// value in payload: neither missing nor null nor the empty string.
func (t *Template) Fits(payload map[string]any) bool {
	r := rendering{payload: payload}
	for i := range t.nodes {
		v := t.nodes[i].variable
		if v == nil || v.call != nil || v.path.onlyInBlock() {
			continue
		}
		if value, _ := r.fromRoot(&v.path); value == nil || value == "" {
			return false
		}
	}
	return true
}

// Raw reports whether any placeholder prints its value without escaping.
func (t *Template) Raw() bool { return t.raw }

// Dynamic reports whether the template is more than text and variables: has
// blocks, helpers or partials.
func (t *Template) Dynamic() bool { return t.dynamic }

// failure is an Error before its place is known.
type failure Reason

func (f failure) Error() string { return string(f) }
