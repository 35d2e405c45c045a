package api_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/api"
)

// who makes a request of the table.
const (
	nobody  = ""
	admin   = "the management key"
	sender  = "the key with messages:send"
	checker = "the key with verification"
)

// The answers to requests that are refused whatever the state of the service.
type refusal struct {
	name   string
	method string // POST unless given
	path   string
	who    string
	body   string
	header map[string]string

	status int
	code   string
	fields string // at fault, by name, divided by a space
	want   map[string]string
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	for group, cases := range map[string][]refusal{
		"authentication": authRefusals(), "bodies": bodyRefusals(), "codes": codeRefusals(),
		"verify": verifyRefusals(), "messages": messageRefusals(), "connectors": connectorRefusals(),
		"tests of connectors": testRefusals(), "keys": keyRefusals(), "lists": listRefusals(),
		"paths": pathRefusals(), "headers": headerRefusals(), "templates": templateRefusals(),
		"previews": previewRefusals(), "partials": partialRefusals(), "experience": experienceRefusals(),
		"suppressions": suppressionRefusals(), "audit log": auditRefusals(), "invitations": invitationRefusals(),
		"directory": directoryRefusals(),
		"tenants":   tenantRefusals(), "configurations": configurationRefusals(),
	} {
		for _, c := range cases {
			t.Run(group+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, s)
			})
		}
	}
	t.Cleanup(func() { // after all cases
		if mails := s.get("/api/messages").body; mails != "[]\n" {
			t.Errorf("a refused request sent something: %s", mails)
		}
		for _, path := range []string{
			"/api/email-templates", "/api/email-partials", "/api/suppressions", "/api/organization-invitations",
			"/api/applications", "/api/organizations", "/api/organization-roles", "/api/users",
		} {
			if stored := s.get(path).body; stored != "[]\n" {
				t.Errorf("a refused request stored something: %s", stored)
			}
		}
		if n := s.get("/api/audit-logs?page=1").header.Get("Total-Number"); n != "4" { // three keys and a connector
			t.Errorf("%s audit entries: a refused request told of something", n)
		}
	})
}

func (c refusal) run(t *testing.T, s *service) {
	if c.method == "" {
		c.method = "POST"
	}
	keys := map[string]string{admin: s.admin, sender: s.sender, checker: s.checker}
	a := s.do(request{method: c.method, path: c.path, key: keys[c.who], body: c.body, header: c.header})
	a.t = t
	a.refuses(c.status, c.code)
	e := a.problem()
	if want := strings.Fields(c.fields); !slices.Equal(e.paths(), want) {
		t.Errorf("fields at fault %q, want %q: %s", e.paths(), want, a.body)
	}
	if lines := strings.Count(e.Details, "\n") + 1; e.Details != "" && lines != len(e.Data.Issues) {
		t.Errorf("details have %d lines for %d issues: %q", lines, len(e.Data.Issues), e.Details)
	}
	for name, want := range c.want {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if a.header.Get("X-Request-Id") == "" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", a.header)
	}
}

func authRefusals() []refusal {
	challenge := map[string]string{"WWW-Authenticate": "Bearer"}
	with := func(value string) map[string]string { return map[string]string{"Authorization": value} }
	cases := []refusal{
		{name: "no header", status: 401, code: "auth.authorization_header_missing", want: challenge},
		{name: "another scheme", header: with("Basic YTpi"), status: 401, code: "auth.authorization_token_type_not_supported", want: challenge},
		{name: "the key alone", header: with("postern_abc"), status: 401, code: "auth.authorization_token_type_not_supported", want: challenge},
		{name: "unknown key", header: with("Bearer postern_abc"), status: 401, code: "auth.unauthorized", want: challenge},
		{name: "no key", header: with("Bearer"), status: 401, code: "auth.unauthorized", want: challenge},
		{name: "empty key", header: with("Bearer "), status: 401, code: "auth.unauthorized", want: challenge},
		{name: "huge key", header: with("Bearer " + strings.Repeat("x", 100_000)), status: 401, code: "auth.unauthorized", want: challenge},
		{name: "sender asks for a code", who: sender, status: 403, code: "auth.forbidden"},
		{name: "before the body is read", body: "{", status: 401, code: "auth.authorization_header_missing"},
	}
	for i := range cases {
		cases[i].path = "/api/verification-codes"
		if cases[i].body == "" {
			cases[i].body = `{"email":"ann@example.com"}`
		}
	}
	cases = append(cases, needManagement(map[string]string{
		"/api/connector-factories": "GET", "/api/connector-factories/x": "GET", "/api/connectors": "GET POST",
		"/api/connectors/x": "GET PATCH DELETE", "/api/connectors/x/test": "POST", "/api/messages": "GET",
		"/api/messages/x": "GET", "/api/inbox": "GET DELETE", "/api/inbox/x": "GET", "/api/inbox/x.eml": "GET",
		"/api/api-keys": "GET POST", "/api/api-keys/x": "PATCH DELETE",
		"/api/email-templates": "GET PUT DELETE", "/api/email-templates/x": "GET DELETE",
		"/api/email-templates/x/details": "PATCH", "/api/email-templates/x/versions": "GET",
		"/api/email-templates/x/versions/1/restore": "POST", "/api/email-templates/preview": "POST",
		"/api/email-templates/check": "POST", "/api/email-templates/coverage": "GET",
		"/api/email-partials": "GET", "/api/email-partials/x": "GET PUT DELETE", "/api/sign-in-exp": "GET PATCH",
		"/api/suppressions": "GET PUT", "/api/suppressions/x": "DELETE",
		"/api/tenants": "GET POST", "/api/tenants/x/configuration": "GET PUT", "/api/tenants/x/promote": "POST",
		"/api/audit-logs": "GET",
	})...)
	return append(cases,
		refusal{name: "checker sends a mail", path: "/api/messages", who: checker, body: "{}", status: 403, code: "auth.forbidden"},
		refusal{name: "sender checks a code", path: "/api/verification-codes/verify", who: sender, body: "{}", status: 403, code: "auth.forbidden"},
	)
}

// bodyRefusals are bodies that no operation takes.
func bodyRefusals() []refusal {
	huge := `{"email":"ann@example.com","payload":{"x":"` + strings.Repeat("x", 2<<20) + `"}}`
	var cases []refusal
	for _, path := range []string{
		"/api/verification-codes", "/api/verification-codes/verify", "/api/messages", "/api/connectors",
		"/api/connectors/postern-email/test", "/api/api-keys",
	} {
		for _, c := range []refusal{
			{name: "none", header: map[string]string{"Content-Type": "application/json"}},
			{name: "cut off", body: `{"email":"ann@example.com"`},
			{name: "two values", body: `{} {}`},
			{name: "no JSON", body: `email=ann@example.com`},
			{name: "form", body: `email=ann@example.com`, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
			{name: "text", body: `{"email":"ann@example.com"}`, header: map[string]string{"Content-Type": "text/plain"}},
			{name: "not UTF-8", body: "{\"email\":\"ann\xff@example.com\"}"},
			{name: "a list", body: `[]`},
			{name: "a string", body: `"ann@example.com"`},
			{name: "null", body: `null`},
			{name: "2 MiB", body: huge, status: 413, code: "request.body_too_large"},
			{name: "2 MiB with Idempotency-Key", body: huge, header: map[string]string{"Idempotency-Key": "huge"}, status: 413, code: "request.body_too_large"},
		} {
			c.name += " to " + path
			c.path, c.who = path, admin
			if c.status == 0 {
				c.status, c.code, c.fields = 400, "guard.invalid_input", "(all)"
			}
			cases = append(cases, c)
		}
	}
	return cases
}

// badAddresses are not one address, by name.
func badAddresses() map[string]string {
	return map[string]string{
		"empty": "", "no at": "ann", "list": "a@b.c,d@e.f", "list with semicolon": "a@b.c;d@e.f", "list with space": "a@b.c d@e.f",
		"CR LF": `ann@example.com\r\nBcc: eve@example.com`, "CR": `ann\r@example.com`, "LF": `ann@example.com\n`, "NUL": `ann\u0000@example.com`,
		"display name": "Ann <ann@example.com>", "comment": "ann(x)@example.com", "route": "@a.example:ann@example.com",
		"two ats": "ann@eve@example.com", "bidi": `ann\u202e@example.com`, "line separator": `ann\u2028@example.com`,
		"no domain": "ann@", "no name": "@example.com", "domain with underscore and slash": "ann@exa/mple.com",
	}
}

func codeRefusals() []refusal {
	long := strings.Repeat("a", 117) + "@example.com" // 129 characters
	deep := strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17)
	many := "{" + strings.TrimSuffix(strings.Repeat(`"k%":1,`, 501), ",") + "}"
	for i := range 501 {
		many = strings.Replace(many, "%", strings.Repeat("i", i), 1)
	}
	cases := []refusal{
		{name: "nothing", body: `{}`, fields: "email"},
		{name: "null", body: `{"email":null}`, fields: "email"},
		{name: "a number", body: `{"email":1}`, fields: "email"},
		{name: "a list", body: `{"email":["ann@example.com"]}`, fields: "email"},
		{name: "129 characters", body: `{"email":"` + long + `"}`, status: 422, code: "entity.value_too_long", fields: "email"},
		{name: "phone", body: `{"phone":"491701234567"}`, status: 501, code: "connector.not_found"},
		{name: "unknown type", body: `{"email":"ann@example.com","type":"Newsletter"}`, fields: "type"},
		{name: "type in lower case", body: `{"email":"ann@example.com","type":"generic"}`, fields: "type"},
		{name: "type hidden in another case", body: `{"email":"ann@example.com","type":"Generic","TYPE":"Newsletter"}`, fields: "type"},
		{name: "type without code", body: `{"email":"ann@example.com","type":"OrganizationInvitation"}`, fields: "type"},
		{name: "type with CR LF", body: `{"email":"ann@example.com","type":"Generic\r\n"}`, fields: "type"},
		{name: "several", body: `{"email":1,"type":"x","sessionId":2}`, fields: "email sessionId type"},
		{name: "code in payload", body: `{"email":"ann@example.com","payload":{"code":"123456"}}`, fields: "payload.code"},
		{name: "payload a string", body: `{"email":"ann@example.com","payload":"x"}`, fields: "payload"},
		{name: "payload a list", body: `{"email":"ann@example.com","payload":[1]}`, fields: "payload"},
		{name: "payload over 64 KiB", body: `{"email":"ann@example.com","payload":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`, fields: "payload"},
		{name: "payload 17 deep", body: `{"email":"ann@example.com","payload":` + deep + `}`, fields: "payload"},
		{name: "payload 17 deep in lists", body: `{"email":"ann@example.com","payload":{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}}`, fields: "payload"},
		{name: "payload of 501 keys", body: `{"email":"ann@example.com","payload":` + many + `}`, fields: "payload"},
		{name: "session over 128", body: `{"email":"ann@example.com","sessionId":"` + strings.Repeat("s", 129) + `"}`, fields: "sessionId"},
	}
	for name, bad := range badAddresses() {
		cases = append(cases, refusal{name: "address: " + name, body: `{"email":"` + bad + `"}`, fields: "email"})
	}
	for _, field := range []string{"locale", "uiLocales", "applicationId", "organizationId", "userId", "sessionId"} {
		cases = append(cases,
			refusal{name: field + " with CR LF", body: `{"email":"ann@example.com","` + field + `":"x\r\nBcc: eve@example.com"}`, fields: field},
			refusal{name: field + " with NUL", body: `{"email":"ann@example.com","` + field + `":"x\u0000"}`, fields: field},
			refusal{name: field + " a number", body: `{"email":"ann@example.com","` + field + `":1}`, fields: field},
		)
	}
	return at("/api/verification-codes", checker, cases)
}

// at fills in what the cases of one path have in common.
func at(path, who string, cases []refusal) []refusal {
	for i := range cases {
		cases[i].path, cases[i].who = path, who
		if cases[i].status == 0 {
			cases[i].status, cases[i].code = 400, "guard.invalid_input"
		}
	}
	return cases
}

func verifyRefusals() []refusal {
	cases := []refusal{
		{name: "nothing", body: `{}`, fields: "verificationCode"},
		{name: "no email", body: `{"verificationCode":"123456"}`, fields: "email"},
		{name: "empty code", body: `{"email":"ann@example.com","verificationCode":""}`, fields: "verificationCode"},
		{name: "code a number", body: `{"email":"ann@example.com","verificationCode":123456}`, fields: "verificationCode"},
		{name: "none outstanding", body: `{"email":"nobody@example.com","verificationCode":"123456"}`, code: "verification_code.not_found", status: 400},
		{name: "phone", body: `{"phone":"491701234567","verificationCode":"123456"}`, code: "verification_code.not_found", status: 400},
		{name: "type without code", body: `{"email":"ann@example.com","verificationCode":"1","type":"OrganizationInvitation"}`, fields: "type"},
		{name: "session with LF", body: `{"email":"ann@example.com","verificationCode":"1","sessionId":"a\n"}`, fields: "sessionId"},
		{
			name: "129 characters", body: `{"email":"` + strings.Repeat("a", 117) + `@example.com","verificationCode":"1"}`,
			status: 422, code: "entity.value_too_long", fields: "email",
		},
	}
	for name, bad := range badAddresses() {
		cases = append(cases, refusal{name: "address: " + name, body: `{"email":"` + bad + `","verificationCode":"1"}`, fields: "email"})
	}
	return at("/api/verification-codes/verify", checker, cases)
}

func messageRefusals() []refusal {
	cases := []refusal{
		{name: "nothing", body: `{}`, fields: "payload to type"},
		{name: "no type", body: `{"to":"ann@example.com","payload":{}}`, fields: "type"},
		{name: "empty type", body: `{"to":"ann@example.com","type":"","payload":{}}`, fields: "type"},
		{name: "unknown type", body: `{"to":"ann@example.com","type":"Newsletter","payload":{}}`, fields: "type"},
		{name: "payload null", body: `{"to":"ann@example.com","type":"Generic","payload":null}`, fields: "payload"},
		{name: "payload a string", body: `{"to":"ann@example.com","type":"Generic","payload":"x"}`, fields: "payload"},
		{name: "ip with CR LF", body: `{"to":"ann@example.com","type":"Generic","payload":{},"ip":"1.2.3.4\r\n"}`, fields: "ip"},
		{name: "ip over 64", body: `{"to":"ann@example.com","type":"Generic","payload":{},"ip":"` + strings.Repeat("1", 65) + `"}`, fields: "ip"},
		{
			name: "129 characters", body: `{"to":"` + strings.Repeat("a", 117) + `@example.com","type":"Generic","payload":{}}`,
			status: 422, code: "entity.value_too_long", fields: "to",
		},
	}
	for name, bad := range badAddresses() {
		cases = append(cases, refusal{name: "address: " + name, body: `{"to":"` + bad + `","type":"Generic","payload":{}}`, fields: "to"})
	}
	return at("/api/messages", sender, cases)
}

func connectorRefusals() []refusal {
	create := at("/api/connectors", admin, []refusal{
		{name: "nothing", body: `{}`, fields: "connectorId"},
		{name: "unknown factory", body: `{"connectorId":"carrier-pigeon"}`, status: 422, code: "connector.not_found_with_connector_id"},
		{name: "unknown key in config", body: `{"connectorId":"postern-email","config":{"colour":"red"}}`, code: "connector.invalid_config", status: 400, fields: "config.colour"},
		{name: "config a string", body: `{"connectorId":"postern-email","config":"x"}`, code: "connector.invalid_config", status: 400, fields: "config"},
		{name: "wrong type in config", body: `{"connectorId":"test-email","config":{"apiKey":1,"fromEmail":"a@example.com"}}`, code: "connector.invalid_config", status: 400, fields: "config.apiKey"},
		{name: "key missing", body: `{"connectorId":"test-email","config":{"fromEmail":"a@example.com"}}`, code: "connector.invalid_config", status: 400, fields: "config.apiKey"},
		{name: "mask of nothing", body: `{"connectorId":"test-email","config":{"apiKey":"********","fromEmail":"a@example.com"}}`, code: "connector.invalid_config", status: 400, fields: "config.apiKey"},
		{name: "sender with CR LF", body: `{"connectorId":"postern-email","config":{"fromEmail":"a@example.com\r\nBcc: eve@example.com"}}`, code: "connector.invalid_config", status: 400, fields: "config.fromEmail"},
		{name: "metadata", body: `{"connectorId":"postern-email","metadata":{"target":"x"}}`, status: 400, code: "connector.cannot_overwrite_metadata_for_non_standard_connector"},
		{name: "id with slash", body: `{"connectorId":"postern-email","id":"a/b"}`, fields: "id"},
		{name: "id over 128", body: `{"connectorId":"postern-email","id":"` + strings.Repeat("a", 129) + `"}`, fields: "id"},
		{name: "syncProfile a string", body: `{"connectorId":"postern-email","syncProfile":"yes"}`, fields: "syncProfile"},
	})
	other := []refusal{
		{name: "get", method: "GET", status: 404, code: "entity.not_found"},
		{name: "patch", method: "PATCH", body: `{"config":{}}`, status: 404, code: "entity.not_found"},
		{name: "patch nothing", method: "PATCH", body: `{}`, status: 422, code: "entity.invalid_input"},
		{name: "patch without body", method: "PATCH", status: 422, code: "entity.invalid_input"},
		{name: "patch unknown key alone", method: "PATCH", body: `{"colour":"red"}`, status: 422, code: "entity.invalid_input"},
		{name: "patch metadata", method: "PATCH", body: `{"metadata":{"target":"x"}}`, status: 400, code: "connector.cannot_overwrite_metadata_for_non_standard_connector"},
		{name: "delete", method: "DELETE", status: 404, code: "entity.not_found"},
	}
	return append(append(create, at("/api/connectors/nowhere", admin, other)...), at("/api/connectors/a%00b", admin, []refusal{
		{name: "id with NUL", method: "GET", status: 404, code: "entity.not_found"},
	})...)
}

func testRefusals() []refusal {
	const config = `"config":{"apiKey":"` + providerSecret + `","fromEmail":"a@example.com"}`
	cases := at("/api/connectors/test-email/test", admin, []refusal{
		{name: "nothing", body: `{}`, fields: "config"},
		{name: "no config", body: `{"email":"ann@example.com"}`, fields: "config"},
		{name: "no email", body: `{` + config + `}`, fields: "email"},
		{name: "phone", body: `{"phone":"491701234567",` + config + `}`, status: 400, code: "connector.unexpected_type"},
		{name: "list of addresses", body: `{"email":"a@b.c,d@e.f",` + config + `}`, fields: "email"},
		{name: "CR LF in address", body: `{"email":"ann@example.com\r\nBcc: eve@example.com",` + config + `}`, fields: "email"},
		{name: "CR LF in locale", body: `{"email":"ann@example.com","locale":"en\r\n",` + config + `}`, fields: "locale"},
		{name: "unknown type", body: `{"email":"ann@example.com","type":"x",` + config + `}`, fields: "type"},
		{name: "unknown key in config", body: `{"email":"ann@example.com","config":{"colour":1}}`, status: 400, code: "connector.invalid_config", fields: "config.apiKey config.colour config.fromEmail"},
	})
	return append(cases, at("/api/connectors/carrier-pigeon/test", admin, []refusal{
		{name: "unknown factory", body: `{"email":"ann@example.com","config":{}}`, status: 400, code: "connector.not_found"},
	})...)
}

func listRefusals() []refusal {
	var cases []refusal
	for _, path := range []string{"/api/messages", "/api/inbox", "/api/api-keys", "/api/connectors", "/api/connector-factories", "/api/tenants", "/api/audit-logs", "/api/suppressions"} {
		for _, c := range []struct{ query, code, fields string }{
			{"page=0", "guard.invalid_pagination", "page"},
			{"page=-1", "guard.invalid_pagination", "page"},
			{"page=x", "guard.invalid_pagination", "page"},
			{"page=9999999999999999999999", "guard.invalid_pagination", "page"},
			{"page=1000001", "guard.invalid_pagination", "page"},
			{"page=1.5", "guard.invalid_pagination", "page"},
			{"page_size=0", "guard.invalid_pagination", "page_size"},
			{"page_size=101", "guard.invalid_pagination", "page_size"},
			{"page=0&page_size=0", "guard.invalid_pagination", "page page_size"},
		} {
			cases = append(cases, refusal{
				name: path + "?" + c.query, method: "GET", path: path + "?" + c.query, who: admin,
				status: 400, code: c.code, fields: c.fields,
			})
		}
	}
	for query, field := range map[string]string{
		"status=gone": "status", "type=Newsletter": "type", "to=a%00": "to", "to=%ff": "to", "before=%0d%0a": "before",
		"before=" + strings.Repeat("a", 129): "before",
	} {
		cases = append(cases, refusal{
			name: query, method: "GET", path: "/api/messages?" + query, who: admin,
			status: 400, code: "guard.invalid_input", fields: field,
		})
	}
	return append(cases,
		refusal{name: "inbox to", method: "GET", path: "/api/inbox?to=%00", who: admin, status: 400, code: "guard.invalid_input", fields: "to"},
		refusal{name: "force", method: "DELETE", path: "/api/connectors/x?force=perhaps", who: admin, status: 400, code: "guard.invalid_input", fields: "force"},
	)
}

func pathRefusals() []refusal {
	cases := []refusal{}
	for path, allowed := range map[string]string{
		"/api/status": "GET, HEAD", "/healthz": "GET, HEAD", "/metrics": "GET, HEAD", "/api/openapi.json": "GET, HEAD",
		"/api/verification-codes": "POST", "/api/connectors": "GET, HEAD, POST", "/api/connectors/x": "GET, HEAD, PATCH, DELETE",
		"/api/inbox": "GET, HEAD, DELETE", "/api/inbox/x": "GET, HEAD", "/api/inbox/x.eml": "GET, HEAD",
	} {
		for _, method := range []string{"PUT", "OPTIONS", "BREW"} {
			cases = append(cases, refusal{
				name: method + " " + path, method: method, path: path, status: 405, code: "request.method_not_allowed",
				want: map[string]string{"Allow": allowed},
			})
		}
	}
	for _, path := range []string{
		"/", "/api", "/api/", "/api/nothing", "/api/verification-codes/", "/api/verification-codes/x/y",
		"/index.html", "/api/%2e%2e/healthz", "/api/messages/a/b", "/debug/pprof/",
	} {
		cases = append(cases, refusal{name: "no " + path, method: "GET", path: path, status: 404, code: "entity.not_found"})
	}
	for _, path := range []string{"/api/messages/", "/api/inbox/", "/api/connector-factories/"} {
		for _, id := range []string{"nothing", "a%00b", "%ff", "a%2fb", "a.b"} {
			cases = append(cases, refusal{name: "no " + path + id, method: "GET", path: path + id, who: admin, status: 404, code: "entity.not_found"})
		}
	}
	return append(cases, refusal{name: "no mail", method: "GET", path: "/api/inbox/nothing.eml", who: admin, status: 404, code: "entity.not_found"})
}

func headerRefusals() []refusal {
	var cases []refusal
	for name, key := range map[string]string{
		"empty": "", "over 255": strings.Repeat("k", 256), "not ASCII": "schlüssel", "control character": "a\x01b", "tab": "a\tb",
	} {
		cases = append(cases, refusal{
			name: "Idempotency-Key " + name, header: map[string]string{"Idempotency-Key": key},
			body: `{"email":"ann@example.com"}`, fields: "Idempotency-Key",
		})
	}
	return at("/api/verification-codes", checker, cases)
}

// Without a connector nothing is accepted that would have to be sent.
func TestNoConnector(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.post("/api/verification-codes", `{"email":"ann@example.com"}`).refuses(501, "connector.not_found")
	s.post("/api/messages", `{"to":"ann@example.com","type":"SignIn","payload":{"code":"123456"}}`).refuses(501, "connector.not_found")
	if list := s.get("/api/messages").is(200).body; list != "[]\n" {
		t.Errorf("messages: %s", list)
	}
	if list := s.get("/api/connectors").is(200).body; list != "[]\n" {
		t.Errorf("connectors: %s", list)
	}
	// Bad input is told before.
	s.post("/api/verification-codes", `{"email":"ann"}`).refuses(400, "guard.invalid_input")
}

// A body may be 1 MiB, and not a byte more.
func TestLargestBody(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	body := func(size int) string {
		const start = `{"email":"ann@example.com","unknown":"`
		return start + strings.Repeat("x", size-len(start)-2) + `"}`
	}
	for _, header := range [][]string{nil, {"Idempotency-Key", "k"}} {
		s.post("/api/verification-codes", body(1<<20), header...).is(204)
		s.post("/api/verification-codes", body(1<<20+1), header...).refuses(413, "request.body_too_large")
	}
}

// null is nothing a field can hold.
func TestNulls(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.post("/api/connectors", `{"connectorId":"postern-email","config":null}`).refuses(400, "connector.invalid_config")
	s.post("/api/connectors", `{"connectorId":null}`).refuses(400, "guard.invalid_input")
	s.post("/api/connectors/postern-email/test", `{"email":"ann@example.com","config":null}`).refuses(400, "connector.invalid_config")
	s.post("/api/connectors", `{"connectorId":"postern-email","id":null}`).is(200)
	s.post("/api/verification-codes", `{"email":"ann@example.com","type":null,"payload":null,"sessionId":null}`).is(204)
}

// Nobody needs a key for these.
func TestOpenToAll(t *testing.T) {
	t.Parallel()
	s := start(t)
	for path, status := range map[string]int{
		"/api/status": 204, "/healthz": 200, "/readyz": 200, "/metrics": 200, "/api/openapi.json": 200, "/api/docs": 200,
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := s.do(request{method: method, path: path}).is(status)
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			} {
				if got := a.header.Get(name); got != want {
					t.Errorf("%s %s: %s %q, want %q", method, path, name, got, want)
				}
			}
		}
	}
}

// What an operation documents is what the service takes: every option is
// needed, and named when it is missing.
func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := api.New(api.Options{})
	if err == nil {
		t.Fatal("no options were enough")
	}
	for _, name := range slices.Sorted(maps.Keys(map[string]bool{"Access": true, "Router": true, "Keys": true, "Ready": true, "Log": true})) {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}
