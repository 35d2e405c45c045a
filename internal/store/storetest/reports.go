package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/delivery"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/tenants"
)

func record(id string) routing.Record {
	return routing.Record{
		ID: id, TenantID: tenant, FactoryID: "f-" + id, Config: []byte("config of " + id), Version: "v-" + id, CreatedAt: start,
	}
}

// byID fails the test unless a connector is found by its id as wanted.
func byID(t *testing.T, s *store.Store, id string, want bool) {
	t.Helper()
	r, ok, err := s.ConnectorByID(t.Context(), id)
	must(t, err)
	equal(t, "found "+id, ok, want)
	if w := record(id); ok && (r.ID != id || r.TenantID != tenant || r.FactoryID != w.FactoryID ||
		string(r.Config) != string(w.Config) || r.Version != w.Version || r.CreatedAt != start) {
		t.Errorf("connector %s is %+v", id, r)
	}
}

func testRetiredConnectors(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	byID(t, s, "a", false)
	for _, id := range []string{"a", "b", "c"} {
		must(t, s.ReplaceConnector(ctx, record(id)))
	}
	for _, id := range []string{"a", "b", "c"} {
		byID(t, s, id, true)
	}
	byID(t, s, "d", false)

	theirs := record("a")
	theirs.TenantID = "t2"
	if err := s.ReplaceConnector(ctx, theirs); !errors.Is(err, routing.ErrIDTaken) {
		t.Errorf("the id of another tenant's retired connector: %v", err)
	}
	must(t, s.ReplaceConnector(ctx, record("a"))) // one's own may be taken up again
	byID(t, s, "a", true)
	byID(t, s, "c", true)
	deleted, err := s.DeleteConnector(ctx, tenant, "a")
	must(t, err)
	equal(t, "deleted", deleted, true)
	byID(t, s, "a", false)
	byID(t, s, "b", true)
}

// Of connectors that replace each other at once, all are known afterwards.
func testConcurrentReplacing(t *testing.T, db Database) {
	const n = 20
	s := open(t, db)
	stores := []*store.Store{s}
	if db.Shared {
		stores = append(stores, open(t, db))
	}
	for _, err := range inParallel(n, func(i int) error {
		return stores[i%len(stores)].ReplaceConnector(t.Context(), record(fmt.Sprint("c", i)))
	}) {
		must(t, err)
	}
	for i := range n {
		byID(t, s, fmt.Sprint("c", i), true)
	}
}

// sent saves a message to an address that a connector has sent.
func sent(t *testing.T, s *store.Store, to, connectorID, providerID string) outbox.Message {
	t.Helper()
	m := message(t, to)
	m.Supersedes = ""
	_, err := s.SaveMessage(t.Context(), m)
	must(t, err)
	must(t, s.RecordOutcome(t.Context(), delivery.Outcome{
		MessageID: m.ID, Status: outbox.Sent, Event: events.Event{Kind: events.Sent, At: start.Add(time.Second)},
		Attempt: &events.Attempt{Number: 1, ConnectorID: connectorID, FactoryID: "f", StartedAt: start, ProviderID: providerID},
	}))
	return m
}

func testFindMessage(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	first := sent(t, s, "Ann@example.com", "c", "p1")
	again := sent(t, s, "ann@example.com", "c", "p1")
	other := sent(t, s, "ann@example.com", "c", "p2")
	elsewhere := sent(t, s, "ann@example.com", "d", "p3")
	sent(t, s, "ann@example.com", "c", "") // the provider told no id
	open := message(t, "bob@example.com")
	_, err := s.SaveMessage(ctx, open)
	must(t, err)
	for name, c := range map[string]struct {
		messageID, providerID, to, tenantID string
		want                                string
	}{
		"by our id":                      {first.ID, "", "ann@example.com", tenant, first.ID},
		"our id goes first":              {first.ID, "p2", "ann@example.com", tenant, first.ID},
		"by the provider's id":           {"", "p2", "ann@example.com", tenant, other.ID},
		"the newest with it":             {"", "p1", "ann@example.com", tenant, again.ID},
		"our id is unknown":              {"lost", "p2", "ann@example.com", tenant, other.ID},
		"our id, another recipient":      {first.ID, "", "bob@example.com", tenant, ""},
		"provider's, another recipient":  {"", "p1", "bob@example.com", tenant, ""},
		"our id, another tenant":         {first.ID, "", "ann@example.com", "t2", ""},
		"provider's id, another tenant":  {"", "p1", "ann@example.com", "t2", ""},
		"provider's, another connector":  {"", "p3", "ann@example.com", tenant, ""},
		"our id, from another connector": {elsewhere.ID, "", "ann@example.com", tenant, elsewhere.ID},
		"no id":                          {"", "", "ann@example.com", tenant, ""},
		"not sent yet":                   {open.ID, "", "bob@example.com", tenant, open.ID},
	} {
		m, ok, err := s.FindMessage(ctx, events.Sought{
			TenantID: c.tenantID, ConnectorID: "c", MessageID: c.messageID, ProviderID: c.providerID, To: c.to,
		})
		must(t, err)
		equal(t, name+": found", ok, c.want != "")
		if ok {
			equal(t, name, m.ID, c.want)
		}
	}
	m, _, err := s.FindMessage(ctx, events.Sought{TenantID: tenant, MessageID: first.ID, To: "ann@example.com"})
	must(t, err)
	if m.To != first.To || m.CreatedAt != first.CreatedAt || m.Type != first.Type || m.Payload != nil {
		t.Errorf("found %+v", m)
	}
	for name, c := range map[string]struct {
		tenantID, to string
		since        time.Time
		want         bool
	}{
		"open": {tenant, "bob@example.com", start, true}, "ended": {tenant, "ann@example.com", start, false},
		"another tenant": {"t2", "bob@example.com", start, false}, "before": {tenant, "bob@example.com", time.Now().Add(time.Hour), false},
	} {
		got, err := s.UnderWay(ctx, c.tenantID, c.to, c.since)
		must(t, err)
		equal(t, "under way: "+name, got, c.want)
	}
}

// reported is an event on a message, and what it suppresses if it is a
// bounce.
func reported(m outbox.Message, mark string, kind events.Kind, after time.Duration) events.Reported {
	r := events.Reported{
		Mark: mark, MessageID: m.ID, Limit: 100,
		Event: events.Event{Kind: kind, At: start.Add(after), Detail: "because of " + mark, Source: "f"},
	}
	if kind == events.Bounced {
		r.Event.Bounce = events.Hard
		r.Suppress = &suppression.Entry{
			TenantID: tenant, Address: m.To, Scope: suppression.All, Reason: suppression.Bounced, Detail: mark, MessageID: m.ID, CreatedAt: start,
		}
	}
	return r
}

func testReports(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	m, other := sent(t, s, "Ann@example.com", "c", "p"), sent(t, s, "bob@example.com", "c", "p")
	take := func(list ...events.Reported) string {
		t.Helper()
		outcomes, err := s.RecordReports(ctx, start, list)
		must(t, err)
		return fmt.Sprint(outcomes)
	}
	late, early := reported(m, "z", events.Bounced, time.Hour), reported(m, "a", events.Delivered, time.Minute)
	equal(t, "a batch", take(late, early, late, reported(other, "o", events.Deferred, time.Minute)), "[suppressed stored repeated stored]")
	equal(t, "again", take(early, reported(m, "b", events.Bounced, time.Hour)), "[repeated stored]") // the address is suppressed already
	full := reported(m, "full", events.Other, 2*time.Hour)
	full.Limit = 4
	equal(t, "no more", take(full), "[excess]")
	full.Mark, full.Limit = "fuller", 5
	equal(t, "one more", take(full), "[stored]")

	story, err := s.Story(ctx, tenant, m.ID)
	must(t, err)
	var kinds []string
	for _, e := range story.Events {
		kinds = append(kinds, string(e.Kind)+string(e.Bounce)+e.Source)
	}
	equal(t, "story", fmt.Sprint(kinds), "[accepted sent deliveredf bouncedhardf bouncedhardf otherf]")
	equal(t, "time", story.Events[2].At, start.Add(time.Minute))
	equal(t, "detail", story.Events[2].Detail, "because of a")
	e, ok, err := s.Suppression(ctx, tenant, "ann@example.com")
	must(t, err)
	if !ok || e != *late.Suppress {
		t.Errorf("suppression %+v", e)
	}
}

// One event that two nodes hear of many times, alone and in batches of
// different order, counts once.
func testConcurrentReports(t *testing.T, db Database) {
	s := open(t, db)
	stores := []*store.Store{s}
	if db.Shared {
		stores = append(stores, open(t, db))
	}
	var list []events.Reported
	for i := range 10 {
		m := sent(t, s, fmt.Sprintf("ann%d@example.com", i), "c", "p")
		list = append(list, reported(m, fmt.Sprint("mark", i), events.Bounced, time.Minute))
	}
	all := make([][]events.Outcome, 20)
	for _, err := range inParallel(len(all), func(i int) (err error) {
		batch := append(append([]events.Reported(nil), list[i%10:]...), list[:i%10]...)
		all[i], err = stores[i%len(stores)].RecordReports(t.Context(), start, batch)
		return err
	}) {
		must(t, err)
	}
	count := map[events.Outcome]int{}
	for _, outcomes := range all {
		for _, o := range outcomes {
			count[o]++
		}
	}
	equal(t, "outcomes", fmt.Sprint(count), "map[repeated:190 suppressed:10]")
	for _, r := range list {
		story, err := s.Story(t.Context(), tenant, r.MessageID)
		must(t, err)
		equal(t, "events", len(story.Events), 3)
	}
}

func testReportsAllOrNone(t *testing.T, db Database) {
	s := open(t, db)
	m := sent(t, s, "ann@example.com", "c", "p")
	broken := reported(m, "broken", events.Bounced, time.Minute)
	broken.Suppress.TenantID = "nobody" // refers to no tenant
	good := reported(m, "good", events.Delivered, time.Minute)
	if _, err := s.RecordReports(t.Context(), start, []events.Reported{good, broken}); err == nil {
		t.Fatal("a broken batch was stored")
	}
	outcomes, err := s.RecordReports(t.Context(), start, []events.Reported{good})
	must(t, err)
	equal(t, "afterwards", outcomes[0], events.Stored)
}

func testNonces(t *testing.T, db Database) {
	s := open(t, db)
	claim := func(nonce, callback string) bool {
		t.Helper()
		ok, err := s.ClaimNonce(t.Context(), nonce, callback, start)
		must(t, err)
		return ok
	}
	equal(t, "first", claim("n", "n+a"), true)
	equal(t, "repeated", claim("n", "n+a"), true)
	equal(t, "with another callback", claim("n", "n+b"), false)
	equal(t, "and again", claim("n", "n+b"), false)
	equal(t, "another nonce", claim("m", "m+b"), true)
	won := make([]bool, 20)
	for _, err := range inParallel(len(won), func(i int) (err error) {
		won[i], err = s.ClaimNonce(t.Context(), "race", fmt.Sprint("race+", i), start)
		return err
	}) {
		must(t, err)
	}
	winners := 0
	for _, ok := range won {
		if ok {
			winners++
		}
	}
	equal(t, "winners", winners, 1)
}

func testPruneCallbacks(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	m := sent(t, s, "ann@example.com", "c", "p")
	report := reported(m, "mark", events.Delivered, time.Minute)
	_, err := s.RecordReports(ctx, start, []events.Reported{report})
	must(t, err)
	must(t, s.ReplaceConnector(ctx, record("a")))
	must(t, s.ReplaceConnector(ctx, record("b"))) // retires a at start
	repeated := func() events.Outcome {
		t.Helper()
		outcomes, err := s.RecordReports(ctx, start, []events.Reported{report})
		must(t, err)
		return outcomes[0]
	}
	for _, c := range []struct {
		after   time.Duration
		retired bool
		outcome events.Outcome
	}{
		{routing.KeepRetired - time.Millisecond, true, events.Repeated},
		{routing.KeepRetired, false, events.Repeated},
		{events.KeepMarks - time.Millisecond, false, events.Repeated},
		{events.KeepMarks, false, events.Stored},
	} {
		_, err := s.Prune(ctx, start.Add(c.after))
		must(t, err)
		byID(t, s, "a", c.retired)
		equal(t, fmt.Sprint("after ", c.after), repeated(), c.outcome)
	}
	byID(t, s, "b", true)
}
