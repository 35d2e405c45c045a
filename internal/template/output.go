package template

import "strings"

// output is the buffer of one rendering.
type output struct {
	buf  []byte
	end  int // longest length that buf may take
	work int // steps that are left, see MaxWork
	// Within indented partials: what every line begins with, and what is still
	// to be written at the beginning of the line.
	indent, pending string
}

// room reports whether n more bytes fit.
func (o *output) room(n int) bool { return len(o.buf)+n <= o.end }

// add appends s, or fails when the output would be too large.
func (o *output) add(s string) error {
	if o.indent != "" {
		return o.addIndented(s)
	}
	if !o.room(len(s)) {
		return failure(OutputTooLarge)
	}
	o.buf = append(o.buf, s...)
	return nil
}

// addBytes is add for few bytes without a line end.
func (o *output) addBytes(b []byte) error {
	if o.indent != "" {
		return o.addIndented(string(b))
	}
	if !o.room(len(b)) {
		return failure(OutputTooLarge)
	}
	o.buf = append(o.buf, b...)
	return nil
}

// addIndented appends s with the indent at the beginning of each line that has
// anything on it, a line end included.
func (o *output) addIndented(s string) error {
	for s != "" {
		line, rest := s, ""
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			line, rest = s[:i+1], s[i+1:]
		}
		if !o.room(len(o.pending) + len(line)) {
			return failure(OutputTooLarge)
		}
		o.buf = append(o.buf, o.pending...)
		o.buf = append(o.buf, line...)
		if o.pending = ""; line[len(line)-1] == '\n' {
			o.pending = o.indent
		}
		s = rest
	}
	return nil
}
