package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

// draft makes a template to be put.
func draft(language string, kind connector.TemplateType, subject string) templates.Stored {
	return templates.Stored{
		Language: language, Type: kind,
		Details: templates.Details{Subject: subject, Content: "c", ContentType: connector.TextPlain, ReplyTo: "r", SendFrom: "f"},
	}
}

func change(after time.Duration) templates.Change {
	return templates.Change{At: start.Add(after), By: fmt.Sprint("key ", after)}
}

// put stores templates of the tenant.
func put(t *testing.T, s *store.Store, after time.Duration, list ...templates.Stored) []templates.Stored {
	t.Helper()
	stored, err := putOver(t.Context(), s, tenant, list, change(after))
	must(t, err)
	return stored
}

// putOver stores templates in the place of whatever there is.
func putOver(
	ctx context.Context, s *store.Store, tenantID string, list []templates.Stored, c templates.Change,
) ([]templates.Stored, error) {
	for {
		keys, err := s.TemplateKeys(ctx, tenantID)
		if err != nil {
			return nil, err
		}
		drafts := slices.Clone(list)
		for i := range drafts {
			for _, k := range keys {
				if strings.EqualFold(k.Language, drafts[i].Language) && k.Type == drafts[i].Type {
					drafts[i].Version = k.Version
				}
			}
		}
		if stored, ok, err := s.PutTemplates(ctx, tenantID, drafts, c); err != nil || ok {
			return stored, err
		}
	}
}

func revision(t *testing.T, s *store.Store, tenantID string) int64 {
	t.Helper()
	n, err := s.TemplateRevision(t.Context(), tenantID)
	must(t, err)
	return n
}

// tags are templates by language, type and subject.
func tags(list []templates.Stored) string {
	var text strings.Builder
	for _, t := range list {
		fmt.Fprintf(&text, "%s:%s:%s ", t.Language, t.Type, t.Details.Subject)
	}
	return text.String()
}

func testPutTemplates(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	first := put(t, s, 0, draft("fr", connector.SignIn, "a"), draft("de", connector.SignIn, "b"), draft("de", connector.Generic, "c"))
	equal(t, "in the order given", tags(first), "fr:SignIn:a de:SignIn:b de:Generic:c ")
	one := first[0]
	if one.ID == "" || one.TenantID != tenant || one.Version != 1 || one.CreatedAt != start || one.UpdatedAt != start || one.UpdatedBy != "key 0s" {
		t.Errorf("put %+v", one)
	}
	again := put(t, s, time.Second, draft("FR", connector.SignIn, "a2"), draft("de", connector.SignIn, "b"))
	got := again[0]
	if got.ID != one.ID || got.CreatedAt != start || got.UpdatedAt != start.Add(time.Second) || got.Version != 2 || got.UpdatedBy != "key 1s" {
		t.Errorf("replaced %+v", got)
	}
	equal(t, "spelling of its language", got.Language, "fr")
	equal(t, "version of one that stays as it is", again[1].Version, 1)

	read, ok, err := s.Template(ctx, tenant, one.ID)
	must(t, err)
	if !ok || read != got {
		t.Errorf("read %+v, put %+v", read, got)
	}
	for f, want := range map[templates.Filter]string{
		{}:                       "de:Generic:c de:SignIn:b fr:SignIn:a2 ",
		{Language: "DE"}:         "de:Generic:c de:SignIn:b ",
		{Type: connector.SignIn}: "de:SignIn:b fr:SignIn:a2 ",
		{Language: "De", Type: connector.Generic}: "de:Generic:c ",
		{Language: "nl", Type: connector.Generic}: "",
		{Type: connector.BindMfa}:                 "",
		{Language: "d%"}:                          "",
		{Language: "de' OR '1'='1"}:               "",
		{Type: "Generic' OR 'a'='a"}:              "",
	} {
		list, err := s.ListTemplates(ctx, tenant, f)
		must(t, err)
		equal(t, fmt.Sprintf("list of %+v", f), tags(list), want)
	}
	keys, err := s.TemplateKeys(ctx, tenant)
	must(t, err)
	equal(t, "keys", tags(keys), "de:Generic: de:SignIn: fr:SignIn: ")
	if keys[2].ID != one.ID || keys[2].Version != 2 {
		t.Errorf("key %+v", keys[2])
	}
}

// A put that fails leaves nothing behind.
func testPutAllOrNothing(t *testing.T, db Database) {
	s := open(t, db)
	put(t, s, 0, draft("en", connector.SignIn, "old"))
	before := revision(t, s, tenant)
	broken := draft("fr", connector.SignIn, "fr")
	broken.ID = newID(t)
	twin := draft("it", connector.SignIn, "it")
	twin.ID, twin.Version = broken.ID, 0 // the version is there already
	_, err := putOver(t.Context(), s, tenant, []templates.Stored{draft("en", connector.SignIn, "new"), broken, twin}, change(time.Second))
	if err == nil {
		t.Error("a broken put succeeded")
	}
	equal(t, "revision after a broken put", revision(t, s, tenant), before)
	for _, version := range []int{0, 2} {
		stale := draft("en", connector.SignIn, "new")
		stale.Version = version
		_, ok, err := s.PutTemplates(t.Context(), tenant, []templates.Stored{draft("fr", connector.SignIn, "fr"), stale}, change(time.Second))
		must(t, err)
		equal(t, fmt.Sprintf("put over version %d", version), ok, false)
	}
	list, err := s.ListTemplates(t.Context(), tenant, templates.Filter{})
	must(t, err)
	equal(t, "after a broken put", tags(list), "en:SignIn:old ")
	versions, err := s.TemplateVersions(t.Context(), tenant, list[0].ID)
	must(t, err)
	equal(t, "versions after a broken put", len(versions), 1)
}

func testTemplateVersions(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	one := put(t, s, 0, draft("en", connector.SignIn, "v1"))[0]
	const more = templates.KeptVersions + 5
	for i := 2; i <= more; i++ {
		one = put(t, s, time.Duration(i), draft("en", connector.SignIn, fmt.Sprint("v", i)))[0]
	}
	equal(t, "version", one.Version, more)
	list, err := s.TemplateVersions(ctx, tenant, one.ID)
	must(t, err)
	equal(t, "versions kept", len(list), templates.KeptVersions)
	for i, v := range list {
		number := more - i
		if v.Number != number || v.Details.Subject != fmt.Sprint("v", number) || v.By != fmt.Sprint("key ", time.Duration(number)) {
			t.Fatalf("version %d: %+v", number, v)
		}
	}

	stale := one
	stale.Version--
	stale.Details.Subject = "stale"
	_, ok, err := s.UpdateTemplate(ctx, stale, change(time.Hour))
	must(t, err)
	equal(t, "update of a stale version", ok, false)
	one.Details.Subject = "updated"
	updated, ok, err := s.UpdateTemplate(ctx, one, change(time.Hour))
	must(t, err)
	if !ok || updated.Version != more+1 || updated.Details.Subject != "updated" || updated.UpdatedAt != start.Add(time.Hour) || updated.CreatedAt != start {
		t.Errorf("updated %v %+v", ok, updated)
	}
	stored, _, err := s.Template(ctx, tenant, one.ID)
	must(t, err)
	equal(t, "stored after the update", stored, updated)
	gone := one
	gone.ID = newID(t)
	_, ok, err = s.UpdateTemplate(ctx, gone, change(time.Hour))
	must(t, err)
	equal(t, "update of one that is not there", ok, false)
}

func testDeleteTemplates(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	list := put(t, s, 0, draft("de", connector.SignIn, ""), draft("de", connector.Generic, ""), draft("fr", connector.SignIn, ""), draft("fr", connector.Generic, ""))
	id := list[0].ID
	ok, err := s.DeleteTemplates(ctx, tenant, id, list[3].ID)
	must(t, err)
	equal(t, "deleted", ok, true)
	ok, err = s.DeleteTemplates(ctx, tenant, list[1].ID, id)
	must(t, err)
	equal(t, "deleted with one that is gone", ok, false)
	_, ok, err = s.Template(ctx, tenant, id)
	must(t, err)
	equal(t, "found after its end", ok, false)
	rest, err := s.ListTemplates(ctx, tenant, templates.Filter{})
	must(t, err)
	equal(t, "left", tags(rest), "de:Generic: fr:SignIn: ")
	// Its versions went with it: one with the same id begins anew.
	reborn := draft("de", connector.SignIn, "reborn")
	reborn.ID = id
	put(t, s, time.Second, reborn)
	versions, err := s.TemplateVersions(ctx, tenant, id)
	must(t, err)
	equal(t, "versions", len(versions), 1)
}

// Each change makes the revision another one, of its tenant alone.
func testTemplateRevision(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	var one templates.Stored
	last := revision(t, s, tenant)
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"put", func() error { one = put(t, s, 0, draft("en", connector.SignIn, "a"))[0]; return nil }},
		{"replace", func() error { one = put(t, s, 1, draft("en", connector.SignIn, "b"))[0]; return nil }},
		{"update", func() error { _, _, err := s.UpdateTemplate(ctx, one, change(2)); return err }},
		{"delete", func() error { _, err := s.DeleteTemplates(ctx, tenant, one.ID); return err }},
		{"put a partial", func() error { return s.PutPartial(ctx, tenant, templates.Partial{Name: "p"}) }},
		{"delete a partial", func() error { _, err := s.DeletePartial(ctx, tenant, "p", mayGo); return err }},
	} {
		must(t, step.do())
		now := revision(t, s, tenant)
		if now <= last {
			t.Errorf("%s: revision %d after %d", step.name, now, last)
		}
		last = now
	}
	equal(t, "another tenant's revision", revision(t, s, "t2"), 0)
}

// mayGo lets every partial be deleted.
func mayGo([]templates.Stored, []templates.Partial) error { return nil }

// Another tenant sees nothing, and changes nothing.
func testTemplateTenants(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	one := put(t, s, 0, draft("en", connector.SignIn, "mine"))[0]
	must(t, s.PutPartial(ctx, tenant, templates.Partial{Name: "p", Content: "mine"}))

	list, err := s.ListTemplates(ctx, "t2", templates.Filter{})
	must(t, err)
	keys, err := s.TemplateKeys(ctx, "t2")
	must(t, err)
	versions, err := s.TemplateVersions(ctx, "t2", one.ID)
	must(t, err)
	partials, err := s.ListPartials(ctx, "t2")
	must(t, err)
	_, found, err := s.Template(ctx, "t2", one.ID)
	must(t, err)
	if len(list)+len(keys)+len(versions)+len(partials) > 0 || found {
		t.Errorf("another tenant sees %v %v %v %v %v", list, keys, versions, partials, found)
	}
	theirs := one
	theirs.TenantID = "t2"
	_, updated, err := s.UpdateTemplate(ctx, theirs, change(1))
	must(t, err)
	deleted, err := s.DeleteTemplates(ctx, "t2", one.ID)
	must(t, err)
	gone, err := s.DeletePartial(ctx, "t2", "p", mayGo)
	must(t, err)
	if updated || deleted || gone {
		t.Errorf("another tenant changed it: %v %v %v", updated, deleted, gone)
	}
	other, err := putOver(ctx, s, "t2", []templates.Stored{draft("en", connector.SignIn, "theirs")}, change(1))
	must(t, err)
	if other[0].ID == one.ID {
		t.Error("tenants share a template")
	}
	mine, _, err := s.Template(ctx, tenant, one.ID)
	must(t, err)
	equal(t, "mine", mine, one)
}

// Puts of one key at once are one template with a version for each.
func testConcurrentPuts(t *testing.T, db Database) {
	const n = 20
	s := open(t, db)
	stores := []*store.Store{s}
	if db.Shared {
		stores = append(stores, open(t, db))
	}
	for _, err := range inParallel(n, func(i int) error {
		language := []string{"pt-BR", "PT-br"}[i%2]
		_, err := putOver(t.Context(), stores[i%len(stores)], tenant, []templates.Stored{
			draft(language, connector.SignIn, fmt.Sprint(i)), draft(language, connector.Generic, fmt.Sprint(i)),
		}, change(0))
		return err
	}) {
		must(t, err)
	}
	list, err := s.ListTemplates(t.Context(), tenant, templates.Filter{})
	must(t, err)
	equal(t, "templates", len(list), 2)
	for _, one := range list {
		versions, err := s.TemplateVersions(t.Context(), tenant, one.ID)
		must(t, err)
		if one.Version != n || len(versions) != n {
			t.Errorf("version %d, %d kept, want %d", one.Version, len(versions), n)
		}
	}
	equal(t, "both of one put", list[0].Details.Subject, list[1].Details.Subject)

	var updated int
	results := make([]bool, n)
	for _, err := range inParallel(n, func(i int) error {
		one := list[0]
		one.Details.Subject = fmt.Sprint("updated ", i)
		_, ok, err := stores[i%len(stores)].UpdateTemplate(t.Context(), one, change(1))
		results[i] = ok
		return err
	}) {
		must(t, err)
	}
	for _, ok := range results {
		if ok {
			updated++
		}
	}
	equal(t, "updates of one version", updated, 1)
}

func testPartials(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	one := put(t, s, 0, draft("en", connector.SignIn, "a"))[0]
	footer := templates.Partial{Name: "footer", Content: "one", UpdatedAt: start, UpdatedBy: "k1"}
	must(t, s.PutPartial(ctx, tenant, footer))
	must(t, s.PutPartial(ctx, tenant, templates.Partial{Name: "Footer", Content: "x", UpdatedAt: start, UpdatedBy: "k1"}))
	footer.Content, footer.UpdatedAt, footer.UpdatedBy = "two", start.Add(time.Second), "k2"
	must(t, s.PutPartial(ctx, tenant, footer))
	list, err := s.ListPartials(ctx, tenant)
	must(t, err)
	if len(list) != 2 || list[0].Name != "Footer" || list[1] != footer {
		t.Errorf("partials %+v", list)
	}
	refusal := errors.New("in use")
	_, err = s.DeletePartial(ctx, tenant, "footer", func(all []templates.Stored, partials []templates.Partial) error {
		if len(all) != 1 || all[0] != one || len(partials) != 2 {
			t.Errorf("refusing by %+v, %+v", all, partials)
		}
		return refusal
	})
	if !errors.Is(err, refusal) {
		t.Errorf("refused with %v", err)
	}
	for name, want := range map[string]bool{"footer": true, "FOOTER": false, "nothing": false} {
		ok, err := s.DeletePartial(ctx, tenant, name, mayGo)
		must(t, err)
		equal(t, "deleted "+name, ok, want)
	}
	list, err = s.ListPartials(ctx, tenant)
	must(t, err)
	equal(t, "left", len(list), 1)
}

func testSettings(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	settings := func(tenantID string) string {
		t.Helper()
		text, err := s.TenantSettings(ctx, tenantID)
		must(t, err)
		return text
	}
	equal(t, "at first", settings(tenant), "{}")
	won := make([]bool, 20)
	for _, err := range inParallel(len(won), func(i int) (err error) {
		won[i], err = s.SetTenantSettings(ctx, tenant, fmt.Sprintf(`{"x":%d}`, i), "{}")
		return err
	}) {
		must(t, err)
	}
	winners := 0
	for i, ok := range won {
		if ok {
			winners++
			equal(t, "the winner's", settings(tenant), fmt.Sprintf(`{"x":%d}`, i))
		}
	}
	equal(t, "winners", winners, 1)
	equal(t, "another tenant's", settings("t2"), "{}")
	equal(t, "of no tenant", settings("nobody"), "{}")
}
