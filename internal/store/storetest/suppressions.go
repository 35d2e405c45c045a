package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/tenants"
)

func suppressed(email string, scope suppression.Scope, reason suppression.Reason, after time.Duration) suppression.Entry {
	return suppression.Entry{
		TenantID: tenant, Address: email, Scope: scope, Reason: reason, Detail: "detail", MessageID: "m", CreatedAt: start.Add(after),
	}
}

func testSuppressions(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	has := func(want bool) {
		t.Helper()
		got, err := s.HasSuppressions(ctx, tenant)
		must(t, err)
		equal(t, "has any", got, want)
	}
	has(false)
	ann := suppressed("Ann@example.com", suppression.All, suppression.Bounced, 0)
	must(t, s.AddSuppression(ctx, ann))
	for i, email := range []string{"b_b@example.com", "bxb@example.com", `c\d@example.org`} {
		must(t, s.PutSuppression(ctx, suppressed(email, suppression.Strangers, suppression.Manual, time.Duration(i+1)*time.Second)))
	}
	has(true)
	got, ok, err := s.Suppression(ctx, tenant, "ann@example.com")
	must(t, err)
	if !ok || got != ann {
		t.Errorf("entry %+v", got)
	}
	_, ok, err = s.Suppression(ctx, tenant, "Ann@example.com")
	must(t, err)
	equal(t, "found by what is no key", ok, false)

	for name, c := range map[string]struct {
		filter suppression.Filter
		want   string
		total  int
	}{
		"all":           {suppression.Filter{}, `c\d@example.org bxb@example.com b_b@example.com Ann@example.com`, 4},
		"page":          {suppression.Filter{Limit: 2, Offset: 1}, `bxb@example.com b_b@example.com`, 4},
		"email":         {suppression.Filter{Email: "ann@example.com"}, `Ann@example.com`, 1},
		"part of email": {suppression.Filter{Email: "ann@"}, ``, 0},
		"search":        {suppression.Filter{Search: "example.com", Limit: 1}, `bxb@example.com`, 3},
		"underscore":    {suppression.Filter{Search: "b_b"}, `b_b@example.com`, 1},
		"per cent":      {suppression.Filter{Search: "%"}, ``, 0},
		"backslash":     {suppression.Filter{Search: `c\d`}, `c\d@example.org`, 1},
		"both":          {suppression.Filter{Search: "ann", Email: "bxb@example.com"}, ``, 0},
	} {
		list, total, err := s.ListSuppressions(ctx, tenant, c.filter)
		must(t, err)
		var emails []string
		for _, e := range list {
			emails = append(emails, e.Address)
		}
		equal(t, name, strings.Join(emails, " "), c.want)
		equal(t, name+": total", total, c.total)
	}

	for _, want := range []bool{true, false} {
		deleted, err := s.DeleteSuppression(ctx, tenant, "ann@example.com")
		must(t, err)
		equal(t, "deleted", deleted, want)
	}
}

// What the service finds by itself never weakens an entry, and never takes the
// place of a person's; a person's takes every place.
func testOutrankedSuppressions(t *testing.T, db Database) {
	s := open(t, db)
	stores := []*store.Store{s}
	if db.Shared {
		stores = append(stores, open(t, db))
	}
	ctx := t.Context()
	complaint := suppressed("ann@example.com", suppression.Strangers, suppression.Complained, 0)
	bounce := suppressed("ANN@example.com", suppression.All, suppression.Bounced, time.Second)
	expect := func(what string, want suppression.Entry) {
		t.Helper()
		got, _, err := s.Suppression(ctx, tenant, "ann@example.com")
		must(t, err)
		equal(t, what, got, want)
	}
	must(t, s.AddSuppression(ctx, complaint))
	later := complaint
	later.CreatedAt = start.Add(time.Hour)
	must(t, s.AddSuppression(ctx, later))
	expect("the same again", complaint)
	must(t, s.AddSuppression(ctx, bounce))
	expect("a stronger one", bounce)
	must(t, s.AddSuppression(ctx, later))
	expect("a weaker one", bounce)
	manual := suppressed("ann@example.com", suppression.Strangers, suppression.Manual, time.Minute)
	must(t, s.PutSuppression(ctx, manual))
	expect("by hand", manual)
	must(t, s.AddSuppression(ctx, bounce))
	expect("a person's decision", manual)

	// In any order, the strongest stands.
	for _, err := range inParallel(30, func(i int) error {
		e := suppressed("bob@example.com", suppression.Strangers, suppression.Complained, 0)
		if i%10 == 5 {
			e.Scope, e.Reason = suppression.All, suppression.Bounced
		}
		return stores[i%len(stores)].AddSuppression(ctx, e)
	}) {
		must(t, err)
	}
	got, _, err := s.Suppression(ctx, tenant, "bob@example.com")
	must(t, err)
	equal(t, "after a race", fmt.Sprint(got.Scope, got.Reason), fmt.Sprint(suppression.All, suppression.Bounced))
}

func testSuppressionTenants(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	mine := suppressed("ann@example.com", suppression.All, suppression.Bounced, 0)
	must(t, s.AddSuppression(ctx, mine))
	has, err := s.HasSuppressions(ctx, "t2")
	must(t, err)
	_, found, err := s.Suppression(ctx, "t2", "ann@example.com")
	must(t, err)
	list, total, err := s.ListSuppressions(ctx, "t2", suppression.Filter{})
	must(t, err)
	deleted, err := s.DeleteSuppression(ctx, "t2", "ann@example.com")
	must(t, err)
	if has || found || deleted || len(list)+total > 0 {
		t.Errorf("another tenant sees it: %v %v %v %v", has, found, deleted, list)
	}
	theirs := mine
	theirs.TenantID, theirs.Scope = "t2", suppression.Strangers
	must(t, s.PutSuppression(ctx, theirs))
	got, _, err := s.Suppression(ctx, tenant, "ann@example.com")
	must(t, err)
	equal(t, "mine", got, mine)
}
