package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/templatefiles"
)

// templateChecker finds what is wrong in a template.
type templateChecker func(ctx context.Context, e templatefiles.Entry) ([]templateProblem, error)

func newTemplatesCheck(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for mistakes in the files",
		Long: "Looks for mistakes in the files: placeholders that the type does not have, a code or link that is\n" +
			"missing, blocks without an end, what mail clients do not show, and more. The service does the looking;\n" +
			"it stores nothing. The exit code is 1 when there are errors; warnings leave it at 0.",
		Example: "  postern templates check\n  postern templates check --dir mail/templates --json",
		Args:    noArgs,
	}
	f := addTemplateFlags(cmd)
	asJSON := addJSON(cmd.Flags())
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(cmd, p, *f.base)
		if err != nil {
			return err
		}
		here, err := f.readFolder()
		if err != nil {
			return err
		}
		problems, err := checkFolder(cmd.Context(), here, c.checkTemplate)
		if err != nil {
			return err
		}
		return printChecked(p, here, problems, *asJSON)
	})
	return cmd
}

// checkFolder returns what is wrong in a folder: first what cannot be read,
// then the rest in the order of the files.
func checkFolder(ctx context.Context, here local, check templateChecker) ([]fileProblem, error) {
	all := make([]fileProblem, 0, len(here.problems))
	for _, problem := range here.problems {
		all = append(all, here.problem(problem))
	}
	for _, e := range here.entries {
		if e.Partial != "" {
			continue // looked at where it is included
		}
		found, err := check(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", here.path(e.Path()), err)
		}
		for _, problem := range found {
			all = append(all, here.at(e, problem))
		}
	}
	return all, nil
}

// at finds the place of a template's problem in its file.
func (l local) at(e templatefiles.Entry, problem templateProblem) fileProblem {
	line, column := e.Place(problem.Field, problem.Line, problem.Column)
	return fileProblem{
		File: l.path(e.Path()), Line: line, Column: column,
		Severity: problem.Severity, Code: problem.Code, Message: problem.Message,
	}
}

func printChecked(p process, here local, problems []fileProblem, asJSON bool) error {
	on := paint(p.coloured(p.stdout))
	failed := 0
	for _, problem := range problems {
		if problem.Severity == severityError {
			failed++
		}
		if asJSON {
			continue
		}
		if err := printProblem(p.stdout, on, problem); err != nil {
			return err
		}
	}
	if asJSON {
		if err := printJSON(p.stdout, problems); err != nil {
			return err
		}
	}
	files := len(here.problems)
	for _, e := range here.entries {
		if e.Partial == "" {
			files++
		}
	}
	found := fmt.Sprintf("%s and %s in %s", count(failed, "error"), count(len(problems)-failed, "warning"), count(files, "file"))
	switch {
	case failed > 0:
		return fmt.Errorf("%s", found)
	case asJSON:
		return nil
	case len(problems) > 0:
		return printf(p.stdout, "%s\n", found)
	}
	return printf(p.stdout, "No problems in %s.\n", count(files, "file"))
}
