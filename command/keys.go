package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/config"
	"github.com/postern-mail/postern/internal/tenants"
)

func newKeys(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list and revoke API keys",
		Long:  "Makes, lists and revokes API keys, on the database itself: also while the service runs on it.",
		Args:  subcommandOnly,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysCreate(p), newKeysList(p), newKeysRevoke(p))
	return cmd
}

// addTenant adds the flag that says whose keys are meant.
func addTenant(cmd *cobra.Command) *string {
	return cmd.Flags().String("tenant", tenants.Default, "the `id` of the tenant whose keys they are")
}

// onKeys runs do with the keys of a database, if it has the tenant.
func onKeys(
	p process, tenant *string, do func(ctx context.Context, keys *access.Service, args []string) error,
) func(*cobra.Command, []string) error {
	return work(func(cmd *cobra.Command, args []string) (err error) {
		s, err := settingsOf(cmd, p)
		if err != nil {
			return err
		}
		admin, err := postern.OpenAdmin(cmd.Context(), optionsOf(p, s, newLogger(p, s)))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, admin.Close()) }()
		if _, err := tenants.Get(cmd.Context(), admin.Tenants, *tenant); err != nil {
			return err
		}
		return do(audit.By(cmd.Context(), audit.CLI), admin.Keys, args)
	})
}

func newKeysCreate(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an API key and print it, this once",
		Long: "Makes an API key and prints it. It is kept as a hash, so this is the only time it can be seen.\n\n" +
			"Scopes: management (everything), messages:send, verification. A management key of the tenant\n" +
			"default administers all tenants, one of another tenant that one alone.",
		Example: "  postern keys create --name laptop\n" +
			"  postern keys create --name backend --scope messages:send --scope verification --expires 90d\n" +
			"  postern keys create --name backend --tenant dev",
		Args: noArgs,
	}
	config.AddFlags(cmd.Flags(), config.Storage)
	tenant := addTenant(cmd)
	asJSON := addJSON(cmd.Flags())
	name := cmd.Flags().String("name", "", "what the key is for (required)")
	words := cmd.Flags().StringSlice("scope", []string{string(access.Management)}, "what the key allows; may be repeated")
	expires := cmd.Flags().String("expires", "", "how long it is valid, such as 12h or 90d; without it, until revoked")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if strings.TrimSpace(*name) == "" {
			return errors.New("--name: must say what the key is for")
		}
		_, err := parseScopes(*words)
		_, lifeErr := parseLife(*expires)
		return cmp.Or(err, lifeErr)
	}
	cmd.RunE = onKeys(p, tenant, func(ctx context.Context, keys *access.Service, _ []string) error {
		scopes, _ := parseScopes(*words) // PreRunE refused what is wrong
		life, _ := parseLife(*expires)
		var until time.Time
		if life > 0 {
			until = time.Now().Add(life)
		}
		k, text, err := keys.Create(ctx, *tenant, *name, scopes, until)
		switch {
		case err != nil:
			return err
		case *asJSON:
			shown := shownKey(k)
			shown.Key = text
			return printJSON(p.stdout, shown)
		}
		// The key alone on stdout: KEY=$(postern keys create …).
		if err := printf(p.stderr, "The API key, shown this once:\n"); err != nil {
			return err
		}
		return printf(p.stdout, "%s\n", text)
	})
	return cmd
}

func newKeysList(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the API keys",
		Long: "Lists the API keys of a tenant, oldest first: revoked and expired ones, too. USED is when a request\n" +
			"came with the key last, to five minutes or so.",
		Example: "  postern keys list\n  postern keys list --json",
		Args:    noArgs,
	}
	config.AddFlags(cmd.Flags(), config.Storage)
	tenant := addTenant(cmd)
	asJSON := addJSON(cmd.Flags())
	cmd.RunE = onKeys(p, tenant, func(ctx context.Context, keys *access.Service, _ []string) error {
		all, err := keys.List(ctx, *tenant)
		if err != nil {
			return err
		}
		shown := make([]keyRow, len(all))
		for i, k := range all {
			shown[i] = shownKey(k)
		}
		if *asJSON {
			return printJSON(p.stdout, shown)
		}
		return printKeys(p, shown, time.Now())
	})
	return cmd
}

func newKeysRevoke(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Short:   "End an API key",
		Long:    "Ends an API key. Nodes that run honour it for at most one more second.",
		Example: "  postern keys revoke 0d9c2f4e-6f0b-4bd4-a9a4-1c0b9c1f2f6a",
		Args:    oneID,
	}
	config.AddFlags(cmd.Flags(), config.Storage)
	tenant := addTenant(cmd)
	cmd.RunE = onKeys(p, tenant, func(ctx context.Context, keys *access.Service, args []string) error {
		if err := keys.Revoke(ctx, *tenant, args[0]); err != nil {
			return err
		}
		return printf(p.stdout, "revoked %s\n", args[0])
	})
	return cmd
}

func oneID(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("takes the id of one key, as postern keys list shows it")
	}
	return nil
}

// keyRow is an API key as it is shown; times are milliseconds since 1970.
type keyRow struct {
	ID         string         `json:"id"`
	TenantID   string         `json:"tenantId"`
	Name       string         `json:"name"`
	Scopes     []access.Scope `json:"scopes"`
	Key        string         `json:"key,omitempty"` // right after it was made
	Hint       string         `json:"hint"`
	CreatedAt  int64          `json:"createdAt"`
	ExpiresAt  *int64         `json:"expiresAt"`
	RevokedAt  *int64         `json:"revokedAt"`
	LastUsedAt *int64         `json:"lastUsedAt"`
}

func shownKey(k access.Key) keyRow {
	return keyRow{
		ID: k.ID, TenantID: k.TenantID, Name: k.Name, Scopes: k.Scopes, Hint: k.Hint, CreatedAt: k.CreatedAt.UnixMilli(),
		ExpiresAt: milli(k.ExpiresAt), RevokedAt: milli(k.RevokedAt), LastUsedAt: milli(k.LastUsedAt),
	}
}

func milli(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

func printKeys(p process, keys []keyRow, now time.Time) error {
	if len(keys) == 0 {
		return printf(p.stderr, "This tenant has no API keys. postern keys create makes one.\n")
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if err := printf(w, "ID\tNAME\tKEY\tSCOPES\tMADE\tUSED\tVALID\n"); err != nil {
		return err
	}
	for _, k := range keys {
		scopes := make([]string, len(k.Scopes))
		for i, s := range k.Scopes {
			scopes[i] = string(s)
		}
		err := printf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			k.ID, k.Name, k.Hint, strings.Join(scopes, ","), day(k.CreatedAt), k.used(), k.valid(now))
		if err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// used says when a key was used last.
func (k keyRow) used() string {
	if k.LastUsedAt == nil {
		return "never"
	}
	return time.UnixMilli(*k.LastUsedAt).Format("2006-01-02 15:04")
}

// valid says until when a key is valid, or since when it is not.
func (k keyRow) valid(now time.Time) string {
	switch {
	case k.RevokedAt != nil:
		return "revoked " + day(*k.RevokedAt)
	case k.ExpiresAt == nil:
		return "until revoked"
	case now.UnixMilli() >= *k.ExpiresAt:
		return "expired " + day(*k.ExpiresAt)
	}
	return "until " + day(*k.ExpiresAt)
}

func day(ms int64) string { return time.UnixMilli(ms).Format(time.DateOnly) }

func parseScopes(words []string) ([]access.Scope, error) {
	known := access.Scopes()
	scopes := make([]access.Scope, 0, len(words))
	for _, word := range words {
		scope := access.Scope(word)
		if !slices.Contains(known, scope) {
			return nil, fmt.Errorf("--scope: must be management, messages:send or verification, not %q", word)
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 {
		return nil, errors.New("--scope: must not be empty")
	}
	return scopes, nil
}

// parseLife reads a duration that may be in days; "" means without end.
func parseLife(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	const longest = 100 * 365 // days
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= longest {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d, nil
	}
	return 0, fmt.Errorf("--expires: must be a duration such as 12h or 90d, not %q", text)
}
