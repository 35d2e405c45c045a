package command

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/connectordocs"
)

func newConnectorsDocs(p process) *cobra.Command {
	return &cobra.Command{
		Use:   "docs DIR",
		Short: "Write a Markdown page for each connector",
		Long: "Writes a folder of Markdown pages: one a connector, DIR/<factory id>.md, with its settings and its\n" +
			"guide, and DIR/README.md that lists them. Pages of connectors that are gone are removed. Files that\n" +
			"it did not write stay; if one is in the way nothing is written.",
		Example: "  postern connectors docs docs/connectors",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return errors.New("takes the folder to write to")
			}
			return nil
		},
		RunE: work(func(_ *cobra.Command, args []string) error {
			change, err := connectordocs.Write(args[0], p.connectors)
			for _, name := range change.Written {
				if err := printf(p.stdout, "wrote    %s\n", filepath.Join(args[0], name)); err != nil {
					return err
				}
			}
			for _, name := range change.Removed {
				if err := printf(p.stdout, "removed  %s\n", filepath.Join(args[0], name)); err != nil {
					return err
				}
			}
			if err != nil {
				return err
			}
			if len(change.Written)+len(change.Removed) == 0 {
				return printf(p.stdout, "%s: nothing to do, %s as it should be\n", args[0], isOrAre(change.Kept, "page"))
			}
			return nil
		}),
	}
}

func isOrAre(n int, thing string) string {
	if n == 1 {
		return count(n, thing) + " is"
	}
	return count(n, thing) + " are"
}
