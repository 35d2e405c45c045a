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
)

// Error says why a template was refused or could not be rendered, and where.
// Its text holds nothing of the payload's values.
type Error struct {
	Reason Reason
	// Line and Column are the place in the source, counted from 1; Column
	// counts characters (code points).
	Line, Column int
	// Path is the placeholder's path, or "" when the error is not about one.
	Path string
}

func (e *Error) Error() string {
	return fmt.Sprintf("template: line %d, column %d: %s", e.Line, e.Column, e.what())
}

func (e *Error) what() string {
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
	default:
		return string(e.Reason)
	}
}

// errorAt makes the Error for the byte at offset of source.
func errorAt(reason Reason, source string, offset int, path string) *Error {
	before := source[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Reason: reason,
		Line:   strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[start:]) + 1,
		Path:   path,
	}
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
