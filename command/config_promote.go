package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// applyFlags are those of commands that replace a tenant's configuration.
type applyFlags struct {
	verb, done  string
	first       string // what was done before, as the end of a sentence
	yes, dryRun bool
	asJSON      *bool
}

func addApplyFlags(cmd *cobra.Command, verb, done string) *applyFlags {
	how := &applyFlags{verb: verb, done: done, asJSON: addJSON(cmd.Flags())}
	cmd.Flags().BoolVar(&how.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&how.dryRun, "dry-run", false, "only show what would change")
	return how
}

// check refuses to ask for what it would not show.
func (a *applyFlags) check() error {
	if *a.asJSON && !a.yes && !a.dryRun {
		return errors.New("--json: asks nothing; add --yes or --dry-run")
	}
	return nil
}

// apply shows what a dry run found, asks, and has change do it.
func (a *applyFlags) apply(p process, where, tenant string, found changesAnswer, change func() (changesAnswer, error)) error {
	if !*a.asJSON {
		if err := printConfigChanges(p.stdout, isTerminal(p.stdout), paint(p.coloured(p.stdout)), found.Changes); err != nil {
			return err
		}
	}
	switch {
	case *a.asJSON && a.dryRun:
		return printJSON(p.stdout, found)
	case len(found.Changes) == 0 && !*a.asJSON:
		return printf(p.stdout, "Nothing to %s: %s is like that already.\n", a.verb, tenant)
	case a.dryRun:
		return printf(p.stdout, "Dry run: %s was not changed.\n", tenant)
	}
	n := count(len(found.Changes), "change")
	if !a.yes {
		question := fmt.Sprintf("Make %s to %s at %s?", n, tenant, where)
		if err := ask(p, a.verb, question, fmt.Sprintf("%s was not changed", tenant)); err != nil {
			return err
		}
	}
	answer, err := change()
	switch {
	case err != nil:
		return fmt.Errorf("%s was not changed: %w", tenant, err)
	case *a.asJSON:
		return printJSON(p.stdout, answer)
	}
	return printf(p.stdout, "%s: %s to %s%s.\n", a.done, n, tenant, a.first)
}

func newConfigPromote(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "promote",
		Short: "Make one tenant's configuration that of another",
		Long: "Makes the configuration of --to that of --from: connector, fallbacks, settings, templates and partials,\n" +
			"secrets included. What --from does not have is removed. It shows what changes, asks on a terminal, and\n" +
			"then changes all of it or nothing; nothing when somebody changed either of them meanwhile.\n\n" +
			"With --test-email a test mail goes out through the new connector first. When the provider refuses it\n" +
			"nothing changes. The API key must be one of the tenant default.",
		Example: "  postern config promote --from dev --to prod --dry-run\n" +
			"  postern config promote --from dev --to prod --test-email you@example.com",
		Args: noArgs,
	}
	base := addClient(cmd)
	how := addApplyFlags(cmd, "promote", "Promoted")
	from := cmd.Flags().String("from", "", "the `tenant` to be like (required)")
	to := cmd.Flags().String("to", "", "the `tenant` to change (required)")
	testEmail := cmd.Flags().String("test-email", "", "the `address` that gets a test mail first")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if err := bothGiven(*from, *to); err != nil {
			return err
		}
		return how.check()
	}
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(cmd, p, *base)
		if err != nil {
			return err
		}
		return promoteTenant(cmd.Context(), p, c, how, *from, *to, *testEmail)
	})
	return cmd
}

func promoteTenant(ctx context.Context, p process, c *client, how *applyFlags, from, to, testEmail string) error {
	found, err := c.promote(ctx, from, promotion{To: to, DryRun: true, TestEmail: testEmail})
	if err != nil {
		return err
	}
	if testEmail != "" {
		how.first = ", after a test mail to " + testEmail
	}
	return how.apply(p, c.base.Redacted(), to, found, func() (changesAnswer, error) {
		return c.promote(ctx, from, promotion{To: to, Fingerprint: found.Fingerprint, TestEmail: testEmail})
	})
}
