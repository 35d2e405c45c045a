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
