package template

import "strings"

// Code says what a Problem is about.
type Code string

// The codes of problems.
const (
	// InvalidTag: what stands in double braces is none of the language's tags.
	InvalidTag Code = "invalid_tag"
	// UnclosedTag: two braces open something that two braces never close.
	UnclosedTag Code = "unclosed_tag"
	// UnknownHelper: a name followed by arguments is no helper.
	UnknownHelper Code = "unknown_helper"
	// UnknownBlock: the word behind the # or / is no block.
	UnknownBlock Code = "unknown_block"
	// UnknownPartial: the library has no partial or layout of that name.
	UnknownPartial Code = "unknown_partial"
	// WrongArguments: a helper or block is given too much, or too little.
	WrongArguments Code = "wrong_arguments"
	// UnclosedBlock: a block has no end.
	UnclosedBlock Code = "unclosed_block"
	// UnopenedBlock: the end of a block stands where none is open.
	UnopenedBlock Code = "unopened_block"
	// MisplacedElse: an else stands outside of a block, or after its last else.
	MisplacedElse Code = "misplaced_else"
	// OnlyInBlock: this, @index and the like mean nothing outside of blocks, and
	// what a layout is put around means nothing outside of one.
	OnlyInBlock Code = "only_in_block"
	// UnknownZone: a date is asked for in a time zone that is none.
	UnknownZone Code = "unknown_zone"
	// UnknownStyle: a date is asked for in a style that is none.
	UnknownStyle Code = "unknown_style"
)

// Problem is something in a template that is surely not meant so. It does not
// keep the template from being rendered: what is no tag is text, and stays to
// the letter.
type Problem struct {
	Code Code
	// Line and Column are the place in the source, counted from 1; Column
	// counts characters (code points).
	Line, Column int
	// Partial is the name of the partial that the place is in, "" for the
	// template itself.
	Partial string
	// Text is what stands there, shortened.
	Text string
}

const (
	// maxProblems is how many problems of one source are told.
	maxProblems = 100
	// longestShown is how much of the source a problem shows, in bytes.
	longestShown = 60
)

// shown returns the start of s, on one line.
func shown(s string) string {
	if len(s) > longestShown {
		s = strings.ToValidUTF8(s[:longestShown-len("…")], "") + "…"
	}
	return strings.Join(strings.Fields(s), " ")
}

// Problems returns what is surely not meant so in the template and its
// partials, at most 100 of each, in the order of their places.
func (t *Template) Problems() []Problem {
	var all []Problem
	where := make(places)
	for _, u := range t.units {
		for _, f := range u.problems {
			line, column := where.of(u, f.offset)
			all = append(all, Problem{Code: f.code, Line: line, Column: column, Partial: u.name, Text: f.text})
		}
	}
	return all
}
