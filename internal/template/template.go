package template

import (
	"errors"
	"strings"
	"sync"
	"unicode/utf8"
)

// Bounds of the language.
const (
	// MaxSource is the longest source, in bytes.
	MaxSource = 256 << 10
	// MaxOutput is the longest output of one Render, in bytes.
	MaxOutput = 1 << 20
	// MaxDepth is how deep printed arrays may nest, as in encoding/json.
	MaxDepth = 10_000
)

// Template is a parsed template. It does not change and is safe for concurrent use.
type Template struct {
	source string
	nodes  []node
	// size is a guess at the length of the output.
	size      int
	variables []string
	raw       bool
	scratch   sync.Pool // of *[]byte: buffers of earlier renderings
}

// node is one part of a template: a variable, or text where there is none. (An
// interface would put each rendering's output on the heap.)
type node struct {
	text     string
	variable *variable
}

// render appends the node's output to out.
func (n *node) render(out *output, payload map[string]any) error {
	if n.variable != nil {
		return n.variable.render(out, payload)
	}
	return out.add(n.text)
}

// Parse reads a template whose values are escaped as escape says. The error is
// an *Error: a source over MaxSource, or one that is not UTF-8. Nothing else
// is refused: what is no placeholder is text.
func Parse(source string, escape Escape) (*Template, error) {
	if len(source) > MaxSource {
		start := MaxSource
		for start > 0 && !utf8.RuneStart(source[start]) {
			start--
		}
		return nil, errorAt(SourceTooLarge, source, start, "")
	}
	if !utf8.ValidString(source) {
		return nil, errorAt(InvalidUTF8, source, firstInvalid(source), "")
	}
	t := &Template{source: source}
	seen := make(map[string]bool)
	urls := urlContext{source: source}
	end := 0 // where the last placeholder ended
	for at, p := range placeholders(source) {
		t.addText(source[end:at])
		v := &variable{placeholder: p, segments: strings.Split(p.path, "."), escape: escape, offset: at}
		if escape == HTML {
			v.guarded = urls.guards(end, at, p.path)
		}
		t.addVariable(v, seen)
		end = at + len(p.source)
	}
	t.addText(source[end:])
	return t, nil
}

func (t *Template) addText(s string) {
	if s != "" {
		t.nodes = append(t.nodes, node{text: s})
		t.size += len(s)
	}
}

// addVariable also reserves room for the value in the output buffer: enough
// for a name or a code, so that a usual mail grows its buffer once at most.
func (t *Template) addVariable(v *variable, seen map[string]bool) {
	const room = 64
	t.nodes = append(t.nodes, node{variable: v})
	t.size += room
	t.raw = t.raw || v.raw
	if !seen[v.path] {
		seen[v.path] = true
		t.variables = append(t.variables, v.path)
	}
}

// Render returns the output for payload, whose values are as encoding/json
// decodes them; json.Number and Go's integers are taken too. The error is an
// *Error: OutputTooLarge, UnsupportedValue or TooDeep.
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
	out := output{buf: dst, end: len(dst) + MaxOutput}
	for i := range t.nodes {
		if err := t.nodes[i].render(&out, payload); err != nil {
			return dst, t.place(err, t.nodes[i].variable)
		}
	}
	return out.buf, nil
}

// place turns the reason for which v, or text, failed into an Error with its
// place.
func (t *Template) place(err error, v *variable) error {
	var f failure
	if !errors.As(err, &f) {
		return err
	}
	if v != nil {
		return errorAt(Reason(f), t.source, v.offset, v.path)
	}
	// Text alone is shorter than MaxOutput: what came before it filled the
	// output, so the end of the source is as good a place as any.
	return errorAt(Reason(f), t.source, len(t.source), "")
}

// Variables returns the paths that the template prints, each once, in the
// order of their first use.
func (t *Template) Variables() []string { return append([]string(nil), t.variables...) }

// Fits reports whether every variable of the template has a value in payload:
// neither missing nor null nor the empty string.
func (t *Template) Fits(payload map[string]any) bool {
	for _, n := range t.nodes {
		if n.variable == nil {
			continue
		}
		if value, _ := n.variable.lookup(payload); value == nil || value == "" {
			return false
		}
	}
	return true
}

// Raw reports whether any placeholder prints its value without escaping.
func (t *Template) Raw() bool { return t.raw }

// failure is an Error before its place is known.
type failure Reason

func (f failure) Error() string { return string(f) }

// output is the buffer of one rendering.
type output struct {
	buf []byte
	end int // longest length that buf may take
}

// room reports whether n more bytes fit.
func (o *output) room(n int) bool { return len(o.buf)+n <= o.end }

// add appends s, or fails when the output would be too large.
func (o *output) add(s string) error {
	if !o.room(len(s)) {
		return failure(OutputTooLarge)
	}
	o.buf = append(o.buf, s...)
	return nil
}
