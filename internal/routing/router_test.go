package routing_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/tenants"
)

type settings struct {
	Host     string           `json:"host" form:"Text,required" label:"Host"`
	Password connector.Secret `json:"password" form:"Text" label:"Password"`
}

// opened is a connector that tells what it was opened with and whether it
// was closed.
type opened struct {
	settings settings
	closed   chan struct{}
}

func (*opened) Send(context.Context, connector.Message) (connector.Receipt, error) {
	return connector.Receipt{}, nil
}

func (o *opened) Close() error {
	close(o.closed)
	return nil
}

// bench is routers as several nodes have them, on one SQLite store, with a
// clock that the test moves.
type bench struct {
	t       *testing.T
	store   *store.Store
	keys    *secrets.Keys
	now     time.Time
	opens   atomic.Int32
	failing atomic.Bool // opening fails

	brokenFactory string // whose connectors do not open
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.UnixMilli(1_760_000_000_000)}
	var err error
	b.store, err = store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	b.must(err)
	t.Cleanup(func() { b.must(b.store.Close()) })
	_, _, err = b.store.Migrate(t.Context())
	b.must(err)
	b.must(b.store.EnsureTenant(t.Context(), tenants.Tenant{ID: "t1"}))
	data, err := secrets.Generate()
	b.must(err)
	b.keys, err = secrets.Parse(data)
	b.must(err)
	return b
}

func (b *bench) node() *routing.Router { return b.nodeOn(b.store) }

func (b *bench) nodeOn(s routing.Store) *routing.Router {
	factory := func(id string) connector.Factory {
		return connector.New(connector.Metadata{ID: id}, settings{}, func(s settings, _ connector.Host) (connector.Connector, error) {
			if b.failing.Load() || id == b.brokenFactory {
				return nil, errors.New("cannot open")
			}
			b.opens.Add(1)
			return &opened{settings: s, closed: make(chan struct{})}, nil
		})
	}
	registry, err := connector.NewRegistry(factory("a"), factory("b"))
	b.must(err)
	return routing.New(routing.Options{
		Store: s, Keys: b.keys, Registry: registry, Now: func() time.Time { return b.now },
		Log: slog.New(slog.DiscardHandler), Host: func(string) connector.Host { return connector.Host{} },
	})
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) set(r *routing.Router, factory, config string) *routing.Opened {
	b.t.Helper()
	o, err := r.Set(b.t.Context(), "t1", factory, "", json.RawMessage(config))
	b.must(err)
	return o
}

func (b *bench) inUse(r *routing.Router) settings {
	b.t.Helper()
	o, err := r.InUse(b.t.Context(), "t1")
	b.must(err)
	return o.Connector.(*opened).settings
}

func (b *bench) refused(err error, code string) *fault.Fault {
	b.t.Helper()
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Code != code {
		b.t.Fatalf("error %v, want %s", err, code)
	}
	return f
}

func TestAChangeTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.node()
	_, err := r.InUse(t.Context(), "t1")
	b.refused(err, "connector.not_found")

	first := b.set(r, "a", `{"host":"one"}`)
	if got := b.inUse(r).Host; got != "one" {
		t.Errorf("host %q", got)
	}
	for range 5 {
		b.inUse(r)
		b.now = b.now.Add(time.Minute)
	}
	if n := b.opens.Load(); n != 1 {
		t.Errorf("opened %d times without a change", n)
	}
	_, err = r.Update(t.Context(), "t1", first.ID, json.RawMessage(`{"host":"two"}`))
	b.must(err)
	if got := b.inUse(r).Host; got != "two" {
		t.Errorf("host after the update %q", got)
	}
	<-first.Connector.(*opened).closed
	b.set(r, "b", `{"host":"three"}`)
	if got := b.inUse(r).Host; got != "three" {
		t.Errorf("host after the change %q", got)
	}
	_, err = r.Get(t.Context(), "t1", first.ID)
	b.refused(err, "entity.not_found")
}

func TestAChangeReachesOtherNodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	here, there := b.node(), b.node()
	b.set(here, "a", `{"host":"one"}`)
	b.inUse(there)
	b.set(here, "a", `{"host":"two"}`)
	b.now = b.now.Add(time.Second)
	if got := b.inUse(there).Host; got != "two" {
		t.Errorf("host on the other node a second later: %q", got)
	}
}

func TestSecretsAreKeptByTheirMask(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.node()
	o := b.set(r, "a", `{"host":"one","password":"hunter2"}`)
	records, err := b.store.Connectors(t.Context(), "t1")
	b.must(err)
	stored := records[0]
	if strings.Contains(string(stored.Config), "hunter2") || strings.Contains(string(stored.Config), "one") {
		t.Error("the settings are stored in plain")
	}
	_, err = r.Update(t.Context(), "t1", o.ID, json.RawMessage(`{"host":"two","password":"********"}`))
	b.must(err)
	if got := b.inUse(r); got.Host != "two" || got.Password.Reveal() != "hunter2" {
		t.Errorf("after an update with the mask: %q", got.Host)
	}
	b.set(r, "a", `{"host":"three","password":"********"}`)
	if got := b.inUse(r); got.Password.Reveal() != "hunter2" {
		t.Error("setting the same factory again loses the secret")
	}
	_, err = r.Set(t.Context(), "t1", "b", "", json.RawMessage(`{"host":"evil","password":"********"}`))
	b.refused(err, "connector.invalid_config")
}

func TestARefusedConfigChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.node()
	o := b.set(r, "a", `{"host":"one"}`)
	for _, config := range []string{`{"hots":"two"}`, `{}`, `[]`, `{"host":5}`, ``} {
		_, err := r.Set(t.Context(), "t1", "a", "", json.RawMessage(config))
		if f := b.refused(err, "connector.invalid_config"); len(f.Issues) == 0 || f.Issues[0].Path[0] != "config" {
			t.Errorf("%s: issues %v", config, f.Issues)
		}
		_, err = r.Update(t.Context(), "t1", o.ID, json.RawMessage(config))
		b.refused(err, "connector.invalid_config")
	}
	_, err := r.Set(t.Context(), "t1", "nothing", "", nil)
	b.refused(err, "connector.not_found_with_connector_id")
	_, err = r.Set(t.Context(), "t1", "a", o.ID, json.RawMessage(`{"host":"two"}`))
	b.refused(err, "entity.unique_integrity_violation")
	if got, err := r.Get(t.Context(), "t1", o.ID); err != nil || got.Version != o.Version {
		t.Errorf("connector after refusals: %v", err)
	}
}

// A connector whose stored settings cannot be opened any more can be replaced.
func TestABrokenConnectorCanBeReplaced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.set(b.node(), "a", `{"host":"one"}`)
	b.failing.Store(true)
	r := b.node()
	if _, err := r.InUse(t.Context(), "t1"); err == nil {
		t.Fatal("a broken connector opens")
	}
	b.failing.Store(false)
	b.set(r, "b", `{"host":"two"}`)
	if got := b.inUse(r).Host; got != "two" {
		t.Errorf("host %q", got)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.node()
	o := b.set(r, "a", `{"host":"one"}`)
	b.refused(r.Delete(t.Context(), "t1", "another", false), "entity.not_found")
	_, err := b.store.SaveMessage(t.Context(), outbox.Message{ID: "m", TenantID: "t1", Status: outbox.Accepted, CreatedAt: b.now, Deadline: b.now})
	b.must(err)
	if f := b.refused(r.Delete(t.Context(), "t1", o.ID, false), "connector.in_use"); f.Data["openMessages"] != 1 {
		t.Errorf("data %v", f.Data)
	}
	b.must(r.Delete(t.Context(), "t1", o.ID, true))
	_, err = r.InUse(t.Context(), "t1")
	b.refused(err, "connector.not_found")
	<-o.Connector.(*opened).closed
}

// slowStore holds back one answer to Connectors.
type slowStore struct {
	routing.Store
	armed   atomic.Bool
	read    chan struct{}
	release chan struct{}
}

func (s *slowStore) Connectors(ctx context.Context, tenantID string) ([]routing.Record, error) {
	armed := s.armed.CompareAndSwap(true, false)
	list, err := s.Store.Connectors(ctx, tenantID)
	if armed {
		close(s.read)
		<-s.release
	}
	return list, err
}

// What a slow caller read before a change must not be in use after it.
func TestAStaleReadDoesNotWin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := &slowStore{Store: b.store, read: make(chan struct{}), release: make(chan struct{})}
	r := b.nodeOn(s)
	b.set(r, "a", `{"host":"old"}`)
	b.now = b.now.Add(time.Minute) // not fresh any more

	s.armed.Store(true)
	used, set := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := r.InUse(t.Context(), "t1")
		used <- err
	}()
	<-s.read
	go func() {
		_, err := r.Set(t.Context(), "t1", "a", "", json.RawMessage(`{"host":"new"}`))
		set <- err
	}()
	// The change may wait for the slow caller. If it does not, it gets ample
	// time to be over first, and the slow caller's old record comes last.
	for range 2000 {
		if len(set) > 0 {
			break
		}
		_, err := b.store.Connectors(t.Context(), "t1")
		b.must(err)
	}
	close(s.release)
	b.must(errors.Join(<-used, <-set))
	if got := b.inUse(r).Host; got != "new" {
		t.Errorf("after the change, the connector in use is %q", got)
	}
}
