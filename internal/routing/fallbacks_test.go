package routing_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/routing"
)

func draft(id, factory, config string) routing.Draft {
	return routing.Draft{ID: id, FactoryID: factory, Config: json.RawMessage(config)}
}

func (b *bench) fallbacks(r *routing.Router, list ...routing.Draft) []*routing.Opened {
	b.t.Helper()
	set, err := r.SetFallbacks(b.t.Context(), "t1", list)
	b.must(err)
	return set
}

// hosts are those along a tenant's route.
func (b *bench) hosts(r *routing.Router) string {
	b.t.Helper()
	route, err := r.Route(b.t.Context(), "t1")
	b.must(err)
	text := ""
	for {
		o, ok := route.Next()
		if !ok {
			return text
		}
		text += o.Connector.(*opened).settings.Host + " "
	}
}

func TestFallbacks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	here, there := b.node(), b.node()
	_, err := here.Route(t.Context(), "t1")
	b.refused(err, "connector.not_found")
	b.fallbacks(here, draft("", "b", `{"host":"two"}`))
	_, err = here.Route(t.Context(), "t1") // a fallback alone is in no use
	b.refused(err, "connector.not_found")

	b.set(here, "a", `{"host":"one"}`)
	set := b.fallbacks(here, draft("", "b", `{"host":"two","password":"hunter2"}`), draft("", "a", `{"host":"three"}`))
	if got := b.hosts(here); got != "one two three " {
		t.Errorf("the route is %q", got)
	}
	b.now = b.now.Add(time.Second)
	if got := b.hosts(there); got != "one two three " {
		t.Errorf("the route on another node is %q", got)
	}
	b.set(here, "a", `{"host":"first"}`)
	if got := b.hosts(here); got != "first two three " {
		t.Errorf("the route after a change of the one in use is %q", got)
	}

	set = b.fallbacks(here, draft(set[1].ID, "a", `{"host":"three"}`), draft(set[0].ID, "b", `{"host":"2","password":"********"}`))
	if got := set[1].Connector.(*opened).settings.Password.Reveal(); got != "hunter2" || b.hosts(here) != "first three 2 " {
		t.Errorf("moved: password %q, route %q", got, b.hosts(here))
	}
	changed, err := here.Update(t.Context(), "t1", set[1].ID, json.RawMessage(`{"host":"II","password":"********"}`))
	b.must(err)
	if changed.Slot != 2 || changed.Connector.(*opened).settings.Password.Reveal() != "hunter2" {
		t.Errorf("changed: %+v", changed.Record)
	}
	b.must(here.Delete(t.Context(), "t1", set[0].ID, false))
	if got := b.hosts(here); got != "first II " {
		t.Errorf("the route after a delete is %q", got)
	}
}

func TestRefusedFallbacksChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.node()
	one := b.set(r, "a", `{"host":"one"}`)
	two := b.fallbacks(r, draft("", "b", `{"host":"two","password":"hunter2"}`))[0]
	for code, list := range map[string][]routing.Draft{
		"connector.not_found_with_connector_id": {draft("", "nothing", `{}`)},
		"entity.unique_integrity_violation":     {draft(one.ID, "a", `{"host":"x"}`)},
		"connector.invalid_config":              {draft("", "b", `{"host":"x"}`), draft("", "b", `{"hots":"x"}`)},
	} {
		_, err := r.SetFallbacks(t.Context(), "t1", list)
		f := b.refused(err, code)
		if code == "connector.invalid_config" && (len(f.Issues) == 0 || f.Issues[0].Path[1] != 1) {
			t.Errorf("issues %+v", f.Issues)
		}
	}
	for _, stolen := range []routing.Draft{
		draft("", "b", `{"host":"evil","password":"********"}`),     // of no fallback
		draft(two.ID, "a", `{"host":"evil","password":"********"}`), // of another factory
	} {
		_, err := r.SetFallbacks(t.Context(), "t1", []routing.Draft{stolen})
		b.refused(err, "connector.invalid_config")
	}
	if got := b.hosts(r); got != "one two " {
		t.Errorf("the route is %q", got)
	}
}

// TestABrokenOneIsPassedOver: settings that an upgrade cannot open any more
// do not stop the mail while there is a fallback.
func TestABrokenOneIsPassedOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.node()
	one := b.set(r, "a", `{"host":"one"}`)
	b.fallbacks(r, draft("", "b", `{"host":"two"}`))
	b.brokenFactory = "a"
	r = b.node()
	if got := b.hosts(r); got != "two " {
		t.Errorf("the route is %q", got)
	}
	o, err := r.Get(t.Context(), "t1", one.ID)
	b.must(err)
	if o.Broken() == nil || o.Up(b.now) {
		t.Errorf("broken: %v, up: %v", o.Broken(), o.Up(b.now))
	}
}
