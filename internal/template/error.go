package template

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Reason says what an Error is about.
type Reason string

// The reasons for which a template is refused or cannot be rendered.
const (
	// SourceTooLarge: the source is longer than MaxSource bytes.
	SourceTooLarge Reason = "template_too_large"
	// InvalidUTF8: the source is not valid UTF-8.
	InvalidUTF8 Reason = "template_not_utf8"
	// OutputTooLarge: the output would be longer than MaxOutput bytes.
	OutputTooLarge Reason = "output_too_large"
	// UnsupportedValue: the payload holds something that JSON does not have
	// where the template prints it.
	UnsupportedValue Reason = "unsupported_value"
	// TooDeep: the payload holds arrays nested deeper than MaxDepth where the
	// template prints them.
	TooDeep Reason = "value_too_deep"
	// NestingTooDeep: blocks, or parentheses, nest deeper than MaxNesting.
	NestingTooDeep Reason = "nesting_too_deep"
	// RecursivePartial: a partial includes itself, directly or by others.
	RecursivePartial Reason = "partial_includes_itself"
	// PartialsTooDeep: partials include each other deeper than MaxPartials.
	PartialsTooDeep Reason = "partials_too_deep"
	// PartialsTooLarge: the template and its partials are together longer than
	// MaxSources bytes.
	PartialsTooLarge Reason = "partials_too_large"
	// TooManyRounds: a loop is to go through more than MaxRounds items.
	TooManyRounds Reason = "too_many_rounds"
	// TooMuchWork: the rendering takes more than MaxWork steps.
	TooMuchWork Reason = "too_much_work"
)

// Error says why a template was refused or could not be rendered, and where.
// Its text holds nothing of the payload's values.
type Error struct {
	Reason Reason
	// Line and Column are the place in the source, counted from 1; Column
	// counts characters (code points).
	Line, Column int
	// Partial is the name of the partial that the place is in, "" for the
	// template itself.
	Partial string
	// Path is the placeholder's path, the helper with its arguments, or the
	// name of the partial that the error is about; "" when it is about none.
	Path string
}

func (e *Error) Error() string {
	where := ""
	if e.Partial != "" {
		where = fmt.Sprintf("partial %q, ", e.Partial)
	}
	return fmt.Sprintf("template: %sline %d, column %d: %s", where, e.Line, e.Column, e.What())
}

// What says what is wrong, without the place.
func (e *Error) What() string {
	switch e.Reason {
	case SourceTooLarge:
		return fmt.Sprintf("the template is larger than %d KiB", MaxSource>>10)
	case InvalidUTF8:
		return "the template is not valid UTF-8"
	case OutputTooLarge:
		return fmt.Sprintf("the output is larger than %d KiB", MaxOutput>>10)
	case UnsupportedValue:
		return fmt.Sprintf("the value of %q is of a type that JSON does not have", e.Path)
	case TooDeep:
		return fmt.Sprintf("the value of %q is nested deeper than %d", e.Path, MaxDepth)
	case NestingTooDeep:
		return fmt.Sprintf("blocks or parentheses are nested deeper than %d", MaxNesting)
	case RecursivePartial:
		return fmt.Sprintf("the partial %q includes itself", e.Path)
	case PartialsTooDeep:
		return fmt.Sprintf("with %q, partials are nested deeper than %d", e.Path, MaxPartials)
	case PartialsTooLarge:
		return fmt.Sprintf("the template and its partials are together larger than %d KiB", MaxSources>>10)
	case TooManyRounds:
		return fmt.Sprintf("the loop has more than %d rounds", MaxRounds)
	case TooMuchWork:
		return "the template takes too long: its loops or partials multiply each other"
	default:
		return string(e.Reason)
	}
}

// errorAt makes the Error for the byte at offset of the unit's source.
func (u *unit) errorAt(reason Reason, offset int, path string) *Error {
	line, column := place(u.source, offset)
	return &Error{Reason: reason, Line: line, Column: column, Partial: u.name, Path: path}
}

// place returns the line and column of the byte at offset of source, counted
// from 1.
func place(source string, offset int) (line, column int) {
	p := position{line: 1, column: 1}
	p.advance(source, offset)
	return p.line, p.column
}

// position is a place in a source.
type position struct{ offset, line, column int }

// advance goes on to offset.
func (p *position) advance(source string, offset int) {
	between := source[p.offset:offset]
	if n := strings.Count(between, "\n"); n > 0 {
		p.line += n
		p.column = 1
		between = between[strings.LastIndexByte(between, '\n')+1:]
	}
	p.column += utf8.RuneCountInString(between)
	p.offset = offset
}

// places finds many places, for the most part from left to right, without
// counting every line anew.
type places map[*unit]*visited

// visited is what is known of the places of one unit.
type visited struct {
	last  position
	known map[int]position // by offset
}

func (p places) of(u *unit, offset int) (line, column int) {
	v := p[u]
	if v == nil {
		v = &visited{last: position{line: 1, column: 1}, known: make(map[int]position)}
		p[u] = v
	}
	at, ok := v.known[offset]
	if !ok {
		if at = v.last; offset < at.offset {
			at = position{line: 1, column: 1}
		}
		at.advance(u.source, offset)
		v.last, v.known[offset] = at, at
	}
	return at.line, at.column
}

// firstInvalid returns the offset of the first byte of s that is not UTF-8.
func firstInvalid(s string) int {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(s)
}
