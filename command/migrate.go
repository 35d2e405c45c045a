package command

import (
	"github.com/spf13/cobra"

	"github.com/postern-mail/postern"
	"github.com/postern-mail/postern/internal/config"
)

func newMigrate(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to this version",
		Long: "Brings the database's schema up to this version. Serve does so too when it starts; run this\n" +
			"before, where one step is to change the schema and another to start the service.",
		Example: "  postern migrate\n  postern migrate --database postgres://postern@db/postern",
		Args:    noArgs,
	}
	config.AddFlags(cmd.Flags(), config.Storage)
	asJSON := addJSON(cmd.Flags())
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		s, err := settingsOf(cmd, p)
		if err != nil {
			return err
		}
		from, to, err := postern.Migrate(cmd.Context(), optionsOf(p, s, newLogger(p, s)))
		switch {
		case err != nil:
			return err
		case *asJSON:
			return printJSON(p.stdout, struct {
				From int64 `json:"from"`
				To   int64 `json:"to"`
			}{from, to})
		case from == to:
			return printf(p.stdout, "the schema is at version %d already\n", to)
		}
		return printf(p.stdout, "the schema went from version %d to %d\n", from, to)
	})
	return cmd
}
