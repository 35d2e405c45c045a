package delivery_test

import (
	"context"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/suppression"
)

// A mail to a suppressed address is not tried, and its story says why and what
// changes that.
func TestSuppressed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send = takes
	b.must(b.store.PutSuppression(t.Context(), suppression.Entry{
		TenantID: "t1", Address: "ANN@example.com", Scope: suppression.Strangers, Reason: suppression.Complained, CreatedAt: b.now,
	}))
	id := b.accept()
	if b.run(id) != 0 {
		t.Error("is to be tried")
	}
	s := b.expect(id, outbox.Suppressed, 0, events.Suppressed)
	if detail := s.Events[1].Detail; !strings.Contains(detail, "spam") || !strings.Contains(detail, "DELETE /api/suppressions/{email}") {
		t.Errorf("detail %q", detail)
	}
	m, _, _, err := b.store.LoadMessage(t.Context(), id)
	b.must(err)
	if m.Payload != nil {
		t.Error("the payload outlived its message")
	}
	if len(b.sent) != 0 {
		t.Error("sent all the same")
	}
}

// A message under way when its address is suppressed is not tried again.
func TestSuppressedBetweenAttempts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send = fails(connector.Temporary)
	id := b.accept()
	b.now = b.now.Add(b.run(id))
	b.must(b.store.PutSuppression(t.Context(), suppression.Entry{
		TenantID: "t1", Address: "ann@example.com", Scope: suppression.All, Reason: suppression.Manual, CreatedAt: b.now,
	}))
	b.run(id)
	b.expect(id, outbox.Suppressed, 1, events.Suppressed)
}

// A refusal suppresses the address only if it says that there is none.
func TestRefusalsThatSuppress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure connector.Error
		want    bool
	}{
		"no such address": {connector.Error{Class: connector.Recipient, Enhanced: "5.1.1", Message: "550 ann: unknown"}, true},
		"mailbox full":    {connector.Error{Class: connector.Recipient, Enhanced: "5.2.2", Message: "552 full"}, false},
		"no code":         {connector.Error{Class: connector.Recipient, Message: "refused"}, false},
		"policy":          {connector.Error{Class: connector.Permanent, Enhanced: "5.7.1", Message: "554 policy"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.send = func(context.Context, connector.Message) (connector.Receipt, error) {
				return connector.Receipt{}, &c.failure
			}
			first := b.accept()
			b.run(first)
			b.expect(first, outbox.Failed, 1, events.Failed)
			entry, found, err := b.store.Suppression(t.Context(), "t1", "ann@example.com")
			b.must(err)
			if found != c.want {
				t.Fatalf("suppressed %v: %+v", found, entry)
			}
			second := b.accept()
			b.run(second)
			if !c.want {
				b.expect(second, outbox.Failed, 1, events.Failed)
				return
			}
			b.expect(second, outbox.Suppressed, 0, events.Suppressed)
			if entry.MessageID != first || entry.Detail != "550 a***: unknown" || entry.Scope != suppression.All {
				t.Errorf("entry %+v", entry)
			}
		})
	}
}
