package access_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/tenants"
)

// counted is a real store that counts what is asked of it.
type counted struct {
	*store.Store

	lookups, writes atomic.Int32
	broken          atomic.Bool
}

func (c *counted) KeyByHash(ctx context.Context, hash []byte) (access.Key, bool, error) {
	c.lookups.Add(1)
	return c.Store.KeyByHash(ctx, hash)
}

func (c *counted) KeysUsed(ctx context.Context, uses map[string]time.Time) error {
	c.writes.Add(1)
	if c.broken.Load() {
		return errors.New("no database")
	}
	return c.Store.KeysUsed(ctx, uses)
}

// bench is one database with any number of nodes, and their common clock.
type bench struct {
	t     *testing.T
	store *counted
	ms    atomic.Int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t}
	b.ms.Store(1_760_000_000_000)
	s := must[*store.Store](t)(store.Open(t.Context(), store.Options{DataDir: t.TempDir()}))
	t.Cleanup(func() { b.check(s.Close()) })
	_, _, err := s.Migrate(t.Context())
	b.check(err)
	for _, id := range []string{"t1", "t2"} {
		b.check(s.EnsureTenant(t.Context(), tenants.Tenant{ID: id}))
	}
	b.store = &counted{Store: s}
	return b
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (b *bench) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) now() time.Time { return time.UnixMilli(b.ms.Load()).UTC() }

func (b *bench) pass(d time.Duration) { b.ms.Add(d.Milliseconds()) }

func (b *bench) node() *access.Service {
	b.t.Helper()
	return must[*access.Service](b.t)(access.New(b.store, b.now))
}

func (b *bench) create(s *access.Service, expires time.Time, scopes ...access.Scope) (access.Key, string) {
	b.t.Helper()
	k, text, err := s.Create(b.t.Context(), "t1", "key", scopes, expires)
	b.check(err)
	return k, text
}

// opens reports whether a key's text opens the door.
func (b *bench) opens(s *access.Service, text string) bool {
	b.t.Helper()
	_, err := s.Authenticate(b.t.Context(), text)
	if err != nil {
		b.wantFault(err, "auth.unauthorized")
	}
	return err == nil
}

func (b *bench) wantFault(err error, code string) {
	b.t.Helper()
	if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != code {
		b.t.Fatalf("error %v, want %s", err, code)
	}
}

func (b *bench) stored(id string) access.Key {
	b.t.Helper()
	return must[access.Key](b.t)(b.node().Get(b.t.Context(), id))
}

func TestAKeyIsNeverStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.node()
	k, text := b.create(s, time.Time{}, access.Management)
	_, second := b.create(s, time.Time{}, access.Management)
	if text == second || len(text) != len("postern_")+43 || !strings.HasPrefix(text, "postern_") {
		t.Errorf("keys %q and %q", text, second)
	}
	if k.Hint != text[:12]+"…" {
		t.Errorf("hint %q", k.Hint)
	}
	got := must[access.Key](t)(s.Authenticate(t.Context(), text))
	if got.ID != k.ID || got.TenantID != "t1" || got.Name != "key" || strings.Contains(string(got.Hash), text) {
		t.Errorf("key %+v", got)
	}
	for _, wrong := range []string{"", "postern_", text[:len(text)-1], text + "=", strings.ToUpper(text), k.ID, k.Hint, string(k.Hash)} {
		if b.opens(s, wrong) {
			t.Errorf("%q opens", wrong)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scopes  []access.Scope
		allowed string // management, messages:send, verification
	}{
		{[]access.Scope{access.Management}, "yyy"},
		{[]access.Scope{access.SendMessages}, "nyn"},
		{[]access.Scope{access.Verification}, "nny"},
		{[]access.Scope{access.Verification, access.SendMessages}, "nyy"},
		{nil, "nnn"},
		{[]access.Scope{"manage", ""}, "nnn"},
	} {
		k, got := access.Key{Scopes: c.scopes}, ""
		for _, scope := range access.Scopes() {
			got += map[bool]string{true: "y", false: "n"}[k.Allows(scope)]
		}
		if got != c.allowed {
			t.Errorf("%v: %s, want %s", c.scopes, got, c.allowed)
		}
	}
}

// A key serves until the moment of its expiry, and not at it, whether it is in
// the cache or not.
func TestExpiry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, text := b.create(b.node(), b.now().Add(time.Hour), access.Management)
	cached := b.node()
	b.pass(time.Hour - time.Millisecond)
	if !b.opens(cached, text) || !b.opens(b.node(), text) {
		t.Fatal("it expired a millisecond early")
	}
	b.pass(time.Millisecond)
	if b.opens(cached, text) || b.opens(b.node(), text) {
		t.Error("it opens at its expiry")
	}
}

// A revoked key is refused at once where it was revoked and within a second
// elsewhere.
func TestRevoked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	here, there := b.node(), b.node()
	k, text := b.create(here, time.Time{}, access.Management)
	if !b.opens(here, text) || !b.opens(there, text) {
		t.Fatal("a new key is refused")
	}
	b.wantFault(here.Revoke(t.Context(), "t2", k.ID), "entity.not_found")
	if !b.opens(here, text) {
		t.Fatal("another tenant revoked it")
	}
	b.check(here.Revoke(t.Context(), "t1", k.ID))
	if b.opens(here, text) {
		t.Error("it opens where it was revoked")
	}
	b.pass(time.Second)
	if b.opens(there, text) {
		t.Error("it opens a second later on another node")
	}
	b.wantFault(here.Revoke(t.Context(), "t1", k.ID), "entity.not_found")
	b.wantFault(here.Revoke(t.Context(), "t1", "nobody's"), "entity.not_found")
	if got := b.stored(k.ID); got.RevokedAt.IsZero() {
		t.Errorf("stored %+v", got)
	}
}

// A busy key is looked up once a second; what is no key is never remembered,
// so that one made a moment later serves at once.
func TestLookups(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.node()
	const chosen = "an operator's own key"
	if b.opens(s, chosen) {
		t.Fatal("what is no key opens")
	}
	k := must[access.Key](t)(s.Import(t.Context(), "t1", "CI", chosen, access.Scopes(), time.Time{}))
	if !b.opens(s, chosen) || k.Hint != "(chosen by the operator)" {
		t.Errorf("imported %+v", k)
	}
	if _, err := s.Import(t.Context(), "t2", "CI", chosen, access.Scopes(), time.Time{}); err == nil {
		t.Error("one text is two keys")
	}
	b.store.lookups.Store(0)
	for range 2000 {
		b.pass(time.Millisecond)
		if !b.opens(s, chosen) {
			t.Fatal("refused")
		}
	}
	if n := b.store.lookups.Load(); n > 3 {
		t.Errorf("%d lookups in two seconds", n)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.node()
	for name, ok := range map[string]bool{
		"Backend": true, "Schlüssel für 日本": true, strings.Repeat("ü", access.MaxName): true,
		"": false, " \t": false, "a\r\nb": false, "a\x00": false, "\x1b[31mred": false, "\xff": false, strings.Repeat("x", access.MaxName+1): false,
	} {
		k, _, err := s.Create(t.Context(), "t1", name, access.Scopes(), time.Time{})
		if !ok {
			b.wantFault(err, "guard.invalid_input")
		} else if err != nil || b.stored(k.ID).Name != name {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A change gives a key in force another name or expiry, and never more than it
// had: no scope, no tenant, no second life.
func TestUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.node()
	until := b.now().Add(time.Hour)
	k, text := b.create(s, until, access.Verification)
	if !b.opens(s, text) {
		t.Fatal("a new key is refused")
	}
	all := func(expires time.Time) func(*access.Key) error {
		return func(k *access.Key) error {
			*k = access.Key{ID: "other", TenantID: "t2", Name: "new", Scopes: access.Scopes(), Hash: []byte("h"), ExpiresAt: expires}
			return nil
		}
	}
	got := must[access.Key](t)(s.Update(t.Context(), "t1", k.ID, all(until.Add(time.Hour))))
	for _, changed := range []access.Key{got, b.stored(k.ID), must[access.Key](t)(s.Authenticate(t.Context(), text))} {
		if changed.ID != k.ID || changed.TenantID != "t1" || changed.Name != "new" || len(changed.Scopes) != 1 || changed.Allows(access.Management) ||
			!changed.ExpiresAt.Equal(until.Add(time.Hour)) {
			t.Errorf("changed %+v", changed)
		}
	}
	for tenantID, id := range map[string]string{"t2": k.ID, "t1": "nobody's"} {
		_, err := s.Update(t.Context(), tenantID, id, all(time.Time{}))
		b.wantFault(err, "entity.not_found")
	}
	refused := errors.New("refused")
	if _, err := s.Update(t.Context(), "t1", k.ID, func(*access.Key) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	_, err := s.Update(t.Context(), "t1", k.ID, func(k *access.Key) error { k.Name = ""; return nil })
	b.wantFault(err, "guard.invalid_input")

	b.pass(2 * time.Hour) // it has expired this moment
	_, err = s.Update(t.Context(), "t1", k.ID, all(time.Time{}))
	b.wantFault(err, "entity.not_found")
	forever, _ := b.create(s, time.Time{}, access.Management)
	b.check(s.Revoke(t.Context(), "t1", forever.ID))
	_, err = s.Update(t.Context(), "t1", forever.ID, all(time.Time{}))
	b.wantFault(err, "entity.not_found")
}

// Whoever changes a key at the same moment, both changes are there.
func TestUpdatesMeet(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	k, _ := b.create(b.node(), time.Time{}, access.Management)
	until := b.now().Add(time.Hour)
	met := false
	_, err := b.node().Update(t.Context(), "t1", k.ID, func(k *access.Key) error {
		if !met {
			met = true
			_, err := b.node().Update(t.Context(), "t1", k.ID, func(k *access.Key) error { k.ExpiresAt = until; return nil })
			b.check(err)
		}
		k.Name = "new"
		return nil
	})
	b.check(err)
	if got := b.stored(k.ID); got.Name != "new" || !got.ExpiresAt.Equal(until) {
		t.Errorf("stored %+v", got)
	}
}

// The last use is written once in five minutes, by a call of its own, and
// never goes back.
func TestLastUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	here, there := b.node(), b.node()
	k, text := b.create(here, time.Time{}, access.Management)
	unused, found := b.create(here, time.Time{}, access.Management)
	expired, old := b.create(here, b.now().Add(time.Minute), access.Management)
	b.check(here.StoreUses(t.Context()))
	b.pass(time.Minute)
	first := b.now()
	if !b.opens(here, text) || !b.opens(there, text) || b.opens(here, old) {
		t.Fatal("the wrong keys open")
	}
	if k, err := here.Find(t.Context(), found); err != nil || k.ID != unused.ID {
		t.Errorf("found %+v: %v", k, err)
	}
	if n := b.store.writes.Load(); n != 0 || !b.stored(k.ID).LastUsedAt.IsZero() {
		t.Fatalf("%d writes on the path of a request", n)
	}
	b.check(here.StoreUses(t.Context()))
	for range 4 * 60 { // for four minutes
		b.pass(time.Second)
		b.opens(here, text)
		b.check(here.StoreUses(t.Context()))
	}
	if n := b.store.writes.Load(); n != 1 || !b.stored(k.ID).LastUsedAt.Equal(first) {
		t.Errorf("%d writes, last use %v", n, b.stored(k.ID).LastUsedAt)
	}
	b.pass(2 * time.Minute)
	b.opens(here, text)
	b.store.broken.Store(true)
	if err := here.StoreUses(t.Context()); err == nil {
		t.Error("stored without a database")
	}
	b.store.broken.Store(false)
	b.check(here.StoreUses(t.Context())) // what could not be stored was kept
	second := b.now()
	if got := b.stored(k.ID).LastUsedAt; !got.Equal(second) {
		t.Errorf("last use %v, want %v", got, second)
	}
	b.check(there.StoreUses(t.Context())) // six minutes late
	if got := b.stored(k.ID).LastUsedAt; !got.Equal(second) {
		t.Errorf("the last use went back to %v", got)
	}
	for _, id := range []string{unused.ID, expired.ID} {
		if got := b.stored(id).LastUsedAt; !got.IsZero() {
			t.Errorf("a key that opened nothing was used at %v", got)
		}
	}
}

func TestKeysAreAudited(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.node()
	ctx := audit.By(t.Context(), "somebody")
	k, text, err := s.Create(ctx, "t1", "a", []access.Scope{access.Management}, time.Time{})
	b.check(err)
	_, err = s.Update(ctx, "t1", k.ID, func(k *access.Key) error { k.Name = "b"; return nil })
	b.check(err)
	_, err = s.Update(ctx, "t1", k.ID, func(*access.Key) error { return nil })
	b.check(err)
	b.check(s.Revoke(ctx, "t1", k.ID))
	b.wantFault(s.Revoke(ctx, "t1", k.ID), "entity.not_found")
	if _, err := s.Import(ctx, "t1", "again", text, access.Scopes(), time.Time{}); err == nil {
		t.Error("one text is two keys")
	}
	list, _, err := b.store.AuditEntries(ctx, "t1", audit.Filter{})
	b.check(err)
	got := ""
	for _, e := range list {
		got += string(e.Action) + " "
		if e.Actor != "somebody" || e.Subject != k.ID || strings.Contains(string(e.Details), text) {
			t.Errorf("entry %+v: %s", e, e.Details)
		}
	}
	if got != "api-key.revoked api-key.updated api-key.created " {
		t.Fatalf("entries %s", got)
	}
	want := `{"before":{"name":"a","scopes":["management"],"hint":"` + k.Hint + `","expiresAt":null,"revokedAt":null},` +
		`"after":{"name":"b","scopes":["management"],"hint":"` + k.Hint + `","expiresAt":null,"revokedAt":null}}`
	if string(list[1].Details) != want {
		t.Errorf("details %s", list[1].Details)
	}
}

// Keys are listed in the order in which they were made, also those of one
// millisecond.
func TestOldestFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.node()
	var made []string
	for range 20 {
		k, _ := b.create(s, time.Time{}, access.Management)
		made = append(made, k.ID)
	}
	for i, k := range must[[]access.Key](t)(s.List(t.Context(), "t1")) {
		if k.ID != made[i] {
			t.Fatalf("number %d is another key", i)
		}
	}
}
