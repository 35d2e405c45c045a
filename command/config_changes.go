package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/templatefiles"
)

// printConfigChanges prints what differs: a line a thing, and below it how. On
// a terminal, all that would act on one is made visible.
func printConfigChanges(w io.Writer, terminal bool, on paint, changes []configuration.Change) error {
	for _, c := range changes {
		word := map[templatefiles.Kind]func(string) string{
			templatefiles.Added: on.green, templatefiles.Changed: on.yellow, templatefiles.Removed: on.red,
		}[c.Kind]
		if word == nil {
			word = on.bold
		}
		title := titleOf(c)
		if terminal {
			title = visible(title)
		}
		if err := printf(w, "%-*s  %s\n", len(word("changed")), word(string(c.Kind)), on.bold(title)); err != nil {
			return err
		}
		head := c.Diff != "" // the names of the files, above the first hunk
		for _, line := range linesOf(c) {
			if terminal {
				line = visible(line)
			}
			head = head && !strings.HasPrefix(line, "@@")
			colour := on.dim
			if !head {
				colour = colourOf(on, line)
			}
			if err := printf(w, "  %s\n", colour(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

func titleOf(c configuration.Change) string {
	switch c.Section {
	case configuration.SectionConnector:
		return "connector " + c.Key
	case configuration.SectionFallbacks:
		if n, err := strconv.Atoi(c.Key); err == nil {
			return fmt.Sprintf("fallback connector %d", n+1)
		}
	case configuration.SectionTemplates:
		return "template " + c.Key
	case configuration.SectionPartials:
		return "partial " + c.Key
	case configuration.SectionSettings:
	}
	return string(c.Section) + " " + c.Key
}

// linesOf shows how something differs: the hunks of its diff, or its fields.
func linesOf(c configuration.Change) []string {
	var lines []string
	if c.Diff != "" {
		_, diff, _ := strings.Cut(c.Diff, "\n") // the first line says what the title says
		lines = strings.Split(strings.TrimSuffix(diff, "\n"), "\n")
	} else if len(c.Values) > 0 || !c.Cut {
		for _, field := range c.Fields {
			lines = append(lines, fieldLines(c, field)...)
		}
	}
	if c.Cut {
		lines = append(lines, "… and more: too long to show here")
	}
	return lines
}

func fieldLines(c configuration.Change, field string) []string {
	i := slices.IndexFunc(c.Values, func(v configuration.Value) bool { return v.Field == field })
	if i < 0 { // a secret
		sign := map[templatefiles.Kind]string{templatefiles.Added: "+ ", templatefiles.Removed: "- "}[c.Kind]
		if sign == "" {
			return []string{"~ " + field + ": ********, the secret changes"}
		}
		return []string{sign + field + ": ********"}
	}
	var lines []string
	for _, side := range []struct {
		sign string
		text *string
	}{{"- ", c.Values[i].Before}, {"+ ", c.Values[i].After}} {
		if side.text == nil {
			continue
		}
		for n, line := range strings.Split(*side.text, "\n") {
			if n == 0 {
				line = field + ": " + line
			} else {
				line = "  " + line
			}
			lines = append(lines, side.sign+line)
		}
	}
	return lines
}

func colourOf(on paint, line string) func(string) string {
	switch {
	case strings.HasPrefix(line, "@@"):
		return on.cyan
	case strings.HasPrefix(line, "+"):
		return on.green
	case strings.HasPrefix(line, "-"):
		return on.red
	case strings.HasPrefix(line, "~"):
		return on.yellow
	}
	return func(text string) string { return text }
}

// issuesOf is an error that tells what a fault says of each field.
func issuesOf(err error) error {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok {
		return err
	}
	texts := make([]string, len(f.Issues))
	for i, issue := range f.Issues {
		texts[i] = strings.TrimPrefix(pathText(issue.Path)+" "+issue.Message, " ")
	}
	return errors.New(strings.Join(texts, "; "))
}

// pathText writes a path as connector.config.auth.pass.
func pathText(path []any) string {
	var b strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case float64:
			fmt.Fprintf(&b, "[%d]", int(step))
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, step)
		}
	}
	return b.String()
}
