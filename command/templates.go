package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/templatefiles"
)

func newTemplates(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "templates",
		Short: "Keep templates as files",
		Long: "Keeps the templates of a running service as files, so that they can live in git:\n" +
			"one folder a language, one file a type.\n\n" +
			"  templates/de/SignIn.html         text/html\n" +
			"  templates/de/Generic.txt         text/plain\n" +
			"  templates/partials/footer.html   {{> footer}}\n\n" +
			"A file is its front matter, and the content below:\n\n" +
			"  ---\n  subject: Ihr Code für {{application.name}}\n  replyTo: help@example.com\n  ---\n  <p>Ihr Code: <b>{{code}}</b></p>\n\n" +
			"The keys of the front matter are subject, replyTo and sendFrom.",
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTemplatesPull(p), newTemplatesPush(p), newTemplatesDiff(p), newTemplatesCheck(p))
	return cmd
}

// templateFlags are what all commands on templates take.
type templateFlags struct {
	base, dir *string
	languages *[]string
}

func addTemplateFlags(cmd *cobra.Command) templateFlags {
	return templateFlags{
		base:      addClient(cmd),
		dir:       cmd.Flags().String("dir", "templates", "the `folder` of the templates"),
		languages: cmd.Flags().StringSlice("language", nil, "only these language `tags`, such as de or de,pt-BR; partials always"),
	}
}

// wants tells whether a language was asked for; "" is that of partials.
func (f templateFlags) wants(language string) bool {
	return len(*f.languages) == 0 || language == "" ||
		slices.ContainsFunc(*f.languages, func(asked string) bool { return strings.EqualFold(asked, language) })
}

func (f templateFlags) filter(entries []templatefiles.Entry) []templatefiles.Entry {
	return slices.DeleteFunc(slices.Clone(entries), func(e templatefiles.Entry) bool { return !f.wants(e.Language) })
}

// local is what the folder holds.
type local struct {
	dir      string
	entries  []templatefiles.Entry
	problems []templatefiles.Problem
}

// readFolder reads the folder, as far as it was asked for.
func (f templateFlags) readFolder() (local, error) {
	entries, problems, err := templatefiles.Read(*f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return local{}, fmt.Errorf("%s: there is no such folder; postern templates pull makes it: %w", *f.dir, fs.ErrNotExist)
	}
	if err != nil {
		return local{}, err
	}
	problems = slices.DeleteFunc(problems, func(problem templatefiles.Problem) bool {
		folder, _, inFolder := strings.Cut(problem.Path, "/")
		return inFolder && folder != "partials" && !f.wants(folder)
	})
	return local{*f.dir, f.filter(entries), problems}, nil
}

// path returns a file's name as it is shown.
func (l local) path(name string) string { return shownPath(l.dir, name) }

func shownPath(dir, name string) string {
	name = filepath.Join(dir, filepath.FromSlash(name))
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Sprintf("%q", name)
	}
	return name
}

// sound prints what cannot be read of the folder; an error when there is such.
func (l local) sound(p process) error {
	if len(l.problems) == 0 {
		return nil
	}
	for _, problem := range l.problems {
		if err := printProblem(p.stderr, paint(p.coloured(p.stderr)), l.problem(problem)); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s cannot be read as templates", count(len(l.problems), "file"))
}

// fileProblem is something wrong in a file, at a place that editors can jump
// to.
type fileProblem struct {
	File     string `json:"file"`
	Line     int    `json:"line"`   // from 1; 0 for the whole file
	Column   int    `json:"column"` // in characters from 1; 0 for the whole line
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

func (l local) problem(problem templatefiles.Problem) fileProblem {
	return fileProblem{
		File: l.path(problem.Path), Line: problem.Line, Severity: severityError, Code: "invalid_file", Message: problem.Message,
	}
}

const severityError = "error"

// printProblem prints a problem on a line in the form of compilers.
func printProblem(w io.Writer, on paint, f fileProblem) error {
	at := f.File
	if f.Line > 0 {
		at += fmt.Sprintf(":%d", f.Line)
	}
	if f.Line > 0 && f.Column > 0 {
		at += fmt.Sprintf(":%d", f.Column)
	}
	severity := on.yellow(f.Severity)
	if f.Severity == severityError {
		severity = on.red(f.Severity)
	}
	return printf(w, "%s: %s: %s\n", on.bold(at), severity, visible(f.Message))
}

// printChanges prints a line a change: what, where, how much.
func printChanges(w io.Writer, on paint, dir string, changes, kept []templatefiles.Change, why string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range changes {
		// All colours are of one length, so that columns stay columns.
		word := map[templatefiles.Kind]func(string) string{
			templatefiles.Added: on.green, templatefiles.Changed: on.yellow, templatefiles.Removed: on.red,
		}[c.Kind](string(c.Kind))
		if err := printf(table, "%s\t%s\t%s\n", word, shownPath(dir, c.Path()), amount(c)); err != nil {
			return err
		}
	}
	for _, c := range kept {
		if err := printf(table, "%s\t%s\t%s\n", on.cyan("kept"), shownPath(dir, c.Path()), why); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// amount says how much has changed.
func amount(c templatefiles.Change) string {
	added, removed := c.Lines()
	switch {
	case c.Kind == templatefiles.Added:
		return fmt.Sprintf("+%d", added)
	case c.Kind == templatefiles.Removed:
		return fmt.Sprintf("-%d", removed)
	case c.Was.Path() != c.Is.Path():
		return fmt.Sprintf("+%d -%d, was %s", added, removed, filepath.Ext(c.Was.Path()))
	}
	return fmt.Sprintf("+%d -%d", added, removed)
}

// divide parts the removals that are not to be done from all other changes.
func divide(changes []templatefiles.Change, prune bool) (todo, kept []templatefiles.Change) {
	for _, c := range changes {
		if c.Kind == templatefiles.Removed && !prune {
			kept = append(kept, c)
		} else {
			todo = append(todo, c)
		}
	}
	return todo, kept
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// summary says what was done, such as: Stored 3 files, deleted 1.
func summary(verb string, n int, then string, more int) string {
	if more == 0 {
		return fmt.Sprintf("%s %s.\n", verb, count(n, "file"))
	}
	return fmt.Sprintf("%s %s, %s %d.\n", verb, count(n, "file"), then, more)
}

// visible makes characters seen that would act on a terminal.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' || !unicode.In(r, unicode.Cc, unicode.Bidi_Control):
			b.WriteRune(r)
		case r < 0x20:
			b.WriteString("^" + string(r+'@'))
		default:
			fmt.Fprintf(&b, "<U+%04X>", r)
		}
	}
	return b.String()
}

// onTemplates runs do with the folder and the service's templates.
func onTemplates(
	p process, f templateFlags, do func(ctx context.Context, c *client, here local, there *remote) error,
) func(*cobra.Command, []string) error {
	return work(func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(cmd, p, *f.base)
		if err != nil {
			return err
		}
		here, err := f.readFolder()
		if err != nil {
			return err
		}
		if err := here.sound(p); err != nil {
			return err
		}
		there, err := fetch(cmd.Context(), c, f, here)
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, here, there)
	})
}
