package command

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/templatefiles"
)

type pullFlags struct{ force, prune, dryRun bool }

func newTemplatesPull(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pull",
		Short: "Write the service's templates into the folder",
		Long: "Writes the service's templates into the folder. Files that say the same already are left as they are.\n" +
			"When a file differs, nothing is written at all: --force overwrites it. Files of templates that the\n" +
			"service does not have stay, unless --prune removes them.",
		Example: "  postern templates pull\n  postern templates pull --dir mail/templates --force --prune",
		Args:    noArgs,
	}
	f := addTemplateFlags(cmd)
	var how pullFlags
	cmd.Flags().BoolVar(&how.force, "force", false, "overwrite files that differ")
	cmd.Flags().BoolVar(&how.prune, "prune", false, "remove files of templates that the service does not have")
	cmd.Flags().BoolVar(&how.dryRun, "dry-run", false, "only show what would be written")
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(cmd, p, *f.base)
		if err != nil {
			return err
		}
		here, err := f.readFolder()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		here.dir = *f.dir
		there, err := fetch(cmd.Context(), c, f, here)
		if err != nil {
			return err
		}
		return pull(p, here, there, how)
	})
	return cmd
}

func pull(p process, here local, there *remote, how pullFlags) error {
	if !how.force {
		if err := here.sound(p); err != nil {
			return fmt.Errorf("%w: mend or remove them, or overwrite them with --force", err)
		}
	}
	changes := templatefiles.Compare(here.entries, there.entries)
	todo, kept := divide(changes, how.prune)
	on := paint(p.coloured(p.stdout))
	if err := printChanges(p.stdout, on, here.dir, todo, kept, "not in the service; --prune removes it"); err != nil {
		return err
	}
	write, remove, differing := pulled(todo)
	switch {
	case differing > 0 && !how.force && !how.dryRun:
		return fmt.Errorf("%s would be overwritten, so nothing was written; see postern templates diff, then add --force, or push",
			count(differing, "changed file"))
	case len(todo) == 0:
		return printf(p.stdout, "Nothing to pull: %s.\n", count(len(there.entries), "file"))
	case how.dryRun:
		return printf(p.stdout, "Dry run: nothing was written.\n")
	}
	if err := templatefiles.Write(here.dir, write); err != nil {
		return err
	}
	if len(remove) > 0 {
		if err := templatefiles.Remove(here.dir, remove); err != nil {
			return err
		}
	}
	return printf(p.stdout, "%s", summary("Wrote", len(write), "removed", len(remove)))
}

// pulled says what is to be written and removed, and how many files differ.
func pulled(todo []templatefiles.Change) (write, remove []templatefiles.Entry, differing int) {
	for _, c := range todo {
		if c.Kind == templatefiles.Removed {
			remove = append(remove, c.Was)
			continue
		}
		write = append(write, c.Is)
		if c.Kind == templatefiles.Changed {
			differing++
		}
	}
	return write, remove, differing
}
