package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/inbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

// audited is a change that carries an entry.
type audited struct {
	name string
	// do makes the change; ok is false when it found nothing to change.
	do func(ctx context.Context) (ok bool, err error)
	// made reports whether the change is there.
	made func() bool
	// once: doing it again finds nothing to change.
	once bool
}

func always(err error) (bool, error) { return err == nil, err }

// auditedKeys are changes of keys, in an order in which each is possible.
func auditedKeys(t *testing.T, s *store.Store) []audited {
	t.Helper()
	ctx := t.Context()
	k := access.Key{
		ID: newID(t), TenantID: tenant, Name: "a", Scopes: []access.Scope{access.Management}, Hash: []byte("hash"), CreatedAt: start,
	}
	renamed := k
	renamed.Name = "b"
	stored := func() access.Key {
		t.Helper()
		got, _, err := s.Key(ctx, k.ID)
		must(t, err)
		return got
	}
	return []audited{
		{"make a key", func(ctx context.Context) (bool, error) { return always(s.InsertKey(ctx, k)) },
			func() bool { return stored().ID == k.ID }, false},
		{"rename a key", func(ctx context.Context) (bool, error) { return s.UpdateKey(ctx, renamed, k) },
			func() bool { return stored().Name == "b" }, true},
		{"revoke a key", func(ctx context.Context) (bool, error) { return s.RevokeKey(ctx, tenant, k.ID, start) },
			func() bool { return !stored().RevokedAt.IsZero() }, true},
	}
}

func auditedConnectors(t *testing.T, s *store.Store) []audited {
	t.Helper()
	ctx := t.Context()
	versions := func() string {
		t.Helper()
		list, err := s.Connectors(ctx, tenant)
		must(t, err)
		var text strings.Builder
		for _, r := range list {
			text.WriteString(r.Version + " ")
		}
		return text.String()
	}
	fallback := connectorRecord("fallback", "f", "f1")
	fallback.Slot = 1
	return []audited{
		{"set a connector", func(ctx context.Context) (bool, error) {
			return always(s.ReplaceConnector(ctx, connectorRecord("a", "f", "v1")))
		}, func() bool { return versions() == "v1 " }, false},
		{"change a connector", func(ctx context.Context) (bool, error) {
			return s.UpdateConnector(ctx, connectorRecord("a", "f", "v2"), "v1")
		}, func() bool { return versions() == "v2 " }, true},
		{"set fallbacks", func(ctx context.Context) (bool, error) {
			return s.ReplaceFallbacks(ctx, tenant, []routing.Record{fallback}, nil)
		}, func() bool { return versions() == "v2 f1 " }, true},
		{"delete a connector", func(ctx context.Context) (bool, error) { return s.DeleteConnector(ctx, tenant, "a") },
			func() bool { return versions() == "f1 " }, true},
	}
}

func auditedTemplates(t *testing.T, s *store.Store) []audited {
	t.Helper()
	ctx := t.Context()
	one := draft("en", connector.SignIn, "old")
	one.ID = newID(t)
	changed := draft("en", connector.SignIn, "new")
	changed.ID, changed.TenantID, changed.Version = one.ID, tenant, 1
	subjects := func() string {
		t.Helper()
		list, err := s.ListTemplates(ctx, tenant, templates.Filter{})
		must(t, err)
		return tags(list)
	}
	partials := func() int {
		t.Helper()
		list, err := s.ListPartials(ctx, tenant)
		must(t, err)
		return len(list)
	}
	return []audited{
		{"put a template", func(ctx context.Context) (bool, error) {
			_, ok, err := s.PutTemplates(ctx, tenant, []templates.Stored{one}, change(0))
			return ok, err
		}, func() bool { return subjects() == "en:SignIn:old " }, true},
		{"change a template", func(ctx context.Context) (bool, error) {
			_, ok, err := s.UpdateTemplate(ctx, changed, change(1))
			return ok, err
		}, func() bool { return subjects() == "en:SignIn:new " }, true},
		{"delete a template", func(ctx context.Context) (bool, error) { return s.DeleteTemplates(ctx, tenant, one.ID) },
			func() bool { return subjects() == "" }, true},
		{"put a partial", func(ctx context.Context) (bool, error) {
			return always(s.PutPartial(ctx, tenant, templates.Partial{Name: "p"}))
		}, func() bool { return partials() == 1 }, false},
		{"delete a partial", func(ctx context.Context) (bool, error) { return s.DeletePartial(ctx, tenant, "p", mayGo) },
			func() bool { return partials() == 0 }, true},
	}
}

func auditedOthers(t *testing.T, s *store.Store) []audited {
	t.Helper()
	ctx := t.Context()
	settings := func() string {
		t.Helper()
		text, err := s.TenantSettings(ctx, tenant)
		must(t, err)
		return text
	}
	suppressions := func() bool {
		t.Helper()
		has, err := s.HasSuppressions(ctx, tenant)
		must(t, err)
		return has
	}
	mails := func() int {
		t.Helper()
		_, total, err := s.ListMails(ctx, tenant, "", 0, 0)
		must(t, err)
		return total
	}
	must(t, s.InsertMail(ctx, inbox.Mail{ID: newID(t), TenantID: tenant, MessageID: "m", To: "a@example.com", Raw: []byte("raw")}, 10))
	theirs := connectorRecord("of-dev", "f", "v1")
	theirs.TenantID = "dev"
	return []audited{
		{"change settings", func(ctx context.Context) (bool, error) {
			return s.SetTenantSettings(ctx, tenant, `{"a":1}`, "{}")
		}, func() bool { return settings() == `{"a":1}` }, true},
		{"suppress", func(ctx context.Context) (bool, error) {
			return always(s.PutSuppression(ctx, suppressed("ann@example.com", suppression.All, suppression.Manual, 0)))
		}, suppressions, false},
		{"lift", func(ctx context.Context) (bool, error) { return s.DeleteSuppression(ctx, tenant, "ann@example.com") },
			func() bool { return !suppressions() }, true},
		{"clear the inbox", func(ctx context.Context) (bool, error) {
			before := mails()
			return before > 0, s.DeleteMails(ctx, tenant)
		}, func() bool { return mails() == 0 }, true},
		{"make a tenant", func(ctx context.Context) (bool, error) {
			return always(s.InsertTenant(ctx, tenants.Tenant{ID: "dev", Name: "D", CreatedAt: start}, theirs))
		}, func() bool {
			_, ok, err := s.Tenant(ctx, "dev")
			must(t, err)
			return ok
		}, false},
	}
}

// A change and the entry that tells of it are stored together: where the entry
// cannot be stored the change is not made, and where there is nothing to
// change there is no entry.
func testAuditedChanges(t *testing.T, db Database) {
	s := open(t, db)
	tell := func(name, tenantID string) context.Context {
		t.Helper()
		ctx, err := audit.Tell(audit.By(t.Context(), "key"), start, audit.Change{TenantID: tenantID, Action: "thing.changed", Subject: name})
		must(t, err)
		return ctx
	}
	entries := func(name string) int {
		t.Helper()
		list, total, err := s.AuditEntries(t.Context(), tenant, audit.Filter{Subject: name})
		must(t, err)
		equal(t, name+": total", total, len(list))
		return total
	}
	var changes []audited
	for _, group := range []func(*testing.T, *store.Store) []audited{auditedKeys, auditedConnectors, auditedTemplates, auditedOthers} {
		changes = append(changes, group(t, s)...)
	}
	for _, c := range changes {
		if _, err := c.do(tell(c.name, "nobody")); err == nil || c.made() {
			t.Errorf("%s: made without its entry: %v", c.name, err)
		}
		ok, err := c.do(tell(c.name, tenant))
		must(t, err)
		if !ok || !c.made() || entries(c.name) != 1 {
			t.Fatalf("%s: ok %v, made %v, %d entries", c.name, ok, c.made(), entries(c.name))
		}
		if !c.once {
			continue
		}
		ok, err = c.do(tell(c.name, tenant))
		must(t, err)
		if ok || entries(c.name) != 1 {
			t.Errorf("%s again: ok %v, %d entries", c.name, ok, entries(c.name))
		}
	}
	// Those that fail tell of nothing either.
	if err := s.InsertKey(tell("twin", tenant), access.Key{ID: "twin", TenantID: tenant, Hash: []byte("hash")}); err == nil || entries("twin") != 0 {
		t.Errorf("a key that is there already: %v, %d entries", err, entries("twin"))
	}
	if total := entries(""); total != len(changes) {
		t.Errorf("%d entries of %d changes", total, len(changes))
	}
}

func testAuditEntries(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	for i, e := range []struct{ tenantID, actor, action, subject string }{
		{tenant, "key-1", "partial.created", "a"},
		{tenant, "key-2", "partial.updated", "a"},
		{tenant, "key-1", "partial.deleted", "b"},
		{"t2", "key-1", "partial.created", "a"},
	} {
		told, err := audit.Tell(audit.By(ctx, e.actor), start.Add(time.Duration(i)*time.Second), audit.Change{
			TenantID: e.tenantID, Action: audit.Action(e.action), Subject: e.subject, After: map[string]int{"n": i},
		})
		must(t, err)
		must(t, s.PutPartial(told, e.tenantID, templates.Partial{Name: "p"}))
	}
	for name, c := range map[string]struct {
		filter audit.Filter
		want   string // n, newest first
		total  int
	}{
		"all":                {audit.Filter{}, "2 1 0 ", 3},
		"page":               {audit.Filter{Limit: 1, Offset: 1}, "1 ", 3},
		"page past the end":  {audit.Filter{Limit: 1, Offset: 9}, "", 3},
		"actor":              {audit.Filter{Actor: "key-1"}, "2 0 ", 2},
		"action":             {audit.Filter{Action: "partial.updated"}, "1 ", 1},
		"subject":            {audit.Filter{Subject: "a"}, "1 0 ", 2},
		"no pattern":         {audit.Filter{Subject: "%"}, "", 0},
		"actor and subject":  {audit.Filter{Actor: "key-1", Subject: "a"}, "0 ", 1},
		"since, inclusive":   {audit.Filter{Since: start.Add(time.Second)}, "2 1 ", 2},
		"until, exclusive":   {audit.Filter{Until: start.Add(time.Second)}, "0 ", 1},
		"since and until":    {audit.Filter{Since: start.Add(time.Second), Until: start.Add(2 * time.Second)}, "1 ", 1},
		"all filters":        {audit.Filter{Actor: "key-2", Action: "partial.updated", Subject: "a", Since: start, Until: start.Add(time.Hour), Limit: 5}, "1 ", 1},
		"another's, by time": {audit.Filter{Since: start.Add(3 * time.Second)}, "", 0},
	} {
		list, total, err := s.AuditEntries(ctx, tenant, c.filter)
		must(t, err)
		var got strings.Builder
		for _, e := range list {
			var n int
			if _, err := fmt.Sscanf(string(e.Details), `{"after":{"n":%d}}`, &n); err != nil {
				t.Fatalf("details %s", e.Details)
			}
			fmt.Fprint(&got, n, " ")
			equal(t, "time", e.At, start.Add(time.Duration(n)*time.Second))
		}
		equal(t, name, got.String(), c.want)
		equal(t, name+": total", total, c.total)
	}
}

// The last use of a key never goes back, whatever node stores its own late.
func testKeysUsed(t *testing.T, db Database) {
	s := open(t, db)
	stores := []*store.Store{s}
	if db.Shared {
		stores = append(stores, open(t, db))
	}
	ctx := t.Context()
	const keys = 5
	for i := range keys {
		must(t, s.InsertKey(ctx, access.Key{ID: fmt.Sprint("k", i), TenantID: tenant, Hash: []byte{byte(i)}, CreatedAt: start}))
	}
	k, ok, err := s.Key(ctx, "k1")
	must(t, err)
	if !ok || k.TenantID != tenant || !k.LastUsedAt.IsZero() {
		t.Errorf("a new key: %+v", k)
	}
	const many = 40
	for _, err := range inParallel(many, func(i int) error {
		uses := make(map[string]time.Time, keys)
		for n := range keys {
			uses[fmt.Sprint("k", n)] = start.Add(time.Duration((i*7+n)%many) * time.Minute)
		}
		return stores[i%len(stores)].KeysUsed(ctx, uses)
	}) {
		must(t, err)
	}
	must(t, s.KeysUsed(ctx, map[string]time.Time{"k1": start, "nobody's": start}))
	must(t, s.KeysUsed(ctx, nil))
	list, err := s.ListKeys(ctx, tenant)
	must(t, err)
	for _, k := range list {
		equal(t, "last use of "+k.ID, k.LastUsedAt, start.Add((many-1)*time.Minute))
	}
	_, ok, err = s.Key(ctx, "nobody's")
	must(t, err)
	equal(t, "a key that is not there", ok, false)
}

func testPruneAudit(t *testing.T, db Database) {
	s := open(t, db)
	ctx, err := audit.Tell(t.Context(), start, audit.Change{TenantID: tenant, Action: "partial.created", Subject: "p"})
	must(t, err)
	must(t, s.PutPartial(ctx, tenant, templates.Partial{Name: "p"}))
	made := time.Now() // which the id tells, whatever the time of the change
	for _, c := range []struct{ days, left int }{{399, 1}, {401, 0}} {
		more, err := s.Prune(t.Context(), made.Add(time.Duration(c.days)*24*time.Hour))
		must(t, err)
		_, left, err := s.AuditEntries(t.Context(), tenant, audit.Filter{})
		must(t, err)
		if left != c.left || more {
			t.Errorf("after %d days: %d left, more %v", c.days, left, more)
		}
	}
}
