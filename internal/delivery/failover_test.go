package delivery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
)

// withSpare gives the tenant a fallback.
func (b *bench) withSpare() {
	b.t.Helper()
	_, err := b.router.SetFallbacks(b.t.Context(), "t1", []routing.Draft{{FactoryID: "spare"}})
	b.must(err)
}

// TestFailOver: the mail goes out through the fallback at once when another
// connector may help, and only then.
func TestFailOver(t *testing.T) {
	t.Parallel()
	for _, class := range []connector.Class{connector.Temporary, connector.Throttled, connector.ConfigFault} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.withSpare()
			b.send, b.spare.send = fails(class), takes
			id := b.accept()
			if wait := b.run(id); wait != 0 {
				t.Errorf("wants another attempt in %v", wait)
			}
			s := b.expect(id, outbox.Sent, 2, events.Sent)
			first, second := s.Attempts[0], s.Attempts[1]
			if first.FactoryID != "scripted" || first.Class != class || second.FactoryID != "spare" || second.Class != "" {
				t.Errorf("attempts %+v", s.Attempts)
			}
			if e := s.Events[1]; e.Kind != events.Rerouted || !strings.HasPrefix(e.Detail, "because") {
				t.Errorf("event %+v", e)
			}
			if len(b.sent) != 1 || len(b.spare.sent) != 1 || b.spare.sent[0].ID != id {
				t.Errorf("%d and %d mails", len(b.sent), len(b.spare.sent))
			}
		})
	}
	for class, status := range map[connector.Class]outbox.Status{
		connector.Recipient: outbox.Failed, connector.Permanent: outbox.Failed, connector.InvalidResponse: outbox.Sent,
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.withSpare()
			b.send, b.spare.send = fails(class), takes
			id := b.accept()
			b.run(id)
			b.expect(id, status, 1, events.Kind(status))
			if len(b.spare.sent) > 0 {
				t.Error("the fallback was tried")
			}
		})
	}
}

// TestAllConnectorsFail: the waits are those of rounds, not of attempts.
func TestAllConnectorsFail(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.withSpare()
	b.send, b.spare.send = fails(connector.Temporary), fails(connector.Temporary)
	id := b.accept()
	for round, most := range []time.Duration{2 * time.Second, 5 * time.Second} {
		if wait := b.run(id); wait > most || wait < most*4/5 {
			t.Errorf("round %d: the next in %v, want at most %v", round+1, wait, most)
		}
		b.expect(id, outbox.Accepted, 2*(round+1), events.Deferred)
		b.now = b.now.Add(most)
	}
	b.spare.send = takes
	b.run(id)
	b.expect(id, outbox.Sent, 6, events.Sent)
}

// TestADownConnectorIsPassedOver: after three failures mails no longer wait
// for the connector that is down.
func TestADownConnectorIsPassedOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.withSpare()
	b.send, b.spare.send = fails(connector.Temporary), takes
	for range 10 {
		b.run(b.accept())
	}
	if len(b.sent) != 3 || len(b.spare.sent) != 10 {
		t.Errorf("%d attempts at the one that is down, %d at the other; want 3, 10", len(b.sent), len(b.spare.sent))
	}
	_, err := b.router.Set(t.Context(), "t1", "scripted", "", nil) // somebody mends it
	b.must(err)
	b.send = takes
	b.run(b.accept())
	if len(b.sent) != 4 {
		t.Error("a changed connector is not tried at once")
	}
}

// TestADeadlineEndsTheRoute: a late code helps nobody, whoever sends it.
func TestADeadlineEndsTheRoute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.withSpare()
	b.send = func(context.Context, connector.Message) (connector.Receipt, error) {
		b.now = b.now.Add(time.Hour) // the attempt took too long
		return fails(connector.Temporary)(t.Context(), connector.Message{})
	}
	b.spare.send = takes
	id := b.accept()
	b.run(id)
	b.expect(id, outbox.Expired, 1, events.Expired)
	if len(b.spare.sent) > 0 {
		t.Error("a late code was sent")
	}
}
