package templatecheck

import (
	"strings"
	"unicode/utf8"

	"github.com/postern-mail/postern/internal/templates"
)

// locator tells the lines and columns of offsets in a source, quickest when
// they come from left to right.
type locator struct {
	source               string
	offset, line, column int
}

func newLocator(source string) *locator { return &locator{source: source, line: 1, column: 1} }

// at returns the place of the byte at offset.
func (l *locator) at(offset int) (line, column int) {
	if offset < l.offset {
		l.offset, l.line, l.column = 0, 1, 1
	}
	between := l.source[l.offset:offset]
	if n := strings.Count(between, "\n"); n > 0 {
		l.line += n
		l.column = 1
		between = between[strings.LastIndexByte(between, '\n')+1:]
	}
	l.column += utf8.RuneCountInString(between)
	l.offset = offset
	return l.line, l.column
}

// tellAt adds a warning at an offset of the field.
func (c *checker) tellAt(where *locator, offset int, code, message string) {
	line, column := where.at(offset)
	c.add("", templates.Problem{
		Severity: templates.SeverityWarning, Code: code, Field: c.field, Line: line, Column: column, Message: message,
	})
}
