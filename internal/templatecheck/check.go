package templatecheck

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

const (
	// clipped is where Gmail cuts a body off.
	clipped = 102 << 10
	// longestSubject is how long a line of a header should be at most (RFC
	// 5322, section 2.1.1).
	longestSubject = 78
)

// Check returns what is wrong with a template of type t, in the order of the
// fields and places. It does not depend on any payload.
func Check(t connector.TemplateType, d templates.Custom) []templates.Problem {
	r := report{number: newNumberPattern()}
	if !t.Valid() {
		r.add("", templates.Problem{
			Severity: templates.SeverityError, Code: UnknownMailType, Field: fieldType, Message: fmt.Sprintf("%q is no type of mails.", t),
		})
	}
	content := checker{report: &r, t: t, field: fieldContent, source: d.Content}
	content.options = template.Options{Escape: template.None, Library: d.Partials}
	switch d.ContentType {
	case connector.TextHTML, "":
		content.options.Escape = template.HTML
	case connector.TextPlain:
	default:
		r.add("", templates.Problem{
			Severity: templates.SeverityError, Code: UnknownMediaType, Field: fieldContentType,
			Message: fmt.Sprintf("%q is no type of content. Use text/html or text/plain.", d.ContentType),
		})
	}
	header := func(field, source string) checker {
		return checker{report: &r, t: t, field: field, source: source, options: template.Options{Escape: template.Header, Library: d.Partials}}
	}
	subject, replyTo, sendFrom := header(fieldSubject, d.Subject), header(fieldReplyTo, d.ReplyTo), header(fieldSendFrom, d.SendFrom)
	if subject.compile() {
		subject.subject()
	}
	if content.compile() {
		content.content()
	}
	if replyTo.compile() {
		replyTo.replyTo()
	}
	sendFrom.compile()
	return r.sorted()
}

// checker checks one field.
type checker struct {
	*report

	t       connector.TemplateType
	field   string
	source  string
	options template.Options
	tpl     *template.Template
}

// compile reads the field, tells what its template does that it should not,
// and reports whether it can be rendered.
func (c *checker) compile() bool {
	tpl, err := template.Compile(c.source, c.options)
	if err != nil {
		c.refused(err)
		return false
	}
	c.tpl = tpl
	c.language(c.field, tpl)
	if c.t.Valid() {
		c.variables(c.field, c.t, tpl)
	}
	return true
}

// refused tells why a template cannot be used.
func (c *checker) refused(err error) {
	if e, ok := errors.AsType[*template.Error](err); ok {
		c.failed(c.field, e)
		return
	}
	c.tell(templates.SeverityError, "unusable", "The template cannot be used.")
}

// tell adds a problem of the field as a whole.
func (c *checker) tell(severity, code, format string, args ...any) {
	c.add("", templates.Problem{Severity: severity, Code: code, Field: c.field, Message: fmt.Sprintf(format, args...)})
}

// render returns the field for a payload. That it cannot be rendered is told.
func (c *checker) render(payload map[string]any) (string, bool) {
	s, err := c.tpl.Render(payload)
	if err != nil {
		c.refused(err)
	}
	return s, err == nil
}

func (c *checker) subject() {
	bare, ok := c.render(bareSample(c.t))
	if !ok {
		return
	}
	if strings.TrimSpace(bare) == "" {
		c.tell(templates.SeverityError, SubjectEmpty, "The subject has no text. Say what the mail is about.")
		return
	}
	full, ok := c.render(fullSample(c.t))
	if n := utf8.RuneCountInString(strings.TrimSpace(full)); ok && n > longestSubject {
		c.tell(templates.SeverityWarning, SubjectTooLong, "With usual values the subject has %d characters; "+
			"mail programs show far fewer, and %d are a line. Shorten it.", n, longestSubject)
	}
	c.numbers(c.tpl.Masked(), 0, newLocator(c.source))
}

func (c *checker) content() {
	full, ok := c.render(fullSample(c.t))
	if !ok {
		return
	}
	if c.t.Valid() {
		c.purpose(full)
	}
	if len(full) > clipped {
		c.tell(templates.SeverityWarning, BodyTooLarge,
			"With usual values the content has %d KB; Gmail cuts it off after 102 KB. Shorten it.", len(full)>>10)
	}
	if c.options.Escape == template.HTML {
		c.html(full)
	} else {
		c.plain()
	}
}

// purpose tells when the mail does not show what it is for. full is the content
// with everything.
func (c *checker) purpose(full string) {
	code, name, sample, why := MissingCode, "code", sampleCode, "nobody can sign in with it"
	if !c.t.CarriesCode() {
		code, name, sample, why = MissingLink, "link", sampleLink, "nobody can accept it"
	}
	bare, ok := c.render(bareSample(c.t))
	switch {
	case !ok:
	case !strings.Contains(full, sample):
		c.tell(templates.SeverityError, code, "The content does not print {{%s}}, so %s. Put {{%s}} into it.", name, why, name)
	case !strings.Contains(bare, sample):
		c.tell(templates.SeverityError, code, "Some %s mails lack optional variables, and for them the content does not print {{%s}}. "+
			"Move it out of the block.", c.t, name)
	}
}

func (c *checker) replyTo() {
	full, ok := c.render(fullSample(c.t))
	if full = strings.TrimSpace(full); !ok || full == "" {
		return
	}
	if _, _, err := address.ParseMailbox(full); err != nil {
		c.tell(templates.SeverityError, InvalidReplyTo, "With usual values this is not one mailbox, and the mail could not be sent. "+
			"Write it as \"Name <name@example.com>\" or \"name@example.com\".")
	}
}
