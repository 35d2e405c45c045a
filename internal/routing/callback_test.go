package routing_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/tenants"
)

// reading is a connector that reads callbacks.
type reading struct{ *opened }

// ReadEvents implements connector.EventReader.
func (reading) ReadEvents(context.Context, connector.Callback) (connector.Report, error) {
	return connector.Report{}, nil
}

// readingNode is a router whose factory r reads callbacks, and whose a does
// not.
func (b *bench) readingNode() *routing.Router {
	b.t.Helper()
	open := func(s settings) *opened {
		b.opens.Add(1)
		return &opened{settings: s, closed: make(chan struct{})}
	}
	registry, err := connector.NewRegistry(
		connector.New(connector.Metadata{ID: "a"}, settings{}, func(s settings, _ connector.Host) (connector.Connector, error) {
			return open(s), nil
		}),
		connector.New(connector.Metadata{ID: "r"}, settings{}, func(s settings, _ connector.Host) (connector.Connector, error) {
			return reading{open(s)}, nil
		}),
	)
	b.must(err)
	return routing.New(routing.Options{
		Store: b.store, Keys: b.keys, Registry: registry, Now: func() time.Time { return b.now },
		Log: slog.New(slog.DiscardHandler), Host: func(string) connector.Host { return connector.Host{} },
	})
}

// byPath is ForCallback with the parts of a path.
func (b *bench) byPath(r *routing.Router, path string) (*routing.Opened, error) {
	parts := strings.Split(path, "/")
	return r.ForCallback(b.t.Context(), parts[2], parts[3])
}

func TestCallbackPath(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.readingNode()
	silent := b.set(r, "a", `{"host":"one"}`)
	path, err := r.CallbackPath(silent)
	b.must(err)
	if path != "" {
		t.Errorf("path %q of a connector that reads nothing", path)
	}
	o := b.set(r, "r", `{"host":"one"}`)
	path, err = r.CallbackPath(o)
	b.must(err)
	there, err := b.readingNode().CallbackPath(o)
	b.must(err)
	if path != there || !strings.HasPrefix(path, "/callbacks/"+o.ID+"/") {
		t.Errorf("paths %q and %q", path, there)
	}
	got, err := b.byPath(r, path)
	b.must(err)
	if got.ID != o.ID || got.TenantID != "t1" || got.Connector.(reading).settings.Host != "one" {
		t.Errorf("found %+v", got.Record)
	}

	// The secret is one tenant's and one connector's.
	b.must(b.store.EnsureTenant(t.Context(), tenants.Tenant{ID: "t2"}))
	moved := *o
	moved.TenantID = "t2"
	stolen, err := r.CallbackPath(&moved)
	b.must(err)
	_, err = b.byPath(r, stolen)
	b.refused(err, "entity.not_found")
	for _, wrong := range []string{"", "=", strings.Split(path, "/")[3][1:], strings.Repeat("A", 50)} {
		_, err = r.ForCallback(t.Context(), o.ID, wrong)
		b.refused(err, "entity.not_found")
	}
}

// Connectors are kept open from callback to callback, as their stored version
// says, and closed with the router.
func TestOpenForCallbacks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.readingNode()
	o := b.set(r, "r", `{"host":"one"}`)
	path, err := r.CallbackPath(o)
	b.must(err)
	first, err := b.byPath(r, path)
	b.must(err)
	again, err := b.byPath(r, path)
	b.must(err)
	if first != again || b.opens.Load() != 2 { // one to send, one to read
		t.Errorf("opened %d times", b.opens.Load())
	}
	_, err = r.Update(t.Context(), "t1", o.ID, json.RawMessage(`{"host":"two"}`))
	b.must(err)
	changed, err := b.byPath(r, path)
	b.must(err)
	if changed.Connector.(reading).settings.Host != "two" {
		t.Error("the old settings read the callback")
	}
	<-first.Connector.(reading).closed
	b.must(r.Delete(t.Context(), "t1", o.ID, true))
	_, err = b.byPath(r, path)
	b.refused(err, "entity.not_found")
	<-changed.Connector.(reading).closed

	// Many retired ones do not stay open together.
	var paths []string
	for i := range 70 {
		path, err := r.CallbackPath(b.set(r, "r", fmt.Sprintf(`{"host":"%d"}`, i)))
		b.must(err)
		paths = append(paths, path)
	}
	all := make([]*routing.Opened, len(paths))
	for i, path := range paths {
		all[i], err = b.byPath(r, path)
		b.must(err)
	}
	<-all[0].Connector.(reading).closed
	<-all[5].Connector.(reading).closed
	select {
	case <-all[6].Connector.(reading).closed:
		t.Error("closed one too many")
	default:
	}
	reopened, err := b.byPath(r, paths[0])
	b.must(err)
	if reopened.Connector.(reading).settings.Host != "0" {
		t.Error("another one was opened")
	}
	b.must(r.Close())
	<-reopened.Connector.(reading).closed
	<-all[69].Connector.(reading).closed
}

// A retired connector whose settings do not open any more is no 404: the
// provider is to call again.
func TestACallbackForABrokenConnector(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.readingNode()
	o := b.set(r, "r", `{"host":"one"}`)
	path, err := r.CallbackPath(o)
	b.must(err)
	without := b.node() // a build that lacks the factory
	if _, err := b.byPath(without, path); err == nil || strings.Contains(err.Error(), "not_found") {
		t.Errorf("error %v", err)
	}
}
