package command

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/connectordocs"
)

func newConnectors(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connectors",
		Short: "List and document connectors, and begin one of your own",
		Long: "Lists and documents the connectors of this program, and begins one of your own.\n" +
			"A connector is put to use by the API of a running service, POST /api/connectors.",
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConnectorsList(p), newConnectorsShow(p), newConnectorsDocs(p), newConnectorsNew(p))
	return cmd
}

// connectorRow is a connector as connectors list shows it.
type connectorRow struct {
	ID       string                `json:"id"`
	Target   string                `json:"target"`
	Name     string                `json:"name"`
	Settings int                   `json:"settings"`
	Events   []connector.EventKind `json:"events"`
}

func newConnectorsList(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the connectors of this program",
		Long: "Lists the connectors of this program: how many keys the settings of each have, and whether its\n" +
			"provider reports what became of mails.",
		Example: "  postern connectors list\n  postern connectors list --json",
		Args:    noArgs,
	}
	asJSON := addJSON(cmd.Flags())
	cmd.RunE = work(func(*cobra.Command, []string) error {
		rows := make([]connectorRow, len(p.connectors))
		for i, f := range p.connectors {
			meta := f.Metadata()
			rows[i] = connectorRow{
				ID: meta.ID, Target: meta.Target, Name: connectordocs.Name(meta),
				Settings: len(f.Form()), Events: events(meta),
			}
		}
		if *asJSON {
			return printJSON(p.stdout, rows)
		}
		return printConnectors(p, rows)
	})
	return cmd
}

// events are never nil, so that JSON has a list.
func events(meta connector.Metadata) []connector.EventKind {
	return append([]connector.EventKind{}, meta.Events...)
}

func printConnectors(p process, rows []connectorRow) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if err := printf(w, "ID\tTARGET\tKEYS\tEVENTS\tNAME\n"); err != nil {
		return err
	}
	for _, row := range rows {
		reports := "no"
		if len(row.Events) > 0 {
			reports = "yes"
		}
		if err := printf(w, "%s\t%s\t%d\t%s\t%s\n", row.ID, row.Target, row.Settings, reports, row.Name); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// findConnector returns the connector with this factory id, or the only one
// with this target.
func (p process) findConnector(name string) (connector.Factory, error) {
	var byTarget []connector.Factory
	for _, f := range p.connectors {
		meta := f.Metadata()
		if meta.ID == name {
			return f, nil
		}
		if meta.Target == name {
			byTarget = append(byTarget, f)
		}
	}
	if len(byTarget) == 1 {
		return byTarget[0], nil
	}
	hint := "postern connectors list shows those that there are"
	for _, f := range p.connectors {
		if id := f.Metadata().ID; strings.Contains(id, strings.ToLower(name)) {
			hint = "did you mean " + id + "?"
		}
	}
	return nil, usagef("there is no connector %q; %s", name, hint)
}

// connectorIDs completes a factory id.
func (p process) connectorIDs(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	if len(args) == 0 {
		for _, f := range p.connectors {
			meta := f.Metadata()
			ids = append(ids, meta.ID+"\t"+connectordocs.Name(meta))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
