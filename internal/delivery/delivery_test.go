package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/compose"
	"github.com/postern-mail/postern/internal/delivery"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/metrics"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

// bench is a Deliverer on a real SQLite store, with a connector that does
// what the test says and a clock that the test moves.
type bench struct {
	*delivery.Deliverer
	t      *testing.T
	store  *store.Store
	outbox *outbox.Outbox
	router *routing.Router
	now    time.Time
	send   func(context.Context, connector.Message) (connector.Receipt, error)
	sent   []connector.Message
	spare  spare
	log    bytes.Buffer
}

// spare is a second connector.
type spare struct {
	send func(context.Context, connector.Message) (connector.Receipt, error)
	sent []connector.Message
}

// Send implements connector.Connector.
func (s *spare) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	s.sent = append(s.sent, m)
	return s.send(ctx, m)
}

// Send implements connector.Connector.
func (b *bench) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	b.sent = append(b.sent, m)
	return b.send(ctx, m)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.UnixMilli(1_760_000_000_000)}
	now := func() time.Time { return b.now }
	var err error
	b.store, err = store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	b.must(err)
	t.Cleanup(func() { b.must(b.store.Close()) })
	_, _, err = b.store.Migrate(t.Context())
	b.must(err)
	b.must(b.store.EnsureTenant(t.Context(), tenants.Tenant{ID: "t1"}))
	data, err := secrets.Generate()
	b.must(err)
	keys, err := secrets.Parse(data)
	b.must(err)
	scripted := connector.New(connector.Metadata{ID: "scripted"}, struct{}{},
		func(struct{}, connector.Host) (connector.Connector, error) { return b, nil })
	spare := connector.New(connector.Metadata{ID: "spare"}, struct{}{},
		func(struct{}, connector.Host) (connector.Connector, error) { return &b.spare, nil })
	registry, err := connector.NewRegistry(scripted, spare)
	b.must(err)
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	b.router = routing.New(routing.Options{
		Store: b.store, Keys: keys, Registry: registry, Now: now, Log: log,
		Host: func(string) connector.Host { return connector.Host{} },
	})
	builtin, err := templates.NewBuiltin()
	b.must(err)
	b.outbox = outbox.New(b.store, keys, now)
	b.Deliverer = delivery.New(delivery.Options{
		Store: b.store, Outbox: b.outbox, Router: b.router,
		Composer: compose.New(
			builtin, templates.NewService(b.store, now), tenants.NewService(b.store, now), template.NewCache(1<<20),
		), Suppressions: suppression.NewService(b.store, now), Hub: events.NewHub(b.store),
		Charges: admission.New(admission.Options{Settings: tenants.NewService(b.store, now).Settings, Keys: keys}).Charges,
		Metrics: metrics.New(prometheus.NewRegistry()), Now: now, Log: log,
	})
	b.use()
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// use puts the scripted connector in use.
func (b *bench) use() {
	b.t.Helper()
	_, err := b.router.Set(b.t.Context(), "t1", "scripted", "", nil)
	b.must(err)
}

// accept accepts a code mail to ann and returns its id.
func (b *bench) accept() string {
	b.t.Helper()
	m, err := b.outbox.Make(outbox.Draft{
		TenantID: "t1", Type: connector.SignIn, To: "ann@example.com", Payload: map[string]any{"code": "271828"},
	})
	b.must(err)
	id, err := b.store.SaveMessage(b.t.Context(), m)
	b.must(err)
	return id
}

// run makes one attempt and returns when the next is due, from now.
func (b *bench) run(id string) time.Duration {
	b.t.Helper()
	result, err := b.Deliver(b.t.Context(), id)
	b.must(err)
	if result.RetryAt.IsZero() {
		return 0
	}
	return result.RetryAt.Sub(b.now)
}

func (b *bench) story(id string) events.Story {
	b.t.Helper()
	s, err := b.store.Story(b.t.Context(), "t1", id)
	b.must(err)
	return s
}

// expect checks a message's status, number of attempts and last event.
func (b *bench) expect(id string, status outbox.Status, attempts int, kind events.Kind) events.Story {
	b.t.Helper()
	s := b.story(id)
	last := s.Events[len(s.Events)-1]
	if s.Message.Status != status || s.Message.Attempts != attempts || len(s.Attempts) != attempts || last.Kind != kind {
		b.t.Errorf("status %s, %d attempts, last event %s (%s); want %s, %d, %s",
			s.Message.Status, s.Message.Attempts, last.Kind, last.Detail, status, attempts, kind)
	}
	return s
}

func fails(class connector.Class) func(context.Context, connector.Message) (connector.Receipt, error) {
	return func(context.Context, connector.Message) (connector.Receipt, error) {
		return connector.Receipt{}, &connector.Error{Class: class, Status: 451, Enhanced: "4.0.0", Message: "because of " + string(class)}
	}
}

func takes(context.Context, connector.Message) (connector.Receipt, error) {
	return connector.Receipt{ProviderID: "p1", Answer: "250 ok"}, nil
}

func TestSentOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send = takes
	id := b.accept()
	for range 3 { // a queue may run a job again
		if wait := b.run(id); wait != 0 {
			t.Errorf("wants another attempt in %v", wait)
		}
	}
	s := b.expect(id, outbox.Sent, 1, events.Sent)
	if len(b.sent) != 1 || b.sent[0].ID != id || b.sent[0].To != "ann@example.com" || !strings.Contains(b.sent[0].Text, "271828") {
		t.Errorf("sent %d mails", len(b.sent))
	}
	if a := s.Attempts[0]; a.ProviderID != "p1" || a.Answer != "250 ok" || a.FactoryID != "scripted" {
		t.Errorf("attempt %+v", a)
	}
	if strings.Contains(b.log.String(), "271828") || strings.Contains(b.log.String(), "ann@") || !strings.Contains(b.log.String(), "a***@example.com") {
		t.Errorf("log: %s", b.log.String())
	}
}

func TestFailuresThatPass(t *testing.T) {
	t.Parallel()
	for _, class := range []connector.Class{connector.Temporary, connector.Throttled, connector.ConfigFault} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.send = fails(class)
			id := b.accept()
			first := b.run(id)
			if first < time.Second || first > 3*time.Second {
				t.Errorf("first wait %v", first)
			}
			b.expect(id, outbox.Accepted, 1, events.Deferred)
			b.now = b.now.Add(first)
			if second := b.run(id); second <= first {
				t.Errorf("second wait %v after %v", second, first)
			}
			b.send = takes
			b.run(id)
			s := b.expect(id, outbox.Sent, 3, events.Sent)
			if a := s.Attempts[0]; a.Class != class || a.Status != 451 || a.Enhanced != "4.0.0" || a.Answer != "because of "+string(class) {
				t.Errorf("first attempt %+v", a)
			}
		})
	}
}

func TestFailuresForGood(t *testing.T) {
	t.Parallel()
	for class, want := range map[connector.Class]outbox.Status{
		connector.Recipient: outbox.Failed, connector.Permanent: outbox.Failed,
		connector.InvalidResponse: outbox.Sent, "a class of a later version": outbox.Failed,
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.send = fails(class)
			id := b.accept()
			for range 2 {
				if wait := b.run(id); wait != 0 {
					t.Errorf("wants another attempt in %v", wait)
				}
			}
			b.expect(id, want, 1, events.Kind(want))
		})
	}
}

func TestAProviderMayAskForTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send = func(context.Context, connector.Message) (connector.Receipt, error) {
		return connector.Receipt{}, &connector.Error{Class: connector.Throttled, Message: "slow down", RetryAfter: 90 * time.Second}
	}
	id := b.accept()
	if wait := b.run(id); wait != 90*time.Second {
		t.Errorf("next attempt in %v", wait)
	}
}

func TestAnErrorWithoutClassIsTemporary(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send = func(context.Context, connector.Message) (connector.Receipt, error) {
		return connector.Receipt{}, fmt.Errorf("connector broke on %s", "271828")
	}
	id := b.accept()
	if b.run(id) == 0 {
		t.Error("not tried again")
	}
	s := b.expect(id, outbox.Accepted, 1, events.Deferred)
	if shown := fmt.Sprintf("%+v %s", s, b.log.String()); strings.Contains(shown, "271828") {
		t.Errorf("the text of an unknown error is shown: %s", shown)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send = fails(connector.Temporary)
	late, tried := b.accept(), b.accept()
	b.now = b.now.Add(10*time.Minute - time.Second)
	b.run(tried)
	b.expect(tried, outbox.Expired, 1, events.Expired) // the next attempt would be too late
	b.now = b.now.Add(time.Second)
	b.run(late)
	b.expect(late, outbox.Expired, 0, events.Expired)
	if len(b.sent) != 1 {
		t.Errorf("%d attempts, one of them after the deadline", len(b.sent))
	}
}

func TestSuperseded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send = takes
	older, newer := b.accept(), b.accept()
	b.run(older)
	b.run(newer)
	b.expect(older, outbox.Superseded, 0, events.Superseded)
	b.expect(newer, outbox.Sent, 1, events.Sent)
}

func TestWithoutConnectorItWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.send = takes
	id := b.accept()
	opened, err := b.router.InUse(t.Context(), "t1")
	b.must(err)
	b.must(b.router.Delete(t.Context(), "t1", opened.ID, true))
	if b.run(id) == 0 {
		t.Error("not tried again")
	}
	b.expect(id, outbox.Accepted, 1, events.Deferred)
	b.use()
	b.run(id)
	b.expect(id, outbox.Sent, 2, events.Sent)
}

// While the service stops, nobody knows what the provider did with an attempt
// that was cut short, so it must be made again.
func TestStopCutsAnAttemptShort(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, stop := context.WithCancel(t.Context())
	b.send = func(ctx context.Context, _ connector.Message) (connector.Receipt, error) {
		stop()
		<-ctx.Done()
		return connector.Receipt{}, &connector.Error{Class: connector.Temporary, Message: "cancelled", Err: ctx.Err()}
	}
	id := b.accept()
	if _, err := b.Deliver(ctx, id); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	b.expect(id, outbox.Accepted, 0, events.Accepted)
	b.send = takes
	b.run(id)
	b.expect(id, outbox.Sent, 1, events.Sent)
}

// What a provider took is stored even if the service was told to stop
// meanwhile: otherwise it would be sent twice.
func TestStopAfterTheProviderTookIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, stop := context.WithCancel(t.Context())
	b.send = func(context.Context, connector.Message) (connector.Receipt, error) {
		stop()
		return connector.Receipt{}, nil
	}
	id := b.accept()
	if _, err := b.Deliver(ctx, id); err != nil {
		t.Errorf("error %v", err)
	}
	b.expect(id, outbox.Sent, 1, events.Sent)
}
