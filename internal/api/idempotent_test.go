package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/api"
	"github.com/postern-mail/postern/internal/idempotency"
	"github.com/postern-mail/postern/internal/outbox"
)

func TestRepeatGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	ask := func(body, key string) answer {
		t.Helper()
		return s.post("/api/verification-codes", body, "Idempotency-Key", key)
	}
	first := ask(`{"email":"ann@example.com"}`, "k 1").is(204)
	again := ask(`{"email":"ann@example.com"}`, "k 1").is(204)
	id := first.header.Get("Postern-Message-Id")
	if id == "" || again.header.Get("Postern-Message-Id") != id {
		t.Errorf("%q and %q", id, again.header.Get("Postern-Message-Id"))
	}
	if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("headers %v, %v", first.header, again.header)
	}
	if first.header.Get("X-Request-Id") == again.header.Get("X-Request-Id") {
		t.Error("two requests with one id")
	}
	if n := len(read[[]message](s.get("/api/messages"))); n != 1 {
		t.Errorf("%d messages", n)
	}

	ask(`{"email":"bob@example.com"}`, "k 1").refuses(422, "request.idempotency_key_reused")
	s.post("/api/messages", `{"email":"ann@example.com"}`, "Idempotency-Key", "k 1").refuses(422, "request.idempotency_key_reused")
	if other := ask(`{"email":"ann@example.com"}`, "k 2").is(204); other.header.Get("Postern-Message-Id") == id {
		t.Error("another key is another request")
	}
	// Keys of different API keys never meet.
	other := s.do(request{
		method: "POST", path: "/api/verification-codes", key: s.checker, body: `{"email":"ann@example.com"}`,
		header: map[string]string{"Idempotency-Key": "k 1"},
	}).is(204)
	if other.header.Get("Postern-Message-Id") == id {
		t.Error("an answer went to another API key")
	}
}

func TestRefusalsAreRepeatedToo(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := s.post("/api/verification-codes", `{"email":"ann"}`, "Idempotency-Key", "k").refuses(400, "guard.invalid_input")
	again := s.post("/api/verification-codes", `{"email":"ann"}`, "Idempotency-Key", "k").refuses(400, "guard.invalid_input")
	if again.header.Get("Idempotent-Replayed") != "true" || first.body != again.body {
		t.Errorf("%v %s", again.header, again.body)
	}
}

// The one answer that shows a secret is kept sealed and repeated whole.
func TestRepeatOfANewKey(t *testing.T) {
	t.Parallel()
	store := &keyring{}
	s := start(t, func(o *api.Options) { store.Store, o.Idempotency = o.Idempotency, store })
	r := request{
		method: "POST", path: "/api/api-keys", key: s.admin, body: `{"name":"CI","scopes":["management"]}`,
		header: map[string]string{"Idempotency-Key": "k"},
	}
	first, again := s.doSecretly(r).is(201), s.doSecretly(r).is(201)
	key := read[struct{ Key string }](first).Key
	if key == "" || first.body != again.body || again.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	if len(store.finished) != 1 || strings.Contains(string(store.finished[0].Answer), key) {
		t.Error("the answer is kept in the clear")
	}
}

// A body that is too large is not read to its end, so it cannot be told from
// others: it uses up no key.
func TestHugeBodyUsesUpNoKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	s.post("/api/verification-codes", `{"email":"`+strings.Repeat("a", 1<<20)+`"}`, "Idempotency-Key", "k").
		refuses(413, "request.body_too_large")
	s.post("/api/verification-codes", `{"email":"ann@example.com"}`, "Idempotency-Key", "k").is(204)
}

// Not kept: what says to try again.
func TestFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	s := start(t)
	ask := func() answer {
		return s.post("/api/verification-codes", `{"email":"ann@example.com"}`, "Idempotency-Key", "k")
	}
	ask().refuses(501, "connector.not_found")
	s.keepMails()
	if a := ask().is(204); a.header.Get("Idempotent-Replayed") != "" {
		t.Error("a failure of ours was kept")
	}

	s.useProvider()
	s.provider.fails(connector.Error{Class: connector.Throttled, RetryAfter: time.Hour, Message: "slow down"})
	throttled := func() answer {
		return s.post("/api/verification-codes", `{"email":"bob@example.com"}`, "Idempotency-Key", "t", "Prefer", "wait=10")
	}
	throttled().refuses(429, "connector.rate_limit_exceeded")
	s.provider.answers(nil)
	throttled().is(204)
}

func TestRequestsAtOnceWithOneKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	sending, release := make(chan struct{}), make(chan struct{})
	s.provider.answers(func(context.Context, connector.Message) error {
		close(sending)
		<-release
		return nil
	})
	r := request{
		method: "POST", path: "/api/messages", key: s.sender, body: `{"to":"ann@example.com","type":"Generic","payload":{"code":"987654"}}`,
		header: map[string]string{"Idempotency-Key": "k", "Prefer": "wait=20"},
	}
	first := make(chan answer)
	go func() { first <- s.do(r) }()
	<-sending
	busy := s.do(r).refuses(409, "request.idempotency_in_progress")
	if busy.header.Get("Retry-After") != "1" {
		t.Errorf("headers %v", busy.header)
	}
	close(release)
	if a := <-first; a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := s.do(r).is(202); a.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("headers %v", a.header)
	}
}

// The client that went away in between finds the answer when it asks again.
func TestFirstRequestWasCutOff(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	sending, release := make(chan struct{}), make(chan struct{})
	s.provider.answers(func(context.Context, connector.Message) error {
		close(sending)
		<-release
		return nil
	})
	r := request{
		method: "POST", path: "/api/messages", key: s.sender, body: `{"to":"ann@example.com","type":"Generic","payload":{"code":"456456"}}`,
		header: map[string]string{"Idempotency-Key": "k", "Prefer": "wait=20"},
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.doWith(ctx, r)
	}()
	<-sending
	cancel()
	close(release)
	<-done
	a := s.do(r).is(202)
	if a.header.Get("Idempotent-Replayed") != "true" || !strings.Contains(a.body, `"status":"sent"`) {
		t.Errorf("%v %s", a.header, a.body)
	}
}

// keyring sees what is kept.
type keyring struct {
	idempotency.Store

	finished, released []idempotency.Record
	fail, failFinish   error
}

func (k *keyring) Finish(ctx context.Context, r idempotency.Record) error {
	k.finished = append(k.finished, r)
	if k.failFinish != nil {
		return k.failFinish
	}
	return k.Store.Finish(ctx, r)
}

func (k *keyring) Release(ctx context.Context, r idempotency.Record) error {
	k.released = append(k.released, r)
	return k.Store.Release(ctx, r)
}

func (k *keyring) Begin(ctx context.Context, r idempotency.Record) (*idempotency.Record, error) {
	if k.fail != nil {
		return nil, k.fail
	}
	return k.Store.Begin(ctx, r)
}

// What was done and cannot be kept is not done twice: the key stays claimed.
func TestAnswerCannotBeKept(t *testing.T) {
	t.Parallel()
	store := &keyring{failFinish: errors.New("disk is full")}
	s := start(t, func(o *api.Options) { store.Store, o.Idempotency = o.Idempotency, store })
	s.keepMails()
	ask := func() answer {
		return s.post("/api/verification-codes", `{"email":"ann@example.com"}`, "Idempotency-Key", "k")
	}
	ask().is(204)
	ask().refuses(409, "request.idempotency_in_progress")
	if len(store.released) != 0 || !strings.Contains(s.log.String(), "disk is full") {
		t.Errorf("released %v, log %s", store.released, s.log.String())
	}
}

// fragile breaks when a message is saved, until it is mended.
type fragile struct {
	outbox.Store

	mended bool
}

func (f *fragile) SaveMessage(ctx context.Context, m outbox.Message) (string, error) {
	if !f.mended {
		panic(errors.New("broken"))
	}
	return f.Store.SaveMessage(ctx, m)
}

func TestPanicGivesUpTheKey(t *testing.T) {
	t.Parallel()
	store := &fragile{}
	s := start(t, func(o *api.Options) { o.Outbox = outbox.New(store, o.Keys, o.Now) })
	store.Store = s.store
	s.keepMails()
	ask := func() answer {
		return s.post("/api/messages", `{"to":"ann@example.com","type":"Generic","payload":{"code":"121212"}}`, "Idempotency-Key", "k")
	}
	ask().refuses(500, "entity.internal_error")
	store.mended = true
	ask().is(202)
}

func TestTheStoreOfKeysIsDown(t *testing.T) {
	t.Parallel()
	store := &keyring{fail: errors.New("database is gone")}
	s := start(t, func(o *api.Options) { store.Store, o.Idempotency = o.Idempotency, store })
	s.keepMails()
	a := s.post("/api/verification-codes", `{"email":"ann@example.com"}`, "Idempotency-Key", "k").refuses(500, "entity.internal_error")
	if strings.Contains(a.body, "database is gone") {
		t.Error("the cause is in the answer")
	}
	if list := s.get("/api/messages").body; list != "[]\n" {
		t.Errorf("sent without a claim: %s", list)
	}
}

// A change is told of as its key's also where the answer is kept.
func TestWhoChangesWithAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.post("/api/organizations", `{"name":"Acme"}`, "Idempotency-Key", "once").is(201)
	key := read[[]struct{ ID string }](s.get("/api/api-keys").is(200))[0].ID
	entries := read[[]struct{ Actor, Action string }](s.get("/api/audit-logs?action=organization.created").is(200))
	if len(entries) != 1 || entries[0].Actor != key {
		t.Errorf("told %+v, the key is %s", entries, key)
	}
}
