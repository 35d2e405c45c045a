package templates_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

// A change on one node is served by it at once, and by all others within a
// second.
func TestChangesReachOtherNodes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{DataDir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	_, _, err = db.Migrate(ctx)
	must(t, err)
	clock := time.UnixMilli(1_760_000_000_000)
	now := func() time.Time { return clock }
	must(t, db.EnsureTenant(ctx, tenants.Tenant{ID: "t", Name: "T", CreatedAt: clock}))
	here, there := templates.NewService(db, now), templates.NewService(db, now)
	// serves reads what a node has: the subject of a template, and a partial.
	serves := func(s *templates.Service) string {
		t.Helper()
		d, _, err := s.Find(ctx, "t", "EN", connector.SignIn)
		must(t, err)
		languages, err := s.Languages(ctx, "t")
		must(t, err)
		if (len(languages) > 0) != (d.Subject != "") {
			t.Errorf("languages %v with the template %q", languages, d.Subject)
		}
		library, err := s.Library(ctx, "t")
		must(t, err)
		included, err := template.Compile("{{> p}}", template.Options{Library: library})
		must(t, err)
		text, err := included.Render(nil)
		must(t, err)
		return d.Subject + "/" + strings.TrimPrefix(text, "{{> p}}") // to the letter where there is none
	}
	var id string
	was := "/"
	for _, change := range []struct {
		want string
		make func() error
	}{
		{"one/", func() error {
			stored, err := here.Put(ctx, "t", "key", []templates.Draft{
				{Language: "en", Type: connector.SignIn, Details: templates.Details{Subject: "one", Content: "c"}},
			})
			if err == nil {
				id = stored[0].ID
			}
			return err
		}},
		{"two/", func() error {
			_, err := here.Update(ctx, "t", "key", id, func(s templates.Stored) (templates.Details, error) {
				s.Details.Subject = "two"
				return s.Details, nil
			})
			return err
		}},
		{"one/", func() error { _, err := here.Restore(ctx, "t", "key", id, 1); return err }},
		{"one/p", func() error { _, err := here.PutPartial(ctx, "t", "key", "p", "p"); return err }},
		{"one/", func() error { return here.DeletePartial(ctx, "t", "p") }},
		{"/", func() error { return here.Delete(ctx, "t", id) }},
	} {
		// Both have it at hand when the change comes.
		if a, b := serves(here), serves(there); a != was || b != was {
			t.Fatalf("the nodes serve %q and %q, want %q", a, b, was)
		}
		must(t, change.make())
		if got := serves(here); got != change.want {
			t.Errorf("serves %q after the change, want %q", got, change.want)
		}
		clock = clock.Add(time.Second)
		if got := serves(there); got != change.want {
			t.Errorf("the other node serves %q a second later, want %q", got, change.want)
		}
		was = change.want
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A partial that includes itself, also by way of another one, and a template
// that would nest without end are refused when they are stored.
func TestPartialsMustNotIncludeThemselves(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := store.Open(ctx, store.Options{DataDir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	_, _, err = db.Migrate(ctx)
	must(t, err)
	must(t, db.EnsureTenant(ctx, tenants.Tenant{ID: "t", Name: "T"}))
	s := templates.NewService(db, time.Now)
	put := func(name, content string) error {
		_, err := s.PutPartial(ctx, "t", "key", name, content)
		return err
	}
	must(t, put("a", "A"))
	must(t, put("b", "B {{> a}}"))
	for name, content := range map[string]string{"a": "{{> b}}", "b": "{{#if x}}{{> b}}{{/if}}", "c": "{{> c}}"} {
		f, ok := errors.AsType[*fault.Fault](put(name, content))
		if !ok || f.Code != "guard.invalid_input" || f.Issues[0].Path[0] != "content" {
			t.Errorf("partial %s = %s: %v", name, content, f)
		}
	}
	_, err = s.Put(ctx, "t", "key", []templates.Draft{{
		Language: "en", Type: connector.SignIn, Details: templates.Details{Subject: "S", Content: "<p>{{> b}} {{code}}</p>"},
	}})
	must(t, err)
	d, _, err := s.Find(ctx, "t", "en", connector.SignIn)
	must(t, err)
	library, err := s.Library(ctx, "t")
	must(t, err)
	r, err := templates.RenderCustom(template.NewCache(1<<20), d.Custom(library), map[string]any{"code": "123456"})
	must(t, err)
	if r.HTML != "<p>B A 123456</p>" {
		t.Errorf("HTML %q", r.HTML)
	}
}
