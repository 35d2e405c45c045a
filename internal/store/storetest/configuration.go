package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

func connectorRecord(id, factory, version string) routing.Record {
	return routing.Record{
		ID: id, TenantID: tenant, FactoryID: factory, Config: []byte("sealed " + version), Version: version, CreatedAt: start,
	}
}

func stateOf(ctx context.Context, t *testing.T, s *store.Store) configuration.State {
	t.Helper()
	state, err := s.ConfigurationState(ctx, tenant)
	must(t, err)
	return state
}

// delta makes a change of everything that a configuration holds.
func delta(t *testing.T, was configuration.State, version string) configuration.Delta {
	t.Helper()
	at := start.Add(time.Hour)
	entry, err := audit.New(at, "key", audit.ConfigurationPromoted, tenant, tenant, map[string]string{"version": version})
	must(t, err)
	return configuration.Delta{
		Was:        was,
		Connectors: map[int]routing.Record{0: connectorRecord("in-use-"+version, "g", version)},
		Templates:  []templates.Stored{draft("en", connector.SignIn, version), draft("fr", connector.SignIn, version)},
		Partials:   []templates.Partial{{Name: "footer", Content: version}},
		Settings:   `{"version":"` + version + `"}`,
		Change:     templates.Change{At: at, By: "key"},
		Entry:      entry,
	}
}

// dumped is all that a delta can change, as text.
func dumped(t *testing.T, s *store.Store) string {
	t.Helper()
	ctx := t.Context()
	list, err := s.ListTemplates(ctx, tenant, templates.Filter{})
	must(t, err)
	versions := make([][]templates.Version, len(list))
	for i, one := range list {
		versions[i], err = s.TemplateVersions(ctx, tenant, one.ID)
		must(t, err)
	}
	partials, err := s.ListPartials(ctx, tenant)
	must(t, err)
	entries, total, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: 100})
	must(t, err)
	text, err := json.Marshal([]any{stateOf(ctx, t, s), list, versions, partials, entries, total})
	must(t, err)
	return string(text)
}

func testTenants(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	made := tenants.Tenant{ID: "dev", Name: "Development", CreatedAt: start.Add(time.Second)}
	inUse := connectorRecord("c-dev", "f", "v1")
	inUse.TenantID = "dev"
	must(t, s.InsertTenant(ctx, made, inUse))
	got, ok, err := s.Tenant(ctx, "dev")
	must(t, err)
	if !ok || got != made {
		t.Errorf("tenant %+v", got)
	}
	_, ok, err = s.Tenant(ctx, "d%")
	must(t, err)
	equal(t, "unknown tenant", ok, false)
	records, err := s.Connectors(ctx, "dev")
	must(t, err)
	if len(records) != 1 || records[0].ID != "c-dev" || string(records[0].Config) != "sealed v1" {
		t.Errorf("its connectors: %+v", records)
	}

	inUse.ID = "another"
	if err := s.InsertTenant(ctx, made, inUse); !errors.Is(err, tenants.ErrIDTaken) {
		t.Errorf("the same id again: %v", err)
	}
	broken := tenants.Tenant{ID: "broken", Name: "B", CreatedAt: start}
	inUse.ID, inUse.TenantID = "c-dev", "broken" // an id that is taken
	if err := s.InsertTenant(ctx, broken, inUse); err == nil {
		t.Error("a tenant was made without its connector")
	}
	list, err := s.ListTenants(ctx)
	must(t, err)
	if len(list) != 2 || list[0] != made || list[1].ID != tenant {
		t.Errorf("tenants %+v", list)
	}
}

func testConfiguration(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.ReplaceConnector(ctx, connectorRecord("old", "f", "v1")))
	kept := put(t, s, 0, draft("en", connector.SignIn, "old"), draft("de", connector.Generic, "old"))
	must(t, s.PutPartial(ctx, tenant, templates.Partial{Name: "header", Content: "old", UpdatedAt: start}))

	d := delta(t, stateOf(ctx, t, s), "v2")
	d.Connectors[1] = connectorRecord("fallback", "f", "v2")
	d.TemplatesGone = []string{kept[1].ID}
	d.PartialsGone = []string{"header"}
	must(t, s.ChangeConfiguration(ctx, d))

	state := stateOf(ctx, t, s)
	if state.Settings != `{"version":"v2"}` || len(state.Connectors) != 2 || state.Connectors[0].ID != "in-use-v2" ||
		state.Connectors[1].ID != "fallback" || state.Connectors[0].CreatedAt != start || state.Same(d.Was) {
		t.Errorf("state %+v", state)
	}
	list, err := s.ListTemplates(ctx, tenant, templates.Filter{})
	must(t, err)
	equal(t, "templates", tags(list), "en:SignIn:v2 fr:SignIn:v2 ")
	if list[0].ID != kept[0].ID || list[0].Version != 2 || list[0].CreatedAt != start || list[0].UpdatedBy != "key" {
		t.Errorf("a template that was there: %+v", list[0])
	}
	versions, err := s.TemplateVersions(ctx, tenant, list[0].ID)
	must(t, err)
	equal(t, "its versions", len(versions), 2)
	partials, err := s.ListPartials(ctx, tenant)
	must(t, err)
	if len(partials) != 1 || partials[0].Name != "footer" || partials[0].UpdatedBy != "key" || partials[0].UpdatedAt != d.Change.At {
		t.Errorf("partials %+v", partials)
	}
	entries, total, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: 10})
	must(t, err)
	equal(t, "audit entries", total, 1)
	if e := entries[0]; e.ID != d.Entry.ID || e.TenantID != tenant || e.At != d.Entry.At || e.Actor != "key" ||
		e.Action != audit.ConfigurationPromoted || e.Subject != tenant || string(e.Details) != `{"version":"v2"}` {
		t.Errorf("audit entry %+v", e)
	}

	// What a delta does not name stays, and a slot can be emptied.
	must(t, s.ChangeConfiguration(ctx, configuration.Delta{
		Was: state, Connectors: map[int]routing.Record{0: {}}, Change: d.Change, Entry: renamed(d.Entry, newID(t)),
	}))
	after := stateOf(ctx, t, s)
	if len(after.Connectors) != 1 || after.Connectors[1].ID != "fallback" || after.Settings != state.Settings || after.Templates != state.Templates {
		t.Errorf("state %+v", after)
	}
	newest, total, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: 1})
	must(t, err)
	older, _, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: 1, Offset: 1})
	must(t, err)
	if total != 2 || newest[0].ID <= older[0].ID || older[0].ID != d.Entry.ID {
		t.Errorf("audit entries %v, then %v", newest, older)
	}
	_, total, err = s.AuditEntries(ctx, "another", audit.Filter{Limit: 10})
	must(t, err)
	equal(t, "audit entries of another tenant", total, 0)
}

func renamed(e audit.Entry, id string) audit.Entry {
	e.ID = id
	return e
}

// Whatever part of a change fails, nothing of it stays.
func testConfigurationAllOrNothing(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.ReplaceConnector(ctx, connectorRecord("old", "f", "v1")))
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	theirs := connectorRecord("theirs", "f", "v1")
	theirs.TenantID = "t2"
	must(t, s.ReplaceConnector(ctx, theirs))
	put(t, s, 0, draft("en", connector.SignIn, "old"))
	must(t, s.PutPartial(ctx, tenant, templates.Partial{Name: "footer", Content: "old", UpdatedAt: start}))
	first := delta(t, stateOf(ctx, t, s), "v2")
	must(t, s.ChangeConfiguration(ctx, first))
	before := dumped(t, s)

	for name, spoil := range map[string]func(d *configuration.Delta){
		"the last template": func(d *configuration.Delta) {
			one, twin := draft("it", connector.SignIn, "it"), draft("es", connector.SignIn, "es")
			one.ID = newID(t)
			twin.ID = one.ID // its first version is there already
			d.Templates = append(d.Templates, one, twin)
		},
		"the audit entry":       func(d *configuration.Delta) { d.Entry = first.Entry },
		"the id of a connector": func(d *configuration.Delta) { d.Connectors[2] = connectorRecord("theirs", "f", "v3") },
		"the state":             func(d *configuration.Delta) { d.Was = first.Was },
		"the version of a connector": func(d *configuration.Delta) {
			d.Was.Connectors = map[int]routing.Record{0: connectorRecord("in-use-v2", "g", "another")}
		},
		"the settings": func(d *configuration.Delta) { d.Was.Settings = "{}" },
	} {
		d := delta(t, stateOf(ctx, t, s), "v3")
		spoil(&d)
		if err := s.ChangeConfiguration(ctx, d); err == nil {
			t.Fatalf("%s: a broken change succeeded", name)
		}
		if after := dumped(t, s); after != before {
			t.Fatalf("%s: a broken change left something behind:\n%s\n%s", name, before, after)
		}
	}
}

// Of several that change the same configuration at once one is first, and the
// others hear of it.
func testConcurrentConfigurations(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.ReplaceConnector(ctx, connectorRecord("old", "f", "v1")))
	was := stateOf(ctx, t, s)
	const many = 10
	deltas := make([]configuration.Delta, many)
	for i := range deltas {
		deltas[i] = delta(t, was, fmt.Sprint("v", i))
	}
	errs := inParallel(many, func(i int) error { return s.ChangeConfiguration(ctx, deltas[i]) })
	won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
	if won < 0 {
		t.Fatalf("nobody won: %v", errs)
	}
	for i, err := range errs {
		if i != won && !errors.Is(err, configuration.ErrChanged) {
			t.Errorf("change %d: %v", i, err)
		}
	}
	version := fmt.Sprint("v", won)
	state := stateOf(ctx, t, s)
	list, err := s.ListTemplates(ctx, tenant, templates.Filter{})
	must(t, err)
	_, total, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: many})
	must(t, err)
	if state.Connectors[0].Version != version || state.Settings != `{"version":"`+version+`"}` ||
		tags(list) != "en:SignIn:"+version+" fr:SignIn:"+version+" " || total != 1 {
		t.Errorf("not all of change %s: %+v %s, %d audit entries", version, state, tags(list), total)
	}
}

// A change of any part makes another state.
func testConfigurationState(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	must(t, s.ReplaceConnector(ctx, connectorRecord("a", "f", "v1")))
	was := stateOf(ctx, t, s)
	if !was.Same(stateOf(ctx, t, s)) {
		t.Fatal("the same state is another one")
	}
	for _, tt := range []struct {
		name   string
		change func() error
	}{
		{"a template", func() error {
			_, _, err := s.PutTemplates(ctx, tenant, []templates.Stored{draft("en", connector.SignIn, "x")}, change(0))
			return err
		}},
		{"a partial", func() error { return s.PutPartial(ctx, tenant, templates.Partial{Name: "p"}) }},
		{"a connector", func() error {
			_, err := s.UpdateConnector(ctx, connectorRecord("a", "f", "v2"), "v1")
			return err
		}},
		{"another connector", func() error { return s.ReplaceConnector(ctx, connectorRecord("b", "f", "v2")) }},
		{"settings", func() error {
			_, err := s.SetTenantSettings(ctx, tenant, `{"a":1}`, "{}")
			return err
		}},
	} {
		before := stateOf(ctx, t, s)
		must(t, tt.change())
		if before.Same(stateOf(ctx, t, s)) {
			t.Errorf("%s was changed, and the state is the same", tt.name)
		}
	}
	other, err := s.ConfigurationState(ctx, "nobody")
	must(t, err)
	if other.Same(was) {
		t.Error("another tenant is in the same state")
	}
}
