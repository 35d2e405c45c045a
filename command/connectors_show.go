package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/connectordocs"
	"github.com/postern-mail/postern/internal/markdown"
)

func newConnectorsShow(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show ID",
		Short:             "Show a connector's settings and its guide",
		Long:              "Shows a connector's settings, an example of them, and the guide that leads through its set-up.",
		Example:           "  postern connectors show simple-mail-transfer-protocol\n  postern connectors show resend --json",
		Args:              oneConnector,
		ValidArgsFunction: p.connectorIDs,
	}
	asJSON := addJSON(cmd.Flags())
	cmd.RunE = work(func(_ *cobra.Command, args []string) error {
		f, err := p.findConnector(args[0])
		switch {
		case err != nil:
			return err
		case *asJSON:
			return printJSON(p.stdout, shownConnector(f))
		}
		return printf(p.stdout, "%s", connectorText(f, columns(p.stdout), paint(p.coloured(p.stdout))))
	})
	return cmd
}

func oneConnector(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("takes the id of one connector, as postern connectors list shows it")
	}
	return nil
}

// connectorJSON is a connector as it is shown, with the names that the API's
// GET /api/connector-factories/{id} has.
type connectorJSON struct {
	ID          string                `json:"id"`
	Target      string                `json:"target"`
	Name        map[string]string     `json:"name"`
	Description map[string]string     `json:"description"`
	FormItems   []connector.FormItem  `json:"formItems"`
	Events      []connector.EventKind `json:"events"`
	Readme      string                `json:"readme"`
}

func shownConnector(f connector.Factory) connectorJSON {
	meta := f.Metadata()
	return connectorJSON{
		ID: meta.ID, Target: meta.Target, Name: meta.Name, Description: meta.Description,
		FormItems: f.Form(), Events: events(meta), Readme: meta.Readme,
	}
}

// connectorText is a connector for a terminal of this width.
func connectorText(f connector.Factory, width int, on paint) string {
	meta := f.Metadata()
	var b strings.Builder
	title := func(text string) { b.WriteString("\n" + on.bold(strings.ToUpper(text)) + "\n\n") }
	text := func(indent int, text string) {
		for _, line := range markdown.Wrap(text, width-indent) {
			b.WriteString(strings.Repeat(" ", indent) + line + "\n")
		}
	}
	b.WriteString(on.bold(connectordocs.Name(meta)) + "\n")
	text(0, meta.Description["en"])
	fmt.Fprintf(&b, "\n%-8s%s\n%-8s%s\n", "id", meta.ID, "target", meta.Target)
	reported := "none"
	if len(meta.Events) > 0 {
		names := make([]string, len(meta.Events))
		for i, kind := range meta.Events {
			names[i] = string(kind)
		}
		reported = strings.Join(names, ", ")
	}
	for i, line := range markdown.Wrap(reported, width-8) {
		fmt.Fprintf(&b, "%-8s%s\n", []string{"events", ""}[min(i, 1)], line)
	}
	title("Settings")
	for i, s := range connectordocs.Settings(f) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(on.bold(s.Key) + "  " + on.dim(nature(s)) + "\n")
		text(4, strings.TrimSpace(s.Label+". "+s.About))
		for _, more := range details(s) {
			text(4, more)
		}
	}
	title("An example")
	for line := range strings.SplitSeq(connectordocs.ExampleConfig(f), "\n") {
		b.WriteString("    " + line + "\n")
	}
	title("Guide")
	l := markdown.Layout{Width: width}
	if on {
		l.Title, l.Strong, l.Code = on.bold, on.bold, on.cyan
	}
	guideTitle, guide := markdown.Title(meta.Readme)
	if guideTitle != connectordocs.Name(meta) {
		guide = meta.Readme
	}
	b.WriteString(l.Render(guide))
	return b.String()
}

// nature says what kind of value a setting takes.
func nature(s connectordocs.Setting) string {
	words := []string{s.Type}
	if s.Required {
		words = append(words, "required")
	}
	if s.Secret {
		words = append(words, "secret")
	}
	if s.Default != "" {
		words = append(words, "default "+s.Default)
	}
	return strings.Join(words, ", ")
}

// details are what is to be said of a setting beside its meaning, a line each.
func details(s connectordocs.Setting) []string {
	var lines []string
	if len(s.Choices) > 0 {
		lines = append(lines, "One of "+s.ChoiceText()+".")
	}
	if s.When != "" {
		lines = append(lines, "Only when "+s.When+".")
	}
	if s.Example != "" && !s.Secret && len(s.Choices) == 0 {
		lines = append(lines, "For example "+s.Example)
	}
	return lines
}
