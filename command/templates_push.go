package command

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/templatefiles"
)

// One call stores all templates or none; these are its bounds.
const (
	maxPushed = 200     // templates
	maxBody   = 1 << 20 // bytes
)

type pushFlags struct{ yes, prune, dryRun bool }

func newTemplatesPush(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "push",
		Short: "Store the folder's templates in the service",
		Long: "Stores the folder's templates in the service: shows what changes, asks on a terminal, and then stores\n" +
			"all of it or nothing. Templates that the folder does not have stay, unless --prune deletes them.",
		Example: "  postern templates push --dry-run\n  postern templates push --dir mail/templates --yes",
		Args:    noArgs,
	}
	f := addTemplateFlags(cmd)
	var how pushFlags
	cmd.Flags().BoolVar(&how.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&how.prune, "prune", false, "delete templates that the folder does not have")
	cmd.Flags().BoolVar(&how.dryRun, "dry-run", false, "only show what would change")
	cmd.RunE = onTemplates(p, f, func(ctx context.Context, c *client, here local, there *remote) error {
		todo, kept := divide(templatefiles.Compare(there.entries, here.entries), how.prune)
		on := paint(p.coloured(p.stdout))
		if err := printChanges(p.stdout, on, here.dir, todo, kept, "only in the service; --prune deletes it"); err != nil {
			return err
		}
		if len(todo) == 0 {
			return printf(p.stdout, "Nothing to push: %s.\n", count(len(here.entries), "file"))
		}
		plan := planOf(todo, there)
		if err := plan.check(); err != nil {
			return err
		}
		if how.dryRun {
			return printf(p.stdout, "Dry run: nothing was pushed.\n")
		}
		if !how.yes {
			if err := confirm(p, plan, c.base.Redacted()); err != nil {
				return err
			}
			if err := there.still(ctx, c, f, here); err != nil {
				return err
			}
		}
		return plan.push(ctx, p, c, here)
	})
	return cmd
}

// plan is what a push does, in this order: templates may include the new
// partials, and the old ones are free only without the old templates.
type plan struct {
	partials        []templatefiles.Change // added and changed
	entries         []templatefiles.Entry  // the templates of body
	body            putTemplates
	deleteTemplates []templatefiles.Change
	deletePartials  []templatefiles.Change
	ids             map[templatefiles.Key]string
}

func planOf(todo []templatefiles.Change, there *remote) *plan {
	pl := &plan{ids: there.ids}
	for _, c := range todo {
		isPartial := c.Key().Partial != ""
		switch {
		case isPartial && c.Kind == templatefiles.Removed:
			pl.deletePartials = append(pl.deletePartials, c)
		case isPartial:
			pl.partials = append(pl.partials, c)
		case c.Kind == templatefiles.Removed:
			pl.deleteTemplates = append(pl.deleteTemplates, c)
		default:
			pl.entries = append(pl.entries, c.Is)
			pl.body.Templates = append(pl.body.Templates, templateBody{Language: c.Is.Language, Type: c.Is.Type, Details: c.Is.Details})
		}
	}
	return pl
}

func (pl *plan) stored() int  { return len(pl.partials) + len(pl.entries) }
func (pl *plan) deleted() int { return len(pl.deleteTemplates) + len(pl.deletePartials) }

// check refuses what does not fit into one call: in several it would no longer
// be all or nothing.
func (pl *plan) check() error {
	const instead = "one call, all or nothing, takes %s: push some languages at a time, with --language"
	if n := len(pl.entries); n > maxPushed {
		return fmt.Errorf("%d templates are to be stored, and "+instead, n, strconv.Itoa(maxPushed))
	}
	data, err := encode(pl.body)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	if len(data) > maxBody {
		return fmt.Errorf("%d KiB are to be stored, and "+instead, len(data)>>10, "1024 KiB")
	}
	return nil
}

// confirm asks whether the plan is to be done; the error is a no.
func confirm(p process, pl *plan, where string) error {
	question := fmt.Sprintf("Store %s", count(pl.stored(), "file"))
	if n := pl.deleted(); n > 0 {
		question += fmt.Sprintf(" and delete %d", n)
	}
	return ask(p, "push", fmt.Sprintf("%s at %s?", question, where), "nothing was pushed")
}

func (pl *plan) push(ctx context.Context, p process, c *client, here local) error {
	done, err := pl.putPartials(ctx, c, here)
	var answers []templateBody
	if err == nil && len(pl.entries) > 0 {
		answers, err = c.put(ctx, pl.body)
		err = pl.explain(p, here, err)
	}
	if err != nil {
		if undoErr := undo(ctx, c, done); undoErr != nil {
			return fmt.Errorf("%w; and partials could not be put back: %w", err, undoErr)
		}
		return fmt.Errorf("nothing was pushed: %w", err)
	}
	for i, answer := range answers[:min(len(answers), len(pl.entries))] {
		for _, problem := range answer.Problems {
			if err := printProblem(p.stderr, paint(p.coloured(p.stderr)), here.at(pl.entries[i], problem)); err != nil {
				return err
			}
		}
	}
	if err := pl.deleteAll(ctx, c, here); err != nil {
		return err
	}
	return printf(p.stdout, "%s", summary("Stored", pl.stored(), "deleted", pl.deleted()))
}

// putPartials stores partials and returns those that it has stored.
func (pl *plan) putPartials(ctx context.Context, c *client, here local) (done []templatefiles.Change, err error) {
	for _, change := range pl.partials {
		if err := c.putPartial(ctx, change.Is); err != nil {
			return done, fmt.Errorf("%s: %w", here.path(change.Path()), err)
		}
		done = append(done, change)
	}
	return done, nil
}

// undo puts partials back as they were: the API stores one at a time. It goes
// on when the push was interrupted.
func undo(ctx context.Context, c *client, done []templatefiles.Change) error {
	ctx = context.WithoutCancel(ctx)
	var failed error
	for _, change := range done {
		if change.Kind == templatefiles.Added {
			failed = errors.Join(failed, c.deletePartial(ctx, change.Is.Partial))
		} else {
			failed = errors.Join(failed, c.putPartial(ctx, change.Was))
		}
	}
	return failed
}

func (pl *plan) deleteAll(ctx context.Context, c *client, here local) error {
	var err error
	for _, change := range append(pl.deleteTemplates, pl.deletePartials...) {
		if change.Was.Partial != "" {
			err = c.deletePartial(ctx, change.Was.Partial)
		} else {
			err = c.deleteTemplate(ctx, pl.ids[change.Key()])
		}
		if err != nil {
			return fmt.Errorf("all files are stored, but %s is not deleted: %w", here.path(change.Path()), err)
		}
	}
	return nil
}

// explain prints what the service found wrong in which file.
func (pl *plan) explain(p process, here local, err error) error {
	refused, ok := errors.AsType[*apiError](err)
	if !ok {
		return err
	}
	told := 0
	for _, issue := range refused.Data.Issues {
		if found, ok := pl.locate(here, issue); ok {
			told++
			if err := printProblem(p.stderr, paint(p.coloured(p.stderr)), found); err != nil {
				return err
			}
		}
	}
	if told > 0 && told == len(refused.Data.Issues) {
		return fmt.Errorf("the service refused %s (%s)", count(told, "value"), refused.Code)
	}
	return err
}

// placed is how a message of the template language tells its place.
const placed = `^(?:template: )?line (\d+), column (\d+): `

// locate finds the file of an issue with path templates, 3, details, subject.
func (pl *plan) locate(here local, issue apiIssue) (fileProblem, bool) {
	if len(issue.Path) < 2 || issue.Path[0] != "templates" {
		return fileProblem{}, false
	}
	index, ok := issue.Path[1].(float64)
	if !ok || index < 0 || int(index) >= len(pl.entries) {
		return fileProblem{}, false
	}
	problem := templateProblem{Severity: severityError, Code: "invalid_value", Message: issue.Message}
	problem.Field, _ = issue.Path[len(issue.Path)-1].(string)
	if found := regexp.MustCompile(placed).FindStringSubmatch(issue.Message); found != nil {
		problem.Line, _ = strconv.Atoi(found[1])
		problem.Column, _ = strconv.Atoi(found[2])
		problem.Message = issue.Message[len(found[0]):]
	}
	if problem.Field != "" && problem.Field != "content" {
		problem.Message = problem.Field + ": " + problem.Message
	}
	return here.at(pl.entries[int(index)], problem), true
}
