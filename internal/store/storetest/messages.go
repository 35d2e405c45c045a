package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/delivery"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/verification"
)

type result = queue.Result

func testAccept(t *testing.T, db Database) {
	s := open(t, db)
	ran := runQueue(t, s)
	m, c := message(t, "Ann@example.com"), code(t, "ann@example.com")
	must(t, s.SaveCode(t.Context(), c, m))
	if !receive(t, ran, 1)[m.ID] {
		t.Errorf("the job of %s did not run", m.ID)
	}
	got, superseded, ok, err := s.LoadMessage(t.Context(), m.ID)
	must(t, err)
	if !ok || superseded {
		t.Fatalf("load: ok %v, superseded %v", ok, superseded)
	}
	equal(t, "payload", string(got.Payload), "sealed")
	got.Payload, m.Payload = nil, nil
	if got.ID != m.ID || got.To != m.To || got.Deadline != m.Deadline || got.Status != outbox.Accepted || got.IP != m.IP {
		t.Errorf("loaded %+v, saved %+v", got, m)
	}
	_, _, ok, err = s.LoadMessage(t.Context(), newID(t))
	must(t, err)
	equal(t, "unknown message found", ok, false)
}

func testAcceptGroups(t *testing.T, db Database) {
	const n = 300
	s := open(t, db)
	ran := runQueue(t, s)
	for _, err := range inParallel(n, func(int) error {
		return s.SaveCode(t.Context(), code(t, "ann@example.com"), message(t, "ann@example.com"))
	}) {
		must(t, err)
	}
	receive(t, ran, n)
	_, total, err := s.ListMessages(t.Context(), tenant, events.Filter{Limit: 1})
	must(t, err)
	equal(t, "messages saved", total, n)
}

func testBrokenNeighbour(t *testing.T, db Database) {
	const n = 100
	s := open(t, db)
	twin := message(t, "twin@example.com")
	must(t, s.SaveCode(t.Context(), code(t, "twin@example.com"), twin))
	failed := 0
	for i, err := range inParallel(n, func(i int) error {
		m := message(t, "ann@example.com")
		if i%10 == 0 {
			m.ID = twin.ID // breaks the primary key
		}
		return s.SaveCode(t.Context(), code(t, "ann@example.com"), m)
	}) {
		if (err != nil) != (i%10 == 0) {
			t.Errorf("save %d: %v", i, err)
		}
		if err != nil {
			failed++
		}
	}
	_, total, err := s.ListMessages(t.Context(), tenant, events.Filter{To: "ann@example.com"})
	must(t, err)
	equal(t, "messages saved", total, n-failed)
	var codes int
	must(t, s.CheckCodes(t.Context(), subject("ann@example.com"), 1000, "tries", func(c []verification.Code, _ *limits.Window) verification.Decision {
		codes = len(c)
		return verification.Decision{}
	}))
	equal(t, "codes saved", codes, n-failed)
}

func testDedupe(t *testing.T, db Database) {
	s := open(t, db)
	ran := runQueue(t, s)
	repeat := func(at time.Time) string {
		m := message(t, "ann@example.com")
		m.Dedupe, m.CreatedAt = "same", at
		id, err := s.SaveMessage(t.Context(), m)
		must(t, err)
		return id
	}
	ids := make([]string, 20)
	for _, err := range inParallel(20, func(i int) error {
		ids[i] = repeat(start)
		return nil
	}) {
		must(t, err)
	}
	for _, id := range ids {
		equal(t, "id of a repeat", id, ids[0])
	}
	equal(t, "id within the window", repeat(start.Add(outbox.DedupeWindow-time.Millisecond)), ids[0])
	later := repeat(start.Add(outbox.DedupeWindow))
	if later == ids[0] {
		t.Error("a repeat after the window is not a new message")
	}
	got := receive(t, ran, 2)
	if !got[ids[0]] || !got[later] {
		t.Errorf("ran %v, want %s and %s", got, ids[0], later)
	}
}

func testSuperseded(t *testing.T, db Database) {
	s := open(t, db)
	older, newer, other := message(t, "ann@example.com"), message(t, "ann@example.com"), message(t, "bob@example.com")
	for _, m := range []outbox.Message{older, newer, other} {
		_, err := s.SaveMessage(t.Context(), m)
		must(t, err)
	}
	invitation1, invitation2 := message(t, "ann@example.com"), message(t, "ann@example.com")
	invitation1.Supersedes, invitation2.Supersedes = "", ""
	for _, m := range []outbox.Message{invitation1, invitation2} {
		_, err := s.SaveMessage(t.Context(), m)
		must(t, err)
	}
	for m, want := range map[string]bool{older.ID: true, newer.ID: false, other.ID: false, invitation1.ID: false, invitation2.ID: false} {
		_, superseded, _, err := s.LoadMessage(t.Context(), m)
		must(t, err)
		equal(t, "superseded", superseded, want)
	}
}

func testOutcomes(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	m := message(t, "ann@example.com")
	_, err := s.SaveMessage(ctx, m)
	must(t, err)
	record := func(status outbox.Status, kind events.Kind, at time.Time, a *events.Attempt) {
		t.Helper()
		must(t, s.RecordOutcome(ctx, delivery.Outcome{
			MessageID: m.ID, Status: status, Attempt: a, Event: events.Event{Kind: kind, At: at, Detail: "because"},
		}))
	}
	first := &events.Attempt{
		Number: 1, ConnectorID: "c", FactoryID: "f", StartedAt: start, Duration: 1500 * time.Microsecond,
		Class: connector.Temporary, Status: 451, Enhanced: "4.3.0", Answer: "later",
	}
	record(outbox.Accepted, events.Deferred, start.Add(time.Second), first)
	still, _, _, err := s.LoadMessage(ctx, m.ID)
	must(t, err)
	equal(t, "payload while open", string(still.Payload), "sealed")
	equal(t, "attempts", still.Attempts, 1)

	second := &events.Attempt{Number: 2, ConnectorID: "c", FactoryID: "f", StartedAt: start.Add(2 * time.Second), ProviderID: "p"}
	record(outbox.Sent, events.Sent, start.Add(3*time.Second), second)
	record(outbox.Failed, events.Failed, start.Add(4*time.Second), nil) // too late: it is at its end

	ended, _, _, err := s.LoadMessage(ctx, m.ID)
	must(t, err)
	if ended.Payload != nil {
		t.Error("the payload outlived its message")
	}
	story, err := s.Story(ctx, tenant, m.ID)
	must(t, err)
	equal(t, "status", story.Message.Status, outbox.Sent)
	equal(t, "ended", story.Message.EndedAt, start.Add(3*time.Second))
	equal(t, "attempts", len(story.Attempts), 2)
	equal(t, "first attempt", story.Attempts[0], *first)
	equal(t, "provider id", story.Attempts[1].ProviderID, "p")
	_, err = s.Story(ctx, "another tenant", m.ID)
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Kind != fault.NotFound {
		t.Errorf("another tenant's story: %v", err)
	}
	kinds := []events.Kind{}
	for _, e := range story.Events {
		kinds = append(kinds, e.Kind)
	}
	if len(kinds) < 3 || kinds[0] != events.Accepted || kinds[1] != events.Deferred || kinds[2] != events.Sent {
		t.Errorf("events: %v", kinds)
	}
	if len(kinds) > 3 {
		t.Errorf("an outcome after the end was recorded: %v", kinds)
	}
}

func testListMessages(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	ids := make([]string, 5)
	for i := range ids {
		m := message(t, "ann@example.com")
		if i == 2 {
			m.To, m.Type = "Bob@example.com", connector.Generic
		}
		ids[i] = m.ID
		_, err := s.SaveMessage(ctx, m)
		must(t, err)
	}
	must(t, s.RecordOutcome(ctx, delivery.Outcome{
		MessageID: ids[4], Status: outbox.Sent, Event: events.Event{Kind: events.Sent, At: start},
	}))
	cases := map[string]struct {
		filter events.Filter
		want   []int
		total  int
	}{
		"all":       {events.Filter{}, []int{4, 3, 2, 1, 0}, 5},
		"page":      {events.Filter{Limit: 2, Offset: 1}, []int{3, 2}, 5},
		"status":    {events.Filter{Status: outbox.Sent}, []int{4}, 1},
		"recipient": {events.Filter{To: "bob@example.com"}, []int{2}, 1},
		"type":      {events.Filter{Type: connector.SignIn, Limit: 1}, []int{4}, 4},
		"before":    {events.Filter{Before: ids[2]}, []int{1, 0}, 2},
		"nothing":   {events.Filter{To: "eve@example.com"}, nil, 0},
	}
	for name, c := range cases {
		list, total, err := s.ListMessages(ctx, tenant, c.filter)
		must(t, err)
		equal(t, name+": total", total, c.total)
		equal(t, name+": length", len(list), len(c.want))
		for i, want := range c.want {
			if i < len(list) {
				equal(t, name, list[i].ID, ids[want])
			}
		}
	}
	open, err := s.OpenMessages(ctx, tenant)
	must(t, err)
	equal(t, "open messages", open, 4)
}

func testPrune(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	const day = 24 * time.Hour
	now := start.Add(100 * day)
	save := func(at time.Time) (id string) {
		m, c := message(t, "x@example.com"), code(t, "x@example.com")
		m.ID, c.ID = idAt(at, m.ID), idAt(at, c.ID)
		must(t, s.SaveCode(ctx, c, m))
		return m.ID
	}
	old, fresh, unsent := save(now.Add(-91*day)), save(now.Add(-89*day)), save(now.Add(-92*day))
	for _, id := range []string{old, fresh} {
		must(t, s.RecordOutcome(ctx, delivery.Outcome{
			MessageID: id, Status: outbox.Sent, Event: events.Event{Kind: events.Sent, At: start},
			Attempt: &events.Attempt{Number: 1, StartedAt: start},
		}))
	}
	save(now.Add(-time.Hour)) // its code is not old enough
	for more := true; more; {
		var err error
		more, err = s.Prune(ctx, now)
		must(t, err)
	}
	for id, want := range map[string]bool{old: false, fresh: true, unsent: true} {
		_, _, ok, err := s.LoadMessage(ctx, id)
		must(t, err)
		equal(t, "kept", ok, want)
	}
	var codes int
	must(t, s.CheckCodes(ctx, subject("x@example.com"), 10, "tries", func(c []verification.Code, _ *limits.Window) verification.Decision {
		codes = len(c)
		return verification.Decision{}
	}))
	equal(t, "codes kept", codes, 1)
}

// idAt gives an id the time at which it would have been made (RFC 9562
// section 5.7).
func idAt(at time.Time, id string) string {
	hex := fmt.Sprintf("%012x", at.UnixMilli())
	return hex[:8] + "-" + hex[8:] + id[13:]
}
