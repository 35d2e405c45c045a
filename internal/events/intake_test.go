package events_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/delivery"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/metrics"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/tenants"
)

// start is when the messages of the tests were accepted, and now when the
// callbacks come.
const (
	start = 1_760_000_000_000
	now   = start + 3_600_000
)

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// bench is an Intake on a real SQLite store, with a connector that reports
// what the test says.
type bench struct {
	t            *testing.T
	store        *store.Store
	outbox       *outbox.Outbox
	intake       *events.Intake
	suppressions *suppression.Service
	figures      *prometheus.Registry
	via          *routing.Opened
	report       connector.Report
	err          error
}

// Send implements connector.Connector.
func (b *bench) Send(context.Context, connector.Message) (connector.Receipt, error) {
	return connector.Receipt{}, nil
}

// ReadEvents implements connector.EventReader.
func (b *bench) ReadEvents(context.Context, connector.Callback) (connector.Report, error) {
	return b.report, b.err
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t}
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
	b.outbox = outbox.New(b.store, keys, func() time.Time { return at(start) })
	clock := func() time.Time { return at(now) }
	b.suppressions = suppression.NewService(b.store, clock)
	b.figures = prometheus.NewRegistry()
	b.intake = events.NewIntake(events.IntakeOptions{
		Store: b.store, Suppressions: b.suppressions, Hub: events.NewHub(b.store), Keys: keys,
		Metrics: metrics.New(b.figures), Now: clock,
	})
	b.via = &routing.Opened{Record: routing.Record{ID: "c1", TenantID: "t1", FactoryID: "f"}, Connector: b}
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// sent is a message that went out to an address.
func (b *bench) sent(to string) string {
	b.t.Helper()
	m, err := b.outbox.Make(outbox.Draft{TenantID: "t1", Type: connector.Generic, To: to, Payload: map[string]any{"code": "1"}})
	b.must(err)
	_, err = b.store.SaveMessage(b.t.Context(), m)
	b.must(err)
	b.must(b.store.RecordOutcome(b.t.Context(), delivery.Outcome{
		MessageID: m.ID, Status: outbox.Sent, Event: events.Event{Kind: events.Sent, At: at(start)},
		Attempt: &events.Attempt{Number: 1, ConnectorID: "c1", StartedAt: at(start), ProviderID: "p-" + m.ID},
	}))
	return m.ID
}

// take takes in a callback with these events.
func (b *bench) take(list ...connector.Event) {
	b.t.Helper()
	b.report = connector.Report{Events: list}
	_, err := b.intake.Take(b.t.Context(), b.via, connector.Callback{At: at(now)})
	b.must(err)
}

// reported are the provider's events of a message.
func (b *bench) reported(id string) (list []events.Event, d events.Delivery) {
	b.t.Helper()
	s, err := b.store.Story(b.t.Context(), "t1", id)
	b.must(err)
	list = slices.DeleteFunc(s.Events, func(e events.Event) bool { return e.Source == "" })
	return list, s.Delivery()
}

// count is a figure of postern_events_total.
func (b *bench) count(kind connector.EventKind, o events.Outcome) (n int) {
	b.t.Helper()
	families, err := b.figures.Gather()
	b.must(err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += l.GetName() + "=" + l.GetValue() + " "
			}
			if labels == fmt.Sprintf("connector=f kind=%s outcome=%s ", kind, o) {
				n += int(m.GetCounter().GetValue())
			}
		}
	}
	return n
}

func TestEventsAreKeptSanely(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.sent("Ann@example.com")
	for name, c := range map[string]struct {
		given connector.Event
		want  events.Event
	}{
		"plain": {
			connector.Event{Kind: connector.EventDelivered, At: at(start + 5), Detail: "250 ok"},
			events.Event{Kind: events.Delivered, At: at(start + 5), Detail: "250 ok"},
		},
		"hard": {
			connector.Event{Kind: connector.EventBounced, Hard: true, At: at(start), Enhanced: "5.2.1", Detail: "disabled"},
			events.Event{Kind: events.Bounced, Bounce: events.Hard, At: at(start), Detail: "5.2.1 disabled"},
		},
		"soft": {
			connector.Event{Kind: connector.EventBounced, At: at(start), Enhanced: "4.2.2", Detail: "452 4.2.2 full"},
			events.Event{Kind: events.Bounced, Bounce: events.Soft, At: at(start), Detail: "452 4.2.2 full"},
		},
		"hard, but no bounce": {
			connector.Event{Kind: connector.EventRejected, Hard: true, NoAddress: true, At: at(start), Enhanced: "5.1.1\r\n"},
			events.Event{Kind: events.Rejected, At: at(start)},
		},
		"without time":       {connector.Event{Kind: connector.EventOther, Detail: "click"}, events.Event{Kind: events.Other, At: at(now), Detail: "click"}},
		"in the future":      {connector.Event{Kind: connector.EventSent, At: at(now + 1)}, events.Event{Kind: events.Sent, At: at(now)}},
		"before the message": {connector.Event{Kind: connector.EventSent, At: at(start - 1)}, events.Event{Kind: events.Sent, At: at(start)}},
		"long ago": {
			connector.Event{Kind: connector.EventSent, At: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), Detail: "x"},
			events.Event{Kind: events.Sent, At: at(start), Detail: "x"},
		},
		"unknown kind": {connector.Event{Kind: "unsub\nscribed", At: at(start), Detail: "x"}, events.Event{Kind: events.Other, At: at(start), Detail: "unsub scribed x"}},
		"with the address": {
			connector.Event{Kind: connector.EventDeferred, At: at(start), Detail: "<ANN@EXAMPLE.COM>\x00 later " + strings.Repeat("é", 300)},
			events.Event{Kind: events.Deferred, At: at(start), Detail: "<A***@EXAMPLE.COM> later " + strings.Repeat("é", 137)},
		},
	} {
		c.given.ID, c.given.MessageID, c.given.Recipient = name, id, "ann@example.com"
		was, _ := b.reported(id)
		b.take(c.given)
		all, _ := b.reported(id)
		added := slices.DeleteFunc(all, func(e events.Event) bool { return slices.Contains(was, e) })
		c.want.Source = "f"
		if len(added) != 1 || added[0] != c.want {
			t.Errorf("%s: kept %+v, want %+v", name, added, c.want)
		}
	}
}

// Without an id of the provider, an event is what it says.
func TestUnnamedEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, other := b.sent("ann@example.com"), b.sent("ann@example.com")
	one := connector.Event{Kind: connector.EventDeferred, MessageID: id, Recipient: "ann@example.com", At: at(start + 1)}
	list := []connector.Event{one, one, one, one, one}
	list[1].Recipient = "ANN@example.com" // the same
	list[2].At = at(start + 2)
	list[3].Kind = connector.EventDelivered
	list[4].MessageID = other
	b.take(list...)
	b.take(list...)
	mine, _ := b.reported(id)
	theirs, _ := b.reported(other)
	if len(mine) != 3 || len(theirs) != 1 || b.count(connector.EventDeferred, events.Repeated) != 5 {
		t.Errorf("%d and %d events", len(mine), len(theirs))
	}
}

// Domains beyond ASCII go out, and come back, in their ASCII form.
func TestEventOfAnInternationalDomain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.sent("ann@bücher.example")
	b.take(connector.Event{ID: "1", Kind: connector.EventDelivered, MessageID: id, Recipient: "ann@xn--bcher-kva.example", At: at(start)})
	b.take(connector.Event{ID: "2", Kind: connector.EventDelivered, ProviderID: "p-" + id, Recipient: "ann@bücher.example", At: at(start)})
	if list, _ := b.reported(id); len(list) != 2 {
		t.Errorf("%d events", len(list))
	}
}

// Ids of one connector's provider mean nothing to another's.
func TestEventIDsOfTwoConnectors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.sent("ann@example.com")
	e := connector.Event{ID: "1", Kind: connector.EventDelivered, MessageID: id, Recipient: "ann@example.com", At: at(start)}
	b.take(e)
	b.via.ID = "c2"
	b.take(e)
	if list, _ := b.reported(id); len(list) != 2 {
		t.Errorf("%d events", len(list))
	}
	// Nor does an id that the other's provider gave the mail.
	b.take(connector.Event{ID: "2", Kind: connector.EventDelivered, ProviderID: "p-" + id, Recipient: "ann@example.com", At: at(start)})
	if b.count(connector.EventDelivered, events.Unmatched) != 1 {
		t.Error("matched by another connector's id")
	}
}

// What suppresses an address is what the rules say, and nothing that is about
// somebody else's mail.
func TestIntakeSuppresses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, c := range map[string]struct {
		e      connector.Event
		scope  suppression.Scope
		reason suppression.Reason
	}{
		"hard":      {connector.Event{Kind: connector.EventBounced, Hard: true, Enhanced: "5.1.1"}, suppression.All, suppression.Bounced},
		"policy":    {connector.Event{Kind: connector.EventBounced, Hard: true, Enhanced: "5.7.1", NoAddress: true}, "", ""},
		"complaint": {connector.Event{Kind: connector.EventComplained}, suppression.Strangers, suppression.Complained},
		"full":      {connector.Event{Kind: connector.EventBounced, Enhanced: "5.1.1"}, "", ""},
	} {
		to := name + "@example.com"
		c.e.ID, c.e.MessageID, c.e.Recipient, c.e.Detail = name, b.sent(to), to, "words"
		b.take(c.e)
		got, ok, err := b.suppressions.Find(t.Context(), "t1", to, connector.SignIn)
		b.must(err)
		if ok != (c.scope != "") || got.Scope != c.scope || got.Reason != c.reason || ok && got.MessageID != c.e.MessageID {
			t.Errorf("%s: %v %+v", name, ok, got)
		}
	}
	if n := b.count(connector.EventBounced, events.Hushed); n != 1 {
		t.Errorf("%d bounces suppressed an address", n)
	}
}

func TestCallbackErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for err, code := range map[error]string{
		fmt.Errorf("x: %w", connector.ErrNotGenuine): "callback.not_genuine", connector.ErrBadCallback: "callback.invalid",
		connector.ErrNotSetUp: "callback.not_set_up", io.ErrUnexpectedEOF: "", context.Canceled: "",
	} {
		b.err = err
		_, got := b.intake.Take(t.Context(), b.via, connector.Callback{At: at(now)})
		f, shown := errors.AsType[*fault.Fault](got)
		if shown != (code != "") || shown && f.Code != code || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// state is what is known of a message and its recipient after callbacks, but
// for the order of events that happened at one time.
func (b *bench) state(id, to string) string {
	b.t.Helper()
	list, d := b.reported(id)
	if !slices.IsSortedFunc(list, func(x, y events.Event) int { return x.At.Compare(y.At) }) {
		b.t.Fatalf("not in the order of time: %+v", list)
	}
	var lines []string
	for _, e := range list {
		lines = append(lines, fmt.Sprint(e.At.UnixMilli(), e.Kind, e.Bounce, e.Detail))
	}
	slices.Sort(lines)
	entry, _, err := b.store.Suppression(b.t.Context(), "t1", to)
	b.must(err)
	return fmt.Sprintf("%s, %s %s, %s", d, entry.Scope, entry.Reason, strings.Join(lines, ", "))
}

// The same events in any order, any batches and any number of times lead to
// the same state.
func TestReportsInAnyOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	kinds := []connector.EventKind{
		connector.EventAccepted, connector.EventSent, connector.EventDeferred, connector.EventDelivered, connector.EventBounced,
		connector.EventComplained, connector.EventRejected, connector.EventSuppressed, connector.EventOther,
	}
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		ids := rapid.IntRange(0, 1).Draw(t, "with ids")
		list := make([]connector.Event, rapid.IntRange(1, 8).Draw(t, "events"))
		for i := range list {
			list[i] = connector.Event{
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Hard: rapid.Bool().Draw(t, "hard"),
				NoAddress: rapid.Bool().Draw(t, "no address"), At: at(start + rapid.Int64Range(-1, 3).Draw(t, "at")),
				Enhanced: rapid.SampledFrom([]string{"", "5.1.1", "5.7.1", "4.2.2"}).Draw(t, "enhanced"),
			}
			if ids == 1 {
				list[i].ID = fmt.Sprint(i)
			} else { // what has no id is known by its kind and time
				list[i].Kind, list[i].At = kinds[i], at(start+int64(i))
			}
		}
		about := func(list []connector.Event, id, to string) []connector.Event {
			list = slices.Clone(list)
			for i := range list {
				list[i].MessageID, list[i].Recipient = id, to
				if list[i].ID != "" {
					list[i].ID += " of " + id
				}
			}
			return list
		}
		to, again := fmt.Sprintf("a%d@example.com", run), fmt.Sprintf("b%d@example.com", run)
		one, two := b.sent(to), b.sent(again)
		b.take(about(list, one, to)...)
		rest := rapid.Permutation(append(slices.Clone(list), list...)).Draw(t, "again")
		for len(rest) > 0 {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			b.take(about(rest[:n], two, again)...)
			rest = rest[n:]
		}
		if want, got := b.state(one, to), b.state(two, again); got != want {
			t.Fatalf("%s\nand in another order\n%s", want, got)
		}
	})
}
