package api_test

import (
	"fmt"
	"strings"
	"testing"
)

// Rules for addresses are asked where an address becomes somebody's, and
// nowhere else.
func TestAddressRules(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.set(`{"emailBlocklistPolicy":{"blockDisposableAddresses":true,"blockSubaddressing":true,"customBlocklist":["@evil.example"]}}`)
	ask := func(kind, to string) answer {
		t.Helper()
		return s.sendCode(`{"type":"` + kind + `","email":"` + to + `","payload":{"user":{"id":"u"}}}`)
	}
	for _, kind := range []string{"Register", "BindNewIdentifier"} {
		ask(kind, "eve@evil.example").refuses(422, "session.email_blocklist.email_not_allowed")
		ask(kind, "ann@trash.example").refuses(422, "session.email_blocklist.email_not_allowed")
		ask(kind, "ann+1@mail.example").refuses(422, "session.email_blocklist.email_subaddressing_not_allowed")
	}
	ask("Register", "\u0430nn@mail.example").refuses(422, "session.email_blocklist.mixed_scripts")
	ask("BindNewIdentifier", "\u0430nn@mail.example").is(204)
	for _, kind := range []string{"SignIn", "ForgotPassword", "Generic", "MfaVerification", "UserPermissionValidation", "BindMfa"} {
		ask(kind, "eve@evil.example").is(204)
	}
	ask("Register", "анна@почта.example").is(204)
}

// Reserved names reach no provider. The inbox takes the examples of the
// documents.
func TestReservedDomains(t *testing.T) {
	t.Parallel()
	s := startWith(t, &service{strict: true})
	s.keepMails()
	s.sendCode(`{"email":"ann@example.com"}`).is(204)
	s.sendCode(`{"email":"ann@shop.test"}`).refuses(422, "request.reserved_domain")
	s.useProvider()
	for _, domain := range []string{"example.com", "mail.EXAMPLE.org", "shop.example", "shop.test", "x.invalid", "localhost"} {
		s.sendCode(`{"email":"ann@`+domain+`"}`).refuses(422, "request.reserved_domain")
		s.sendMessage(`{"to":"ann@`+domain+`","type":"SignIn","payload":{"code":"424242"}}`).refuses(422, "request.reserved_domain")
		s.test(`{"email":"ann@`+domain+`","config":`+providerConfig+`}`).refuses(422, "request.reserved_domain")
	}
	s.sendCode(`{"email":"ann@gmail.com"}`).is(204)
	if n := len(s.provider.mails()); n != 1 {
		t.Errorf("%d mails reached the provider", n)
	}
}

// Whoever has codes sent to many strangers is cut off; others go on, and so
// does the attacker's own code.
func TestGuardCutsOffABomber(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	s.set(`{"messageRateLimit":{"ip":{"limit":0}}}`)
	passed := 0
	var last answer
	for i := range 200 {
		last = s.post("/api/verification-codes", fmt.Sprintf(`{"email":"victim%d@mail.example","type":"Register","ip":"203.0.113.66"}`, i))
		if last.status != 204 {
			break
		}
		passed++
	}
	last.refuses(429, "request.message_rate_limited")
	if !strings.Contains(last.body, `"limit":"guard"`) || passed < 5 || passed > 100 {
		t.Errorf("after %d: %s", passed, last.body)
	}
	if wait := last.waitOf(); wait <= 0 {
		t.Errorf("wait %v", wait)
	}
	s.post("/api/verification-codes", `{"email":"ann@mail.example","type":"Register","ip":"198.51.100.7"}`).is(204)
	s.post("/api/verification-codes", `{"email":"bob@mail.example","type":"MfaVerification","ip":"203.0.113.66"}`).is(204)
	metrics := s.do(request{method: "GET", path: "/metrics"}).is(200).body
	if !strings.Contains(metrics, `postern_rate_limited_total{limit="guard"} 1`) {
		t.Error("the refusal is in no figure")
	}
}

// Every type that carries a code is sent with what the directory knows of those
// who are named, and nothing of those it does not have.
func TestTypesAndTheirVariables(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.set(`{"messageRateLimit":{"recipient":{"limit":100}}}`)
	id := func(path, body string) string {
		t.Helper()
		a := s.post(path, body)
		if a.status != 200 && a.status != 201 {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		return read[struct{ ID string }](a).ID
	}
	app := id("/api/applications", `{"name":"shop-web","type":"SPA"}`)
	s.do(request{
		method: "PUT", path: "/api/applications/" + app + "/sign-in-experience", key: s.admin,
		body: `{"displayName":"The Shop","branding":{"logoUrl":"https://cdn.mail.example/logo.png"}}`,
	})
	org := id("/api/organizations", `{"name":"Acme","branding":{"logoUrl":"https://cdn.mail.example/acme.png"}}`)
	user := id("/api/users", `{"name":"Ann Lee","primaryEmail":"ann@mail.example","profile":{"givenName":"Ann"}}`)

	for _, kind := range []string{
		"SignIn", "Register", "ForgotPassword", "Generic", "UserPermissionValidation", "BindNewIdentifier", "MfaVerification", "BindMfa",
	} {
		s.sendCode(`{"email":"ann@mail.example","type":"` + kind + `","applicationId":"` + app + `","organizationId":"` + org +
			`","userId":"` + user + `"}`).is(204)
		got := s.last()
		for path, want := range map[string]string{
			"application.name": "shop-web", "application.displayName": "The Shop",
			"application.branding.logoUrl": "https://cdn.mail.example/logo.png", "organization.name": "Acme",
			"organization.branding.logoUrl": "https://cdn.mail.example/acme.png",
			"user.name":                     "Ann Lee", "user.primaryEmail": "ann@mail.example", "user.profile.givenName": "Ann",
		} {
			if v := valueAt(got, path); v != want {
				t.Errorf("%s: %s is %v, want %s", kind, path, v, want)
			}
		}
		if _, ok := got["user"].(map[string]any)["username"]; ok {
			t.Errorf("%s: a username that the user does not have", kind)
		}
	}
	s.sendCode(`{"email":"ann@mail.example","type":"OrganizationInvitation"}`).refuses(400, "guard.invalid_input")

	// What is not there, or another tenant's, is as if it were not named.
	s.post("/api/tenants", `{"id":"other","name":"Other"}`).is(201)
	theirs := read[struct{ Key string }](s.doSecretly(request{
		method: "POST", path: "/api/api-keys", key: s.admin, body: `{"name":"k","scopes":["management"],"tenantId":"other"}`,
	})).Key
	foreign := read[struct{ ID string }](s.do(request{
		method: "POST", path: "/api/users", key: theirs, body: `{"name":"Eve","primaryEmail":"eve@mail.example"}`,
	})).ID
	s.sendCode(`{"email":"ann@mail.example","type":"BindMfa","userId":"` + foreign + `","applicationId":"nothing"}`).is(204)
	for _, name := range []string{"user", "application", "organization"} {
		if v, ok := s.last()[name]; ok {
			t.Errorf("%s is %v", name, v)
		}
	}
	// What the caller gives goes before what the directory has.
	s.sendCode(`{"email":"ann@mail.example","type":"BindMfa","userId":"` + user + `","payload":{"user":{"name":"Annie"}}}`).is(204)
	if v := valueAt(s.last(), "user.name"); v != "Annie" {
		t.Errorf("user.name is %v", v)
	}
	for _, kind := range []string{"UserPermissionValidation", "BindNewIdentifier", "BindMfa"} {
		for _, user := range []string{``, `,"payload":{"user":"Ann"}`, `,"payload":{"user":null}`} {
			paths := s.sendCode(`{"email":"ann@mail.example","type":"`+kind+`"`+user+`}`).refuses(400, "guard.invalid_input").problem().paths()
			if strings.Join(paths, " ") != "userId" {
				t.Errorf("%s without a user: at fault %v", kind, paths)
			}
		}
	}
}

// last is the payload of the mail that was taken last.
func (s *service) last() map[string]any {
	mails := s.provider.mails()
	return mails[len(mails)-1].Payload
}

// valueAt is a value at a path.
func valueAt(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}
