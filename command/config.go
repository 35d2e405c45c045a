package command

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/config"
)

func newConfig(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the program's settings, or move what tenants have set up",
		Long: "Alone it prints the settings that serve would use, and where each comes from. Secrets are masked.\n\n" +
			"A setting is given by a flag (--log-level), a variable (POSTERN_LOG_LEVEL) or a key in a\n" +
			"YAML file (log-level), the first of these that is there. The file is ./postern.yaml,\n" +
			"unless --config or POSTERN_CONFIG name another one.\n\n" +
			"Its commands work with a running service: they export, import, compare and promote the\n" +
			"configuration of a tenant, which is its connector, fallbacks, settings, templates and partials.",
		Example: "  postern config\n  postern config --config /etc/postern.yaml --json\n" +
			"  postern config promote --from dev --to prod",
		Args: subcommandOnly,
	}
	cmd.AddCommand(newConfigExport(p), newConfigImport(p), newConfigDiff(p), newConfigPromote(p))
	config.AddFlags(cmd.Flags(), config.All)
	asJSON := addJSON(cmd.Flags())
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		_, values, err := config.Load(cmd.Flags(), p.environ)
		if err != nil {
			return &usageError{err}
		}
		if *asJSON {
			return printJSON(p.stdout, values)
		}
		return printSettings(p, values)
	})
	return cmd
}

func printSettings(p process, values []config.Value) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, v := range values {
		shown := fmt.Sprint(v.Value)
		if shown == "" {
			shown = "-"
		}
		if err := printf(w, "%s\t%s\t%s\n", v.Name, shown, v.From); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
