package command

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/tenants"
)

func newConfigExport(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print a tenant's configuration, to keep or import it",
		Long: "Prints the configuration of a tenant of a running service as JSON, in a stable order, so that it can\n" +
			"live in git. Secrets are masked. With --secrets sealed they are in it, too, sealed with the\n" +
			"installation's keyset: nobody reads them, and the same installation imports them.",
		Example: "  postern config export --tenant dev > dev.json\n" +
			"  postern config export --tenant dev --secrets sealed > dev.json",
		Args: noArgs,
	}
	base := addClient(cmd)
	tenant := cmd.Flags().String("tenant", tenants.Default, "the `id` of the tenant")
	secrets := cmd.Flags().String("secrets", "masked", "masked or sealed")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *secrets != "masked" && *secrets != "sealed" {
			return fmt.Errorf("--secrets: must be masked or sealed, not %q", *secrets)
		}
		return nil
	}
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(cmd, p, *base)
		if err != nil {
			return err
		}
		document, err := c.configuration(cmd.Context(), *tenant, *secrets)
		if err != nil {
			return err
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, document, "", "  "); err != nil {
			return fmt.Errorf("%s answered with something else than JSON; is it Postern?", c.base.Host)
		}
		return printf(p.stdout, "%s\n", bytes.TrimSpace(indented.Bytes()))
	})
	return cmd
}
