package api_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/tenants"
)

type suppressed struct {
	Email, Scope, Reason, Detail string
	MessageID                    *string
	CreatedAt                    int64
}

func suppressionRefusals() []refusal {
	cases := []refusal{
		{name: "nothing", body: `{}`, fields: "email"},
		{name: "unknown scope", body: `{"email":"ann@example.com","scope":"some"}`, fields: "scope"},
		{name: "scope a list", body: `{"email":"ann@example.com","scope":["all"]}`, fields: "scope"},
		{name: "reason with LF", body: `{"email":"ann@example.com","reason":"a\nb"}`, fields: "reason"},
		{name: "reason too long", body: `{"email":"ann@example.com","reason":"` + strings.Repeat("x", 301) + `"}`, fields: "reason"},
		{name: "reason too long in bytes", body: `{"email":"ann@example.com","reason":"` + strings.Repeat("ä", 151) + `"}`, fields: "reason"},
		{
			name: "129 characters", body: `{"email":"` + strings.Repeat("a", 117) + `@example.com"}`,
			status: 422, code: "entity.value_too_long", fields: "email",
		},
	}
	for name, bad := range badAddresses() {
		cases = append(cases, refusal{name: "address: " + name, body: `{"email":"` + bad + `"}`, fields: "email"})
	}
	cases = at("/api/suppressions", admin, cases)
	for i := range cases {
		cases[i].method = "PUT"
	}
	for _, id := range []string{"nobody@example.com", "nothing", "a%00b", "%ff", "a%2fb", "a@b.c,d@e.f"} {
		cases = append(cases, refusal{
			name: "lift " + id, method: "DELETE", path: "/api/suppressions/" + id, who: admin, status: 404, code: "entity.not_found",
		})
	}
	for _, query := range []string{"email=%00", "email=%ff", "search=%0d%0a", "search=" + strings.Repeat("a", 129)} {
		name, _, _ := strings.Cut(query, "=")
		cases = append(cases, refusal{
			name: "list " + query, method: "GET", path: "/api/suppressions?" + query, who: admin,
			status: 400, code: "guard.invalid_input", fields: name,
		})
	}
	return cases
}

func (s *service) suppress(body string) answer {
	s.t.Helper()
	return s.do(request{method: "PUT", path: "/api/suppressions", key: s.admin, body: body})
}

func (s *service) lift(email string) answer {
	s.t.Helper()
	return s.do(request{method: "DELETE", path: "/api/suppressions/" + url.PathEscape(email), key: s.admin})
}

// A suppressed address gets no mail, the caller hears why, and whoever has a
// management key can lift it.
func TestSuppressByHand(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	e := read[suppressed](s.suppress(`{"email":"Ann@example.com","reason":"asked by phone"}`).is(200))
	if e.Email != "Ann@example.com" || e.Scope != "all" || e.Reason != "manual" || e.Detail != "asked by phone" || e.MessageID != nil || e.CreatedAt == 0 {
		t.Errorf("entry %+v", e)
	}
	a := s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"864209"}}`).refuses(400, "connector.general")
	if p := a.problem(); p.Data.Class != "suppressed" || !strings.Contains(p.Message, "asked by phone") ||
		!strings.Contains(p.Message, "DELETE /api/suppressions/{email}") {
		t.Errorf("answer %s", a.body)
	}
	id := a.header.Get("Postern-Message-Id")
	story := read[message](s.get("/api/messages/" + id).is(200))
	last := story.Events[len(story.Events)-1]
	if story.Status != "suppressed" || len(story.Attempts) != 0 || last.Kind != "suppressed" || last.Source != "" || story.Delivery != nil {
		t.Errorf("story %+v", story)
	}
	if !strings.Contains(s.do(request{method: "GET", path: "/metrics"}).body, `postern_messages_total{status="suppressed",type="SignIn"} 1`) {
		t.Error("the figures lack the suppressed message")
	}
	// Accepting is as ever, whoever asks.
	s.do(request{method: "POST", path: "/api/verification-codes", key: s.checker, body: `{"email":"ann@example.com"}`}).is(204)

	s.lift("ANN@example.com").is(204)
	s.lift("ann@example.com").refuses(404, "entity.not_found")
	s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"864210"}}`).is(202)
}

// What only strangers cause is kept back, what the person does is not.
func TestSuppressedForStrangers(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.suppress(`{"email":"ann@example.com","scope":"strangers"}`).is(200)
	for kind, sent := range map[connector.TemplateType]bool{
		connector.Register: false, connector.SignIn: false, connector.ForgotPassword: false,
		connector.Generic: true, connector.MfaVerification: true, connector.BindMfa: true,
	} {
		a := s.sendMessage(`{"to":"ann@example.com","type":"` + string(kind) + `","payload":{"code":"864209","user":{"name":"Ann"}}}`)
		if sent {
			a.is(202)
		} else {
			a.refuses(400, "connector.general")
		}
	}
	s.sendMessage(`{"to":"ann@example.com","type":"OrganizationInvitation","payload":{"link":"https://example.com/1"}}`).refuses(400, "connector.general")
}

func TestSuppressionsAreListed(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, email := range []string{"ann@example.com", "b_b@example.com", "bxb@example.com", "a/c+d@example.org"} {
		s.suppress(`{"email":"` + email + `"}`).is(200)
		s.clock.advance(time.Second)
	}
	for query, want := range map[string]string{
		"":                            "a/c+d@example.org bxb@example.com b_b@example.com ann@example.com",
		"?email=ANN@example.com":      "ann@example.com",
		"?email=ann":                  "",
		"?search=EXAMPLE.COM":         "bxb@example.com b_b@example.com ann@example.com",
		"?search=b_b":                 "b_b@example.com",
		"?search=%25":                 "",
		"?page=2&page_size=3":         "ann@example.com",
		"?search=.com&page_size=1":    "bxb@example.com",
		"?email=a/c%2bd@example.org":  "a/c+d@example.org",
		"?email=a/c%2bd@example.orgx": "",
	} {
		a := s.get("/api/suppressions" + query).is(200)
		var got []string
		for _, e := range read[[]suppressed](a) {
			got = append(got, e.Email)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
		if strings.Contains(query, "page") != (a.header.Get("Total-Number") != "") {
			t.Errorf("%s: headers %v", query, a.header)
		}
	}
	s.lift("a/c+d@example.org").is(204)
	s.lift("a/c+d@example.org").refuses(404, "entity.not_found")
}

// Tenants know nothing of each other's suppressions.
func TestSuppressionsOfAnotherTenant(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	ctx := context.Background()
	if err := s.store.EnsureTenant(ctx, tenants.Tenant{ID: "other", Name: "Other", CreatedAt: s.clock.now()}); err != nil {
		t.Fatal(err)
	}
	_, theirs, err := s.options.Access.Create(ctx, "other", "test", []access.Scope{access.Management}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	as := func(method, path, body string) answer {
		return s.do(request{method: method, path: path, key: theirs, body: body})
	}
	as("PUT", "/api/suppressions", `{"email":"ann@example.com"}`).is(200)
	s.lift("ann@example.com").refuses(404, "entity.not_found")
	if list := s.get("/api/suppressions").is(200).body; list != "[]\n" {
		t.Errorf("seen from here: %s", list)
	}
	s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"864209"}}`).is(202)
	as("DELETE", "/api/suppressions/ann@example.com", "").is(204)
}

// A provider that says at once that there is no such address is asked once.
func TestRefusedAddressIsSuppressed(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.provider.fails(connector.Error{Class: connector.Recipient, Status: 550, Enhanced: "5.1.1", Message: "550 5.1.1 ann unknown"})
	s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"864209"}}`).refuses(400, "connector.general")
	p := s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"864210"}}`).refuses(400, "connector.general").problem()
	if p.Data.Class != "suppressed" || !strings.Contains(p.Message, "550 5.1.1 a*** unknown") {
		t.Errorf("second: %+v", p)
	}
	if n := len(s.provider.mails()); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	e := read[[]suppressed](s.get("/api/suppressions?email=ann@example.com"))
	if len(e) != 1 || e[0].Reason != "bounced" || e[0].Scope != "all" || e[0].MessageID == nil {
		t.Errorf("entry %+v", e)
	}
}
