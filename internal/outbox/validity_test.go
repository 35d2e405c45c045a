package outbox_test

import (
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/outbox"
)

// A link may be valid for longer than its mail is tried; a code never is.
func TestValidity(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_760_000_000_000)
	in := func(d time.Duration) float64 { return float64(at.Add(d).UnixMilli()) }
	for name, c := range map[string]struct {
		kind  connector.TemplateType
		until any
		want  time.Duration
	}{
		"nothing said":       {connector.OrganizationInvitation, nil, time.Hour},
		"longer":             {connector.OrganizationInvitation, in(48 * time.Hour), 48 * time.Hour},
		"past":               {connector.OrganizationInvitation, in(-time.Hour), time.Hour},
		"at once":            {connector.OrganizationInvitation, in(0), time.Hour},
		"a text":             {connector.OrganizationInvitation, "tomorrow", time.Hour},
		"a code for as long": {connector.SignIn, in(48 * time.Hour), time.Hour},
	} {
		m := outbox.Message{Type: c.kind, CreatedAt: at, Deadline: at.Add(time.Hour)}
		if got := m.Validity(map[string]any{outbox.ExpiresAt: c.until}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
