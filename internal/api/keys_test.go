package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

type shownKey struct {
	ID, TenantID         string
	Name, Hint, Key      string
	Scopes               []string
	CreatedAt            int64
	ExpiresAt, RevokedAt *int64
	LastUsedAt           *int64
}

func TestKeyIsMadeUsedAndRevoked(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.doSecretly(request{
		method: "POST", path: "/api/api-keys", key: s.admin,
		body: `{"name":"Backend","scopes":["verification","verification"],"expiresAt":null}`,
	}).is(201)
	made := read[shownKey](a)
	if made.Key == "" || made.Name != "Backend" || len(made.Scopes) != 1 || made.Scopes[0] != "verification" || made.ExpiresAt != nil ||
		made.TenantID != "default" || made.Hint == "" || made.Hint == made.Key || made.CreatedAt == 0 {
		t.Fatalf("key %+v", made)
	}
	use := func() answer {
		return s.do(request{
			method: "POST", path: "/api/verification-codes/verify", key: made.Key,
			body: `{"email":"ann@example.com","verificationCode":"1"}`,
		})
	}
	use().refuses(400, "verification_code.not_found")
	s.do(request{method: "GET", path: "/api/messages", key: made.Key}).refuses(403, "auth.forbidden")

	list := read[[]shownKey](s.get("/api/api-keys").is(200)) // in searched answers: none shows a key
	if len(list) != 4 || list[3].ID != made.ID || list[3].Key != "" || list[3].RevokedAt != nil {
		t.Errorf("keys %+v", list)
	}
	s.do(request{method: "DELETE", path: "/api/api-keys/" + made.ID, key: s.admin}).is(204)
	use().refuses(401, "auth.unauthorized")
	s.do(request{method: "DELETE", path: "/api/api-keys/" + made.ID, key: s.admin}).refuses(404, "entity.not_found")
	if list := read[[]shownKey](s.get("/api/api-keys?page=2&page_size=3").is(200)); len(list) != 1 || list[0].RevokedAt == nil {
		t.Errorf("keys %+v", list)
	}
}

func TestKeyExpires(t *testing.T) {
	t.Parallel()
	s := start(t)
	until := s.clock.now().Add(time.Hour).UnixMilli()
	made := read[shownKey](s.doSecretly(request{
		method: "POST", path: "/api/api-keys", key: s.admin,
		body: fmt.Sprintf(`{"name":"Short","scopes":["management"],"expiresAt":%d}`, until),
	}).is(201))
	if made.ExpiresAt == nil || *made.ExpiresAt != until {
		t.Fatalf("key %+v", made)
	}
	s.do(request{method: "GET", path: "/api/messages", key: made.Key}).is(200)
	s.clock.advance(time.Hour)
	s.do(request{method: "GET", path: "/api/messages", key: made.Key}).refuses(401, "auth.unauthorized")
}

// A change of a key gives it another name or expiry; neither scopes nor a
// second life.
func TestKeyIsChanged(t *testing.T) {
	t.Parallel()
	s := start(t)
	until := s.clock.now().Add(time.Hour).UnixMilli()
	made := read[shownKey](s.doSecretly(request{
		method: "POST", path: "/api/api-keys", key: s.admin,
		body: fmt.Sprintf(`{"name":"Short","scopes":["verification"],"expiresAt":%d}`, until),
	}).is(201))
	change := func(body string) answer {
		return s.do(request{method: "PATCH", path: "/api/api-keys/" + made.ID, key: s.admin, body: body})
	}
	if k := read[shownKey](change(`{"name":"Long","scopes":["management"],"tenantId":"x"}`).is(200)); k.Name != "Long" ||
		len(k.Scopes) != 1 || k.Scopes[0] != "verification" || k.ExpiresAt == nil || *k.ExpiresAt != until || k.Key != "" || k.TenantID != "default" {
		t.Errorf("renamed %+v", k)
	}
	if k := read[shownKey](change(`{"expiresAt":null}`).is(200)); k.ExpiresAt != nil || k.Name != "Long" {
		t.Errorf("without end %+v", k)
	}
	if k := read[shownKey](change(fmt.Sprintf(`{"expiresAt":%d}`, until)).is(200)); k.ExpiresAt == nil || *k.ExpiresAt != until {
		t.Errorf("with an end again %+v", k)
	}
	change(`{"name":"x","expiresAt":1000}`).refuses(400, "guard.invalid_input")
	change(`{"name":"a\r\nb"}`).refuses(400, "guard.invalid_input")
	if list := read[[]shownKey](s.get("/api/api-keys").is(200)); list[3].Name != "Long" || *list[3].ExpiresAt != until {
		t.Errorf("stored %+v", list[3])
	}
	s.clock.advance(time.Hour)
	change(`{"expiresAt":null}`).refuses(404, "entity.not_found")
}

// A request leaves a mark on its key, which is written later.
func TestKeyWasUsed(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.do(request{method: "GET", path: "/api/inbox", key: s.sender}).refuses(403, "auth.forbidden")
	if list := read[[]shownKey](s.get("/api/api-keys").is(200)); list[0].LastUsedAt != nil {
		t.Errorf("keys %+v", list)
	}
	if err := s.options.Access.StoreUses(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := read[[]shownKey](s.get("/api/api-keys").is(200))
	if list[0].LastUsedAt == nil || list[1].LastUsedAt == nil || list[2].LastUsedAt != nil {
		t.Errorf("keys %+v", list)
	}
}

// Keys of the default tenant manage all keys; others see their own alone, and
// learn of no other whether it is there.
func TestKeysOfTenants(t *testing.T) {
	t.Parallel()
	s := start(t)
	prod, dev := s.tenant("prod"), s.tenant("dev")
	ofProd := read[[]shownKey](s.get("/api/api-keys?tenantId=prod&page=1").is(200))
	if len(ofProd) != 1 || ofProd[0].TenantID != "prod" {
		t.Fatalf("keys of prod %+v", ofProd)
	}
	for _, id := range []string{"prod", "default", "nowhere", "No%20Where", "%00"} {
		s.withKey(dev, "GET", "/api/api-keys?tenantId="+id, "").refuses(404, "entity.not_found")
	}
	if list := read[[]shownKey](s.withKey(dev, "GET", "/api/api-keys?tenantId=dev", "").is(200)); len(list) != 1 || list[0].TenantID != "dev" {
		t.Errorf("keys of dev %+v", list)
	}
	s.get("/api/api-keys?tenantId=nowhere").refuses(404, "entity.not_found")
	admins := read[[]shownKey](s.get("/api/api-keys").is(200))[0].ID
	for _, id := range []string{ofProd[0].ID, admins, "00000000-0000-4000-8000-000000000000"} {
		there := s.withKey(dev, "DELETE", "/api/api-keys/"+id, "").refuses(404, "entity.not_found")
		s.withKey(dev, "PATCH", "/api/api-keys/"+id, `{"name":"mine"}`).refuses(404, "entity.not_found")
		if nowhere := s.withKey(dev, "DELETE", "/api/api-keys/nothing", ""); there.body != nowhere.body {
			t.Errorf("a key that is there and one that is not differ:\n%s%s", there.body, nowhere.body)
		}
	}
	s.withKey(prod, "GET", "/api/inbox", "").is(200)
	if k := read[shownKey](s.withKey(s.admin, "PATCH", "/api/api-keys/"+ofProd[0].ID, `{"name":"of the other"}`).is(200)); k.Name != "of the other" || k.TenantID != "prod" {
		t.Errorf("renamed %+v", k)
	}
	s.withKey(s.admin, "DELETE", "/api/api-keys/"+ofProd[0].ID, "").is(204)
	s.withKey(prod, "GET", "/api/inbox", "").refuses(401, "auth.unauthorized")
	if log := s.get("/api/audit-logs?tenantId=prod&action=api-key.revoked").body; strings.Count(log, admins) != 1 || strings.Count(log, ofProd[0].ID) != 1 {
		t.Errorf("audit log %s", log)
	}
}

func keyRefusals() []refusal {
	return append(at("/api/api-keys", admin, []refusal{
		{name: "nothing", body: `{}`, fields: "name scopes"},
		{name: "empty name", body: `{"name":"","scopes":["management"]}`, fields: "name"},
		{name: "name over 128", body: `{"name":"` + strings.Repeat("x", 129) + `","scopes":["management"]}`, fields: "name"},
		{name: "name of spaces", body: `{"name":"  ","scopes":["management"]}`, fields: "name"},
		{name: "name with CR LF", body: `{"name":"a\r\nb","scopes":["management"]}`, fields: "name"},
		{name: "no scope", body: `{"name":"a","scopes":[]}`, fields: "scopes"},
		{name: "scopes null", body: `{"name":"a","scopes":null}`, fields: "scopes"},
		{name: "unknown scope", body: `{"name":"a","scopes":["management","root"]}`, fields: "scopes[1]"},
		{name: "expired", body: `{"name":"a","scopes":["management"],"expiresAt":1000}`, fields: "expiresAt"},
		{name: "expiry a string", body: `{"name":"a","scopes":["management"],"expiresAt":"tomorrow"}`, fields: "expiresAt"},
		{name: "expiry a fraction", body: `{"name":"a","scopes":["management"],"expiresAt":1.5}`, fields: "expiresAt"},
	}), at("/api/api-keys/nothing", admin, []refusal{
		{name: "delete", method: "DELETE", status: 404, code: "entity.not_found"},
		{name: "change", method: "PATCH", body: `{"name":"a"}`, status: 404, code: "entity.not_found"},
		{name: "empty name", method: "PATCH", body: `{"name":""}`, fields: "name"},
		{name: "name a number", method: "PATCH", body: `{"name":1}`, fields: "name"},
		{name: "expiry a string", method: "PATCH", body: `{"expiresAt":"tomorrow"}`, fields: "expiresAt"},
		{name: "expiry a fraction", method: "PATCH", body: `{"expiresAt":1.5}`, fields: "expiresAt"},
	})...)
}
