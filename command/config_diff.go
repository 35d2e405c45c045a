package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/configuration"
)

func newConfigDiff(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show what promote or import would change",
		Long: "Shows what would change if --to were made like --from: - is what --to has, + what --from has. Each is\n" +
			"the id of a tenant, or an exported file: a name with a dot or a slash in it. Of a secret it shows only\n" +
			"that it changes. The exit code is 0 when they are alike, and 1 when they are not, or could not be\n" +
			"compared.",
		Example: "  postern config diff --from dev --to prod\n  postern config diff --from dev.json --to prod --json",
		Args:    noArgs,
	}
	base := addClient(cmd)
	asJSON := addJSON(cmd.Flags())
	from := cmd.Flags().String("from", "", "the `tenant` or file to be like (required)")
	to := cmd.Flags().String("to", "", "the `tenant` or file that would change (required)")
	cmd.PreRunE = func(*cobra.Command, []string) error { return bothGiven(*from, *to) }
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) error {
		c, err := newClient(cmd, p, *base)
		if err != nil {
			return err
		}
		changes, err := compareSides(cmd.Context(), p, c, *from, *to)
		if err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(p.stdout, changes)
		} else {
			err = printConfigChanges(p.stdout, isTerminal(p.stdout), paint(p.coloured(p.stdout)), changes)
		}
		switch {
		case err != nil:
			return err
		case len(changes) > 0:
			return errToldAll
		case *asJSON:
			return nil
		}
		return printf(p.stderr, "No differences.\n")
	})
	return cmd
}

func bothGiven(from, to string) error {
	for flag, value := range map[string]string{"--from": from, "--to": to} {
		if value == "" {
			return errors.New(flag + ": is required")
		}
	}
	return nil
}

// isFile tells files from tenants, whose ids have neither dots nor slashes.
func isFile(side string) bool { return strings.ContainsAny(side, `./\`) }

// compareSides compares tenants and files. Where the service can compare it
// does: it knows whether secrets differ.
func compareSides(ctx context.Context, p process, c *client, from, to string) ([]configuration.Change, error) {
	if !isFile(to) && !isFile(from) {
		answer, err := c.promote(ctx, from, promotion{To: to, DryRun: true})
		return answer.Changes, err
	}
	if !isFile(to) {
		answer, err := compareFile(ctx, c, from, to)
		missing, isMissing := missingSecrets(err)
		if !isMissing {
			return answer.Changes, err
		}
		asks := "it"
		if len(missing) > 1 {
			asks = "them"
		}
		err = printf(p.stderr, "%s has no value for %s that %s masks; import asks for %s\n", to, count(len(missing), "secret"), from, asks)
		if err != nil {
			return nil, err
		}
	}
	was, err := readSide(ctx, c, to)
	if err != nil {
		return nil, err
	}
	is, err := readSide(ctx, c, from)
	if err != nil {
		return nil, err
	}
	return configuration.Compare(was, is, to, from), nil
}

// compareFile has the service compare a file with a tenant.
func compareFile(ctx context.Context, c *client, file, tenant string) (changesAnswer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return changesAnswer{}, fileError(err)
	}
	if _, err := parseDocument(file, text); err != nil {
		return changesAnswer{}, err
	}
	return c.importConfiguration(ctx, tenant, json.RawMessage(text), true, "")
}

// readSide reads a tenant's configuration, or one from a file.
func readSide(ctx context.Context, c *client, side string) (configuration.Document, error) {
	var text []byte
	var err error
	if isFile(side) {
		if text, err = os.ReadFile(side); err != nil {
			return configuration.Document{}, fileError(err)
		}
	} else if text, err = c.configuration(ctx, side, "masked"); err != nil {
		return configuration.Document{}, err
	}
	return parseDocument(side, text)
}

// fileError is an error of a file without the name of the system call.
func fileError(err error) error {
	if wrapped, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("%s: %w", wrapped.Path, wrapped.Err)
	}
	return err
}
