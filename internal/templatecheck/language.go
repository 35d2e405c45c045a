package templatecheck

import (
	"fmt"
	"strings"

	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

// language tells what the language does not know of a field's template.
func (r *report) language(field string, tpl *template.Template) {
	for _, p := range tpl.Problems() {
		r.add(p.Partial, templates.Problem{
			Severity: templates.SeverityError, Code: string(p.Code), Field: field, Line: p.Line, Column: p.Column,
			Message: languageMessage(p),
		})
	}
}

// languageMessage says what is wrong and what to do.
func languageMessage(p template.Problem) string {
	switch p.Code {
	case template.InvalidTag:
		return fmt.Sprintf("%s is no placeholder, and is sent as it stands. Names consist of letters, digits, _ and dots.", p.Text)
	case template.UnclosedTag:
		return fmt.Sprintf("The braces of %s are never closed, so it is sent as it stands. Close them with the same number of braces.", p.Text)
	case template.UnknownHelper:
		return fmt.Sprintf("%s uses a helper that does not exist, and is sent as it stands. The helpers are %s.",
			p.Text, strings.Join(template.Helpers(), ", "))
	case template.UnknownBlock:
		return fmt.Sprintf("%s is no block, and is sent as it stands. The blocks are if, unless, each, with and layout.", p.Text)
	case template.UnknownPartial:
		return fmt.Sprintf("%s names a partial that does not exist, and is sent as it stands. Create the partial, or correct its name.", p.Text)
	case template.WrongArguments:
		return fmt.Sprintf("%s has too few arguments, too many, or one that cannot be read, and is sent as it stands.", p.Text)
	case template.UnclosedBlock:
		return fmt.Sprintf("The block %s is never closed, so the tag is sent as it stands. Close it with %s.", p.Text, closing(p.Text))
	case template.UnopenedBlock:
		return fmt.Sprintf("%s closes a block that is not open here, and is sent as it stands. Remove it, or open the block before.", p.Text)
	case template.MisplacedElse:
		return fmt.Sprintf("%s stands outside of a block, or behind its last else. Remove it, or move it into a block.", p.Text)
	case template.OnlyInBlock:
		return fmt.Sprintf("%s means something only within blocks, or in a layout; here it is sent as it stands.", p.Text)
	case template.UnknownZone:
		return fmt.Sprintf("%s names no time zone. Use a name of the IANA database, such as \"Europe/Berlin\".", p.Text)
	case template.UnknownStyle:
		return fmt.Sprintf("%s names no style of dates. Use short, medium, long or full, and short or medium behind it for the time.", p.Text)
	default:
		return p.Text + " is sent as it stands."
	}
}

// closing returns the tag that closes the block that tag opens.
func closing(tag string) string {
	word, _, _ := strings.Cut(strings.TrimLeft(tag, "{~# "), " ")
	return "{{/" + strings.Trim(word, "}~") + "}}"
}
