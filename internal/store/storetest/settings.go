package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/idempotency"
	"github.com/postern-mail/postern/internal/inbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/tenants"
)

func testConnectors(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	inUse := func() routing.Record {
		t.Helper()
		list, err := s.Connectors(ctx, tenant)
		must(t, err)
		if len(list) != 1 || list[0].Slot != routing.InUse {
			t.Fatalf("connectors %+v, want the one in use", list)
		}
		return list[0]
	}
	list, err := s.Connectors(ctx, tenant)
	must(t, err)
	equal(t, "connectors of a new tenant", len(list), 0)

	a := routing.Record{ID: "a", TenantID: tenant, FactoryID: "f", Config: []byte("one"), Version: "v1", CreatedAt: start}
	must(t, s.ReplaceConnector(ctx, a))
	b := a
	b.ID, b.FactoryID, b.Version = "b", "g", "v2"
	must(t, s.ReplaceConnector(ctx, b))
	if err := s.ReplaceConnector(ctx, b); !errors.Is(err, routing.ErrIDTaken) {
		t.Errorf("the same id again: %v", err)
	}
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	theirs := b
	theirs.TenantID = "t2"
	if err := s.ReplaceConnector(ctx, theirs); !errors.Is(err, routing.ErrIDTaken) {
		t.Errorf("another tenant's id: %v", err)
	}

	got := inUse()
	if got.ID != "b" || got.FactoryID != "g" || string(got.Config) != "one" || got.Version != "v2" || got.CreatedAt != start {
		t.Errorf("in use: %+v", got)
	}
	b.Config, b.Version = []byte("two"), "v3"
	changed, err := s.UpdateConnector(ctx, b, "v1")
	must(t, err)
	equal(t, "update of a version that is gone", changed, false)
	changed, err = s.UpdateConnector(ctx, b, "v2")
	must(t, err)
	equal(t, "update", changed, true)
	equal(t, "config after the update", string(inUse().Config), "two")

	deleted, err := s.DeleteConnector(ctx, "t2", "b")
	must(t, err)
	equal(t, "delete by another tenant", deleted, false)
	deleted, err = s.DeleteConnector(ctx, tenant, "b")
	must(t, err)
	equal(t, "delete", deleted, true)

	for _, err := range inParallel(20, func(i int) error {
		r := a
		r.ID = fmt.Sprint("c", i)
		return s.ReplaceConnector(ctx, r)
	}) {
		must(t, err)
	}
}

func testFallbacks(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	record := func(id string, slot int) routing.Record {
		return routing.Record{
			ID: id, TenantID: tenant, Slot: slot, FactoryID: "f", Config: []byte("of " + id), Version: "v-" + id, CreatedAt: start,
		}
	}
	put := func(was []string, list ...routing.Record) bool {
		t.Helper()
		ok, err := s.ReplaceFallbacks(ctx, tenant, list, was)
		must(t, err)
		return ok
	}
	must(t, s.ReplaceConnector(ctx, record("a", 0)))
	equal(t, "the first fallbacks", put(nil, record("b", 1), record("c", 2)), true)
	equal(t, "fallbacks that were other ones", put([]string{"v-b"}, record("d", 1)), false)
	equal(t, "fallbacks in another order", put([]string{"v-c", "v-b"}, record("d", 1)), false)
	equal(t, "the same ids again", put([]string{"v-b", "v-c"}, record("c", 1), record("b", 2)), true)
	_, err := s.ReplaceFallbacks(ctx, tenant, []routing.Record{record("d", 1), record("a", 2)}, []string{"v-c", "v-b"})
	if !errors.Is(err, routing.ErrIDTaken) {
		t.Errorf("the id of the one in use: %v", err)
	}
	list, err := s.Connectors(ctx, tenant)
	must(t, err)
	if len(list) != 3 || list[0].ID != "a" || list[1].ID != "c" || list[2].ID != "b" || list[2].Slot != 2 || string(list[1].Config) != "of c" {
		t.Errorf("connectors %+v", list)
	}
	must(t, s.ReplaceConnector(ctx, record("e", 0)))
	list, err = s.Connectors(ctx, tenant)
	must(t, err)
	equal(t, "connectors after a change of the one in use", len(list), 3)

	var won atomic.Int32
	for _, err := range inParallel(10, func(i int) error {
		ok, err := s.ReplaceFallbacks(ctx, tenant, []routing.Record{record(fmt.Sprint("p", i), 1)}, []string{"v-c", "v-b"})
		if ok {
			won.Add(1)
		}
		return err
	}) {
		must(t, err)
	}
	equal(t, "changes of the same fallbacks that won", won.Load(), 1)
}

func testKeys(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	k := access.Key{
		ID: "k1", TenantID: tenant, Name: "CI", Scopes: []access.Scope{access.SendMessages, access.Verification},
		Hint: "postern_ab…", Hash: []byte("hash"), CreatedAt: start, ExpiresAt: start.Add(time.Hour),
	}
	must(t, s.InsertKey(ctx, k))
	got, ok, err := s.KeyByHash(ctx, []byte("hash"))
	must(t, err)
	if !ok || got.ID != "k1" || len(got.Scopes) != 2 || got.ExpiresAt != k.ExpiresAt || !got.RevokedAt.IsZero() {
		t.Errorf("by hash: %+v", got)
	}
	_, ok, err = s.KeyByHash(ctx, []byte("other"))
	must(t, err)
	equal(t, "unknown hash", ok, false)
	for want, tenantID := range map[bool]string{false: "t2", true: tenant} {
		ok, err := s.RevokeKey(ctx, tenantID, "k1", start)
		must(t, err)
		equal(t, "revoked by "+tenantID, ok, want)
	}
	ok, err = s.RevokeKey(ctx, tenant, "k1", start)
	must(t, err)
	equal(t, "revoked twice", ok, false)
	list, err := s.ListKeys(ctx, tenant)
	must(t, err)
	if len(list) != 1 || list[0].RevokedAt != start {
		t.Errorf("list: %+v", list)
	}
}

func testInbox(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	const keep = 3
	var ids []string
	for i := range 5 {
		m := inbox.Mail{
			ID: newID(t), TenantID: tenant, MessageID: fmt.Sprint("m", i), To: "Ann@example.com",
			Subject: fmt.Sprint("mail ", i), ReceivedAt: start, Size: 3, Raw: []byte("raw"),
		}
		ids = append(ids, m.ID)
		must(t, s.InsertMail(ctx, m, keep))
	}
	list, total, err := s.ListMails(ctx, tenant, "ann@example.com", 2, 0)
	must(t, err)
	equal(t, "mails kept", total, keep)
	if len(list) != 2 || list[0].ID != ids[4] || list[0].Raw != nil || list[0].Subject != "mail 4" {
		t.Errorf("list: %+v", list)
	}
	_, ok, err := s.Mail(ctx, tenant, ids[0])
	must(t, err)
	equal(t, "dropped mail found", ok, false)
	mail, ok, err := s.Mail(ctx, tenant, ids[4])
	must(t, err)
	if !ok || string(mail.Raw) != "raw" || mail.ReceivedAt != start || mail.To != "Ann@example.com" {
		t.Errorf("mail: %+v", mail)
	}
	again := mail
	again.ID, again.Raw = newID(t), []byte("raw again")
	must(t, s.InsertMail(ctx, again, keep))
	_, total, err = s.ListMails(ctx, tenant, "", 0, 0)
	must(t, err)
	equal(t, "mails after the same message came again", total, keep)
	must(t, s.DeleteMails(ctx, tenant))
	_, total, err = s.ListMails(ctx, tenant, "", 0, 0)
	must(t, err)
	equal(t, "mails after deleting", total, 0)
}

func testIdempotency(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	begin := func(key string, at time.Time) *idempotency.Record {
		t.Helper()
		found, err := s.Begin(ctx, idempotency.Record{Owner: "k1", Key: key, Request: []byte("r"), CreatedAt: at})
		must(t, err)
		return found
	}
	var claimed atomic.Int32
	for _, err := range inParallel(20, func(int) error {
		found, err := s.Begin(ctx, idempotency.Record{Owner: "k1", Key: "a", Request: []byte("r"), CreatedAt: start})
		if err == nil && found == nil {
			claimed.Add(1)
		}
		return err
	}) {
		must(t, err)
	}
	equal(t, "requests that claimed one key", claimed.Load(), 1)

	if found := begin("a", start.Add(idempotency.Lock-time.Second)); found == nil || found.Answer != nil {
		t.Errorf("while it runs: %+v", found)
	}
	if found := begin("a", start.Add(idempotency.Lock)); found != nil {
		t.Errorf("a lost request keeps its key: %+v", found)
	}
	at := start.Add(idempotency.Lock)
	must(t, s.Finish(ctx, idempotency.Record{Owner: "k1", Key: "a", CreatedAt: start, Answer: []byte("of the lost one")}))
	must(t, s.Finish(ctx, idempotency.Record{Owner: "k1", Key: "a", CreatedAt: at, Answer: []byte("answer")}))
	if found := begin("a", at.Add(time.Hour)); found == nil || string(found.Answer) != "answer" || string(found.Request) != "r" {
		t.Errorf("after the answer: %+v", found)
	}
	if found := begin("a", at.Add(idempotency.Keep)); found != nil {
		t.Errorf("after a day: %+v", found)
	}
	begin("b", start)
	must(t, s.Release(ctx, idempotency.Record{Owner: "k1", Key: "b", CreatedAt: start}))
	if found := begin("b", start); found != nil {
		t.Errorf("after its release: %+v", found)
	}
}
