package suppression_test

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/suppression"
)

func TestWhatSuppresses(t *testing.T) {
	t.Parallel()
	bounce := func(hard, noAddress bool, enhanced string) connector.Event {
		return connector.Event{Kind: connector.EventBounced, Hard: hard, NoAddress: noAddress, Enhanced: enhanced}
	}
	for name, c := range map[string]struct {
		e      connector.Event
		scope  suppression.Scope
		reason suppression.Reason
	}{
		"no such mailbox":                 {bounce(true, false, "5.1.1"), suppression.All, suppression.Bounced},
		"no such domain":                  {bounce(true, false, "5.1.2"), suppression.All, suppression.Bounced},
		"null MX":                         {bounce(true, false, "5.1.10"), suppression.All, suppression.Bounced},
		"the provider says so":            {bounce(true, true, ""), suppression.All, suppression.Bounced},
		"says so, with a vague code":      {bounce(true, true, "5.0.0"), suppression.All, suppression.Bounced},
		"hard, without reason":            {bounce(true, false, ""), "", ""},
		"mailbox disabled":                {bounce(true, false, "5.2.1"), "", ""},
		"message too large":               {bounce(true, false, "5.3.4"), "", ""},
		"policy":                          {bounce(true, false, "5.7.1"), "", ""},
		"policy, taken for no address":    {bounce(true, true, "5.7.26"), "", ""},
		"the sender's address is bad":     {bounce(true, false, "5.1.7"), "", ""},
		"the sender's domain is bad":      {bounce(true, true, "5.1.8"), "", ""},
		"soft":                            {bounce(false, false, "5.1.1"), "", ""},
		"soft, taken for no address":      {bounce(false, true, "4.2.2"), "", ""},
		"complaint":                       {connector.Event{Kind: connector.EventComplained}, suppression.Strangers, suppression.Complained},
		"delivered":                       {connector.Event{Kind: connector.EventDelivered}, "", ""},
		"rejected":                        {connector.Event{Kind: connector.EventRejected, Hard: true, NoAddress: true, Enhanced: "5.1.1"}, "", ""},
		"the provider's own suppressions": {connector.Event{Kind: connector.EventSuppressed, NoAddress: true}, "", ""},
		"anything else":                   {connector.Event{Kind: "unsubscribed"}, "", ""},
	} {
		scope, reason, ok := suppression.OfEvent(c.e)
		if ok != (c.scope != "") || ok && (scope != c.scope || reason != c.reason) {
			t.Errorf("%s: %s %s %v", name, scope, reason, ok)
		}
	}
	for _, c := range []struct {
		class    connector.Class
		enhanced string
		want     bool
	}{
		{connector.Recipient, "5.1.1", true}, {connector.Recipient, "5.1.6", true}, {connector.Recipient, "", false},
		{connector.Recipient, "5.2.2", false}, {connector.Recipient, "5.7.1", false}, {connector.Recipient, "5.1.8", false},
		{connector.Permanent, "5.1.1", false}, {connector.Temporary, "5.1.1", false}, {connector.Recipient, "5.11.1", false},
	} {
		if got := suppression.OfRefusal(c.class, c.enhanced); got != c.want {
			t.Errorf("refusal %s %s: %v", c.class, c.enhanced, got)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	strangers := map[connector.TemplateType]bool{
		connector.Register: true, connector.SignIn: true, connector.ForgotPassword: true, connector.OrganizationInvitation: true,
	}
	for _, kind := range connector.TemplateTypes() {
		if !(suppression.Entry{Scope: suppression.All}).Covers(kind) {
			t.Errorf("all does not cover %s", kind)
		}
		if got := (suppression.Entry{Scope: suppression.Strangers}).Covers(kind); got != strangers[kind] {
			t.Errorf("strangers, %s: %v", kind, got)
		}
	}
}

// An entry outranks no other of its strength, so that none changes for good.
func TestRanks(t *testing.T) {
	t.Parallel()
	for _, s1 := range suppression.Scopes() {
		for _, r1 := range suppression.Reasons() {
			for _, s2 := range suppression.Scopes() {
				for _, r2 := range suppression.Reasons() {
					e, other := suppression.Entry{Scope: s1, Reason: r1}, suppression.Entry{Scope: s2, Reason: r2}
					want := s1 == suppression.All && s2 == suppression.Strangers && r2 != suppression.Manual
					if got := e.Outranks(other); got != want {
						t.Errorf("%+v over %+v: %v", e, other, got)
					}
				}
			}
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, reason := range suppression.Reasons() {
		got := suppression.Entry{Address: "ann@example.com", Reason: reason, Detail: "words"}.Explain()
		if strings.Contains(got, "ann") || !strings.Contains(got, "(words)") || !strings.Contains(got, "DELETE /api/suppressions/") {
			t.Errorf("%s: %s", reason, got)
		}
	}
}
