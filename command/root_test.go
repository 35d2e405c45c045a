package command

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/fault"
)

func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "plain"},
		{errors.Join(errors.New("first"), errors.New("second")), "first; second"},
		{errors.New("connect to:\n\tone: refused\n\tone: refused\r\n\tlast"), "connect to: one: refused; last"},
		{fmt.Errorf("revoke: %w", fault.New(fault.NotFound, "entity.not_found", "There is none.")), "There is none."},
	} {
		if got := oneLine(test.err); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// Every command that does something says what, shows how, and refuses what it
// does not take.
func TestEveryCommandIsComplete(t *testing.T) {
	t.Parallel()
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			check(sub)
		}
		if cmd.Short == "" || cmd.Args == nil {
			t.Errorf("%s has no short help, or takes any argument", cmd.CommandPath())
		}
		if !cmd.HasSubCommands() && cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
	}
	check(newRoot(process{}))
}

func TestParseLife(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "12h": 12 * time.Hour, "90d": 90 * 24 * time.Hour, "90m": 90 * time.Minute,
	} {
		if got, err := parseLife(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"90", "d", "-1d", "0d", "0s", "-5h", "1.5d", "99999999999d", "soon"} {
		if got, err := parseLife(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestParseScopes(t *testing.T) {
	t.Parallel()
	got, err := parseScopes([]string{"verification", "messages:send", "verification"})
	if want := []access.Scope{access.Verification, access.SendMessages}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, words := range [][]string{nil, {""}, {"Management"}, {"verification", "x"}} {
		if got, err := parseScopes(words); err == nil {
			t.Errorf("%q is taken for %v", words, got)
		}
	}
}
