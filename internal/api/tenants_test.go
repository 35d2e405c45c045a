package api_test

import (
	"strings"
	"testing"
)

type shownTenant struct {
	ID, Name  string
	CreatedAt int64
}

// tenant makes a tenant and a management key of it.
func (s *service) tenant(id string) (key string) {
	s.t.Helper()
	s.post("/api/tenants", `{"id":"`+id+`","name":"Tenant `+id+`"}`).is(201)
	return read[shownKey](s.doSecretly(request{
		method: "POST", path: "/api/api-keys", key: s.admin,
		body: `{"name":"of ` + id + `","scopes":["management"],"tenantId":"` + id + `"}`,
	}).is(201)).Key
}

func TestTenantIsMadeAndUsed(t *testing.T) {
	t.Parallel()
	s := start(t)
	made := read[shownTenant](s.post("/api/tenants", `{"id":"dev-2","name":"Development"}`).is(201))
	if made.ID != "dev-2" || made.Name != "Development" || made.CreatedAt == 0 {
		t.Errorf("tenant %+v", made)
	}
	random := read[shownTenant](s.post("/api/tenants", `{"name":"Any"}`).is(201))
	if len(random.ID) < 20 || strings.ToLower(random.ID) != random.ID {
		t.Errorf("random id %q", random.ID)
	}
	s.post("/api/tenants", `{"id":"dev-2","name":"Again"}`).refuses(422, "entity.unique_integrity_violation")
	list := read[[]shownTenant](s.get("/api/tenants").is(200))
	if len(list) != 3 || list[0].ID > list[1].ID || list[1].ID > list[2].ID {
		t.Errorf("tenants %+v", list)
	}
	if page := s.get("/api/tenants?page=2&page_size=2").is(200); len(read[[]shownTenant](page)) != 1 || page.header.Get("Total-Number") != "3" {
		t.Errorf("page %s", page.body)
	}

	// It sends with the built-in connector, and has what the default tenant
	// has not.
	key := s.tenant("dev")
	if c := read[[]shownConnector](s.do(request{method: "GET", path: "/api/connectors", key: key}).is(200)); len(c) != 1 || c[0].ConnectorID != "postern-email" {
		t.Errorf("connectors %+v", c)
	}
	s.do(request{method: "POST", path: "/api/verification-codes", key: key, body: `{"email":"ann@example.com"}`, header: map[string]string{"Prefer": "wait=10"}}).is(204)
	if n := len(read[[]message](s.do(request{method: "GET", path: "/api/inbox", key: key}).is(200))); n != 1 {
		t.Errorf("%d mails in its inbox", n)
	}
	if mails := s.get("/api/inbox").is(200).body; mails != "[]\n" {
		t.Errorf("in the default tenant's inbox: %s", mails)
	}
}

// A key of another tenant than the default one sees that tenant alone, and
// learns of no other whether it is there.
func TestTenantSeesItselfAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.tenant("prod")
	key := s.tenant("dev")
	do := func(method, path, body string) answer {
		return s.do(request{method: method, path: path, key: key, body: body})
	}
	if list := read[[]shownTenant](do("GET", "/api/tenants", "").is(200)); len(list) != 1 || list[0].ID != "dev" {
		t.Errorf("tenants %+v", list)
	}
	do("POST", "/api/tenants", `{"id":"more","name":"More"}`).refuses(403, "auth.forbidden")
	do("POST", "/api/api-keys", `{"name":"a","scopes":["management"],"tenantId":"prod"}`).refuses(403, "auth.forbidden")
	do("POST", "/api/api-keys", `{"name":"a","scopes":["management"],"tenantId":"nowhere"}`).refuses(403, "auth.forbidden")
	do("GET", "/api/tenants/dev/configuration", "").is(200)
	do("GET", "/api/audit-logs?tenantId=dev", "").is(200)
	own := s.doSecretly(request{method: "POST", path: "/api/api-keys", key: key, body: `{"name":"a","scopes":["verification"],"tenantId":"dev"}`})
	if made := read[shownKey](own.is(201)); made.TenantID != "dev" {
		t.Errorf("key %+v", made)
	}
	document := s.get("/api/tenants/dev/configuration").is(200).body
	for _, id := range []string{"prod", "default", "nowhere", "NoWhere", "a%00b"} {
		do("GET", "/api/tenants/"+id+"/configuration", "").refuses(404, "entity.not_found")
		do("PUT", "/api/tenants/"+id+"/configuration", document).refuses(404, "entity.not_found")
		do("POST", "/api/tenants/"+id+"/promote", `{"to":"dev"}`).refuses(404, "entity.not_found")
		do("POST", "/api/tenants/dev/promote", `{"to":"`+strings.ReplaceAll(id, "%00", `\u0000`)+`"}`).refuses(404, "entity.not_found")
		do("GET", "/api/audit-logs?tenantId="+id, "").refuses(404, "entity.not_found")
	}
	if with, without := do("GET", "/api/tenants/prod/configuration", "").body, do("GET", "/api/tenants/none/configuration", "").body; strings.ReplaceAll(with, "prod", "none") != without {
		t.Errorf("a tenant that is there and one that is not differ:\n%s%s", with, without)
	}
}

func tenantRefusals() []refusal {
	cases := at("/api/tenants", admin, []refusal{
		{name: "nothing", body: `{}`, fields: "name"},
		{name: "empty name", body: `{"name":""}`, fields: "name"},
		{name: "name with CR LF", body: `{"name":"a\r\nb"}`, fields: "name"},
		{name: "name over 128", body: `{"name":"` + strings.Repeat("x", 129) + `"}`, fields: "name"},
		{name: "id in capitals", body: `{"name":"a","id":"Dev"}`, fields: "id"},
		{name: "id with a dot", body: `{"name":"a","id":"dev.json"}`, fields: "id"},
		{name: "id with NUL", body: `{"name":"a","id":"dev\u0000"}`, fields: "id"},
		{name: "id over 64", body: `{"name":"a","id":"` + strings.Repeat("x", 65) + `"}`, fields: "id"},
		{name: "id in use", body: `{"name":"a","id":"default"}`, status: 422, code: "entity.unique_integrity_violation"},
	})
	cases = append(cases, at("/api/api-keys", admin, []refusal{
		{name: "key of no tenant", body: `{"name":"a","scopes":["management"],"tenantId":"nowhere"}`, status: 422, code: "entity.relation_foreign_key_not_found", fields: "tenantId"},
		{name: "key of a bad tenant", body: `{"name":"a","scopes":["management"],"tenantId":"No Where"}`, status: 422, code: "entity.relation_foreign_key_not_found", fields: "tenantId"},
	})...)
	cases = append(cases, at("/api/tenants/default/promote", admin, []refusal{
		{name: "to nothing", body: `{}`, fields: "to"},
		{name: "to itself", body: `{"to":"default"}`, fields: "to"},
		{name: "to nowhere", body: `{"to":"nowhere"}`, status: 404, code: "entity.not_found"},
		{name: "dryRun a string", body: `{"to":"nowhere","dryRun":"yes"}`, fields: "dryRun"},
	})...)
	cases = append(cases, at("/api/tenants/nowhere/promote", admin, []refusal{
		{name: "from nowhere", body: `{"to":"default"}`, status: 404, code: "entity.not_found"},
	})...)
	cases = append(cases, at("/api/audit-logs?tenantId=nowhere", admin, []refusal{
		{name: "audit of nowhere", method: "GET", status: 404, code: "entity.not_found"},
	})...)
	return append(cases, at("/api/tenants/default/configuration?secrets=plain", admin, []refusal{
		{name: "secrets in plain", method: "GET", fields: "secrets"},
	})...)
}
