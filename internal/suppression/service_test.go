package suppression_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/tenants"
)

// counted is a real store that counts what is read of it.
type counted struct {
	*store.Store

	looks, reads atomic.Int32
	broken       atomic.Bool
	// held, while set, is called when it is known whether there are any.
	held func()
}

func (c *counted) HasSuppressions(ctx context.Context, tenantID string) (bool, error) {
	c.looks.Add(1)
	if c.broken.Load() {
		return false, errors.New("no database")
	}
	found, err := c.Store.HasSuppressions(ctx, tenantID)
	if c.held != nil {
		c.held()
	}
	return found, err
}

func (c *counted) Suppression(ctx context.Context, tenantID, key string) (suppression.Entry, bool, error) {
	c.reads.Add(1)
	return c.Store.Suppression(ctx, tenantID, key)
}

type bench struct {
	t     *testing.T
	store *counted
	now   time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.UnixMilli(1_760_000_000_000)}
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir()})
	b.must(err)
	t.Cleanup(func() { b.must(s.Close()) })
	_, _, err = s.Migrate(t.Context())
	b.must(err)
	b.must(s.EnsureTenant(t.Context(), tenants.Tenant{ID: "t1"}))
	b.store = &counted{Store: s}
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) node() *suppression.Service {
	return suppression.NewService(b.store, func() time.Time { return b.now })
}

func (b *bench) finds(s *suppression.Service, to string) bool {
	b.t.Helper()
	_, ok, err := s.Find(b.t.Context(), "t1", to, connector.SignIn)
	b.must(err)
	return ok
}

// Deliveries of a tenant without suppressions ask the database about twice a
// second, however many there are.
func TestNoneCostsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.node()
	for range 1000 {
		if b.finds(s, "ann@example.com") {
			t.Fatal("found one where there is none")
		}
		b.now = b.now.Add(time.Millisecond)
	}
	if looks := b.store.looks.Load(); looks > 3 {
		t.Errorf("looked %d times in a second", looks)
	}
	if reads := b.store.reads.Load(); reads != 0 {
		t.Errorf("%d entries were read", reads)
	}
	_, err := s.Put(t.Context(), "t1", "ann@example.com", suppression.All, "")
	b.must(err)
	before := b.store.reads.Load()
	for range 10 {
		if !b.finds(s, "ANN@example.com") {
			t.Fatal("not found")
		}
	}
	if reads := b.store.reads.Load() - before; reads != 10 {
		t.Errorf("%d reads for 10 deliveries", reads)
	}
}

// A change counts at once here, and within a second elsewhere.
func TestChangesReachOtherNodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	here, there := b.node(), b.node()
	b.finds(here, "ann@example.com")
	b.finds(there, "ann@example.com")
	entry := suppression.Entry{TenantID: "t1", Address: "Ann@example.com", MessageID: "m"}
	b.must(here.Refused(t.Context(), entry, connector.Recipient, "5.1.1", "550 ann\r\nis unknown"))
	if !b.finds(here, "ann@example.com") {
		t.Error("not at once")
	}
	b.now = b.now.Add(time.Second)
	if !b.finds(there, "ann@example.com") {
		t.Error("not within a second")
	}
	list, total, err := there.List(t.Context(), "t1", suppression.Filter{})
	b.must(err)
	if total != 1 || list[0].Detail != "550 a*** is unknown" || list[0].Reason != suppression.Bounced || list[0].MessageID != "m" {
		t.Errorf("list %+v", list)
	}
	b.must(here.Lift(t.Context(), "t1", "ANN@example.com"))
	if b.finds(here, "ann@example.com") || b.finds(there, "ann@example.com") {
		t.Error("not lifted at once")
	}
	f, ok := errors.AsType[*fault.Fault](here.Lift(t.Context(), "t1", "ann@example.com"))
	if !ok || f.Code != "entity.not_found" {
		t.Errorf("lifted twice: %v", f)
	}
	b.must(here.Refused(t.Context(), entry, connector.Recipient, "5.7.1", "policy"))
	if b.finds(here, "ann@example.com") {
		t.Error("suppressed for a policy")
	}
}

// What was read before a change does not stay in use after it.
func TestAStaleReadDoesNotWin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.node()
	read, release := make(chan struct{}), make(chan struct{})
	b.store.held = func() {
		close(read)
		<-release
	}
	found, changed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, _, err := s.Find(t.Context(), "t1", "ann@example.com", connector.SignIn)
		found <- err
	}()
	<-read
	b.store.held = nil
	go func() {
		_, err := s.Put(t.Context(), "t1", "ann@example.com", suppression.All, "")
		changed <- err
	}()
	for range 200 { // the change may be over before, or wait
		if _, _, err := b.store.ListSuppressions(t.Context(), "t1", suppression.Filter{}); err != nil {
			t.Error(err)
		}
	}
	close(release)
	b.must(errors.Join(<-found, <-changed))
	if !b.finds(s, "ann@example.com") {
		t.Error("the change is not seen")
	}
}

func TestBrokenStore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.store.broken.Store(true)
	if _, _, err := b.node().Find(t.Context(), "t1", "ann@example.com", connector.SignIn); err == nil {
		t.Error("mail goes out while nobody knows whether it may")
	}
}
