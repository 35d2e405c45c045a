package api_test

import (
	"fmt"
	"testing"
	"time"
)

type shownKey struct {
	ID, TenantID         string
	Name, Hint, Key      string
	Scopes               []string
	CreatedAt            int64
	ExpiresAt, RevokedAt *int64
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
