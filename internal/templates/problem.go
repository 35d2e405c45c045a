package templates

// The severities of a Problem.
const (
	// SeverityError: a mail of this template misses its purpose.
	SeverityError = "error"
	// SeverityWarning: a mail of this template may be seen as unwise.
	SeverityWarning = "warning"
)

// Problem is something about a template that does not keep it from being
// stored: what a check of it found.
type Problem struct {
	Severity string // SeverityError or SeverityWarning
	Code     string // what it is, for programs
	Message  string // what it is and what to do, for people
	// Field of Details that it is in: subject, content, contentType, replyTo
	// or sendFrom.
	Field string
	// Line and Column are the place in the field, from 1; 0 for the whole of
	// it. Column counts characters.
	Line, Column int
}
