package templatecheck

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

// The codes of problems. Those of the language are the codes and reasons of
// package template.
const (
	MissingCode      = "missing_code"         // the mail does not show its code
	MissingLink      = "missing_link"         // the mail does not show its link
	UnknownVariable  = "unknown_variable"     // mails of the type do not have it
	OptionalVariable = "optional_variable"    // not every mail of the type has it
	PrintsObject     = "prints_object"        // prints "[object Object]"
	AmbiguousNumber  = "ambiguous_number"     // looks like a code, and is none
	InsecureLink     = "insecure_link"        // a link to http:
	InsecureImage    = "insecure_image"       // an image from http:
	MissingAlt       = "missing_alt"          // an image without alternative text
	MissingLang      = "missing_lang"         // HTML that does not say its language
	BodyTooLarge     = "body_too_large"       // Gmail cuts it off
	DroppedCSS       = "dropped_css"          // mail clients ignore it
	DroppedElement   = "dropped_element"      // mail clients remove it
	LowContrast      = "low_contrast"         // text that is hard to read
	SubjectTooLong   = "subject_too_long"     // over 78 characters
	SubjectEmpty     = "subject_empty"        // no text
	InvalidReplyTo   = "invalid_reply_to"     // no mailbox
	UnknownMailType  = "unknown_type"         // the template's type is none
	UnknownMediaType = "unknown_content_type" // the content's type is none
)

// The fields of a template.
const (
	fieldSubject     = "subject"
	fieldContent     = "content"
	fieldContentType = "contentType"
	fieldReplyTo     = "replyTo"
	fieldSendFrom    = "sendFrom"
	fieldType        = "templateType"
)

// maxProblems bounds how many problems are told, the worst first.
const maxProblems = 200

// report collects problems.
type report struct {
	problems []templates.Problem
	number   *regexp.Regexp // of numbers in text
}

// add adds a problem. When its place is in a partial, the message says where,
// since the place of a problem is one in the field.
func (r *report) add(partial string, p templates.Problem) {
	if partial != "" {
		p.Message = fmt.Sprintf("In the partial %q, line %d, column %d: %s", partial, p.Line, p.Column, p.Message)
		p.Line, p.Column = 0, 0
	}
	r.problems = append(r.problems, p)
}

// sorted returns the problems in the order of their places; when there are too
// many, the worst of them.
func (r *report) sorted() []templates.Problem {
	if len(r.problems) > maxProblems {
		minor := func(p templates.Problem) int {
			if p.Severity == templates.SeverityError {
				return 0
			}
			return 1
		}
		slices.SortStableFunc(r.problems, func(a, b templates.Problem) int { return cmp.Compare(minor(a), minor(b)) })
		r.problems = r.problems[:maxProblems]
	}
	fields := []string{fieldType, fieldSubject, fieldContentType, fieldContent, fieldReplyTo, fieldSendFrom}
	slices.SortStableFunc(r.problems, func(a, b templates.Problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(fields, a.Field), slices.Index(fields, b.Field)),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
		)
	})
	return r.problems
}

// failed adds the problem that a template cannot be used at all.
func (r *report) failed(field string, err *template.Error) {
	r.add(err.Partial, templates.Problem{
		Severity: templates.SeverityError, Code: string(err.Reason), Field: field, Line: err.Line, Column: err.Column,
		Message: "The template cannot be used: " + err.What() + ".",
	})
}
