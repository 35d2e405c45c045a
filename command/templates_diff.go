package command

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/templatefiles"
)

// templateChange is a difference as templates diff --json prints it.
type templateChange struct {
	File     string                 `json:"file"`
	Change   templatefiles.Kind     `json:"change"` // what push would do; removed with --prune only
	Language string                 `json:"languageTag,omitempty"`
	Type     connector.TemplateType `json:"templateType,omitempty"`
	Partial  string                 `json:"partial,omitempty"`
	Added    int                    `json:"linesAdded"`
	Removed  int                    `json:"linesRemoved"`
	Diff     string                 `json:"diff"`
}

func newTemplatesDiff(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show what push would change",
		Long: "Shows how the folder differs from the service's templates: - is what the service has, + what the\n" +
			"folder has. The exit code is 0 when they are alike, and 1 when they are not, or could not be compared.",
		Example: "  postern templates diff\n  postern templates diff --dir mail/templates --language de --json",
		Args:    noArgs,
	}
	f := addTemplateFlags(cmd)
	asJSON := addJSON(cmd.Flags())
	cmd.RunE = onTemplates(p, f, func(_ context.Context, _ *client, here local, there *remote) error {
		changes := templatefiles.Compare(there.entries, here.entries)
		if err := printDiff(p, here, changes, *asJSON); err != nil {
			return err
		}
		if len(changes) > 0 {
			return errToldAll
		}
		return nil
	})
	return cmd
}

func printDiff(p process, here local, changes []templatefiles.Change, asJSON bool) error {
	prefix := strings.TrimSuffix(here.path("x"), "x")
	if asJSON {
		list := make([]templateChange, len(changes))
		for i, c := range changes {
			added, removed := c.Lines()
			e := c.Entry()
			list[i] = templateChange{
				File: here.path(c.Path()), Change: c.Kind, Language: e.Language, Type: e.Type, Partial: e.Partial,
				Added: added, Removed: removed, Diff: c.Unified("service/", prefix),
			}
		}
		return printJSON(p.stdout, list)
	}
	for _, c := range changes {
		if err := printUnified(p.stdout, isTerminal(p.stdout), paint(p.coloured(p.stdout)), c.Unified("service/", prefix)); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return printf(p.stderr, "No differences.\n")
	}
	return nil
}

// printUnified prints a diff: to the letter where a program reads it, and with
// all that would act on a terminal made visible where somebody does.
func printUnified(w io.Writer, terminal bool, on paint, text string) error {
	if !terminal {
		return printf(w, "%s", text)
	}
	head := true
	for line := range strings.Lines(text) {
		line = visible(strings.TrimSuffix(line, "\n"))
		switch {
		case strings.HasPrefix(line, "@@"):
			head = false
			line = on.cyan(line)
		case head:
			line = on.bold(line)
		case strings.HasPrefix(line, "+"):
			line = on.green(line)
		case strings.HasPrefix(line, "-"):
			line = on.red(line)
		}
		if err := printf(w, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}
