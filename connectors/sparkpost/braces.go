package sparkpost

import (
	"regexp"
	"strings"
)

// Placeholders for the two braces.
const (
	openBrace  = "ob"
	closeBrace = "cb"
)

// bracesForm finds runs of braces; those with a pair of one kind are the
// marks of SparkPost's template language.
var bracesForm = regexp.MustCompile(`[{}]{2,}`)

// braces keeps SparkPost from reading content as its template language
// (https://developers.sparkpost.com/api/template-language/), in which a name
// with {{ in it could have a mail say anything, or not go out. Such braces
// become placeholders, whose values are the braces themselves; values are not
// read again. The functions that the language has for pairs of braces do not
// serve: they cannot write "{}}", an empty rule at the end of a style sheet's
// block.
type braces struct {
	found bool
}

func (b *braces) literal(text string) string {
	return bracesForm.ReplaceAllStringFunc(text, func(run string) string {
		if !strings.Contains(run, "{{") && !strings.Contains(run, "}}") {
			return run
		}
		b.found = true
		return strings.NewReplacer("{", "{{"+openBrace+"}}", "}", "{{"+closeBrace+"}}").Replace(run)
	})
}

// values are the placeholders' substitution data, nil where none was needed.
func (b *braces) values() map[string]string {
	if !b.found {
		return nil
	}
	return map[string]string{openBrace: "{", closeBrace: "}"}
}
