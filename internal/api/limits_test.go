package api_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
)

// waitOf is what an answer says to wait.
func (a answer) waitOf() time.Duration {
	a.t.Helper()
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		a.t.Fatalf("Retry-After %q", a.header.Get("Retry-After"))
	}
	return time.Duration(seconds) * time.Second
}

// Ten mails in ten minutes go to one address, however it is written; a refused
// one leaves the codes before it valid.
func TestRecipientLimit(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	for i, to := range []string{
		"ann.lee@gmail.com", "AnnLee@gmail.com", "annlee+a@googlemail.com", "a.nnlee@gmail.com", "annlee@gmail.com",
		"annlee+b@gmail.com", "ann.lee@GMAIL.com", "annlee@googlemail.com", "annl.ee@gmail.com", "annlee+c@gmail.com",
	} {
		s.sendCode(`{"email":"` + to + `","type":"` + []string{"SignIn", "Register"}[i%2] + `"}`).is(204)
	}
	refused := s.sendCode(`{"email":"annlee@gmail.com"}`).refuses(429, "request.message_rate_limited")
	if wait := refused.waitOf(); wait > 607*time.Second || wait < 590*time.Second {
		t.Errorf("wait %v", wait)
	}
	s.sendMessage(`{"to":"annlee@gmail.com","type":"SignIn","payload":{"code":"735193"}}`).refuses(429, "request.message_rate_limited")
	s.sendMessage(`{"to":"annlee@gmail.com","type":"OrganizationInvitation","payload":{"link":"https://example.com/1"}}`).is(202)
	s.sendCode(`{"email":"bob@gmail.com"}`).is(204)
	mails := s.mailsTo("annlee+c@gmail.com")
	s.verify(`{"email":"annlee+c@gmail.com","type":"Register","verificationCode":"` + codeIn(mails[0]) + `"}`).is(204)

	s.clock.advance(refused.waitOf())
	s.sendCode(`{"email":"annlee@gmail.com"}`).is(204)
}

// mailsTo are the mails that the provider took for an address as it is
// written.
func (s *service) mailsTo(to string) []connector.Message {
	var mails []connector.Message
	for _, m := range s.provider.mails() {
		if m.To == to {
			mails = append(mails, m)
		}
	}
	return mails
}

func codeIn(m connector.Message) string { return m.Payload["code"].(string) }

func TestLimitsOfClientAndTenant(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.set(`{"messageRateLimit":{"ip":{"limit":3,"window":60},"tenant":{"limit":7,"window":60}}}`)
	ask := func(i int, ip string) answer {
		t.Helper()
		return s.sendCode(fmt.Sprintf(`{"email":"n%d@mail.example","ip":"%s"}`, i, ip))
	}
	for i := range 3 {
		ask(i, fmt.Sprintf("2001:db8::%d", i)).is(204)
	}
	limit := func(a answer) string {
		t.Helper()
		var e struct{ Data struct{ Limit string } }
		a.refuses(429, "request.message_rate_limited").into(&e)
		return e.Data.Limit
	}
	if got := limit(ask(3, "2001:db8::ffff:1")); got != "ip" {
		t.Errorf("limit %q", got)
	}
	for i := 4; i < 7; i++ {
		ask(i, "2001:db8:0:1::1").is(204)
	}
	ask(8, "").is(204)
	if got := limit(ask(9, "")); got != "tenant" {
		t.Errorf("limit %q", got)
	}
	s.clock.advance(62 * time.Second)
	ask(10, "2001:db8::1").is(204)
}

// A mail that we could not send does not count; one to nobody does, so that
// the limit does not tell who there is.
func TestFailedMailsAndTheLimit(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.provider.fails(connector.Error{Class: connector.Permanent, Message: "no"})
	for range 12 {
		s.sendCode(`{"email":"ann@mail.example"}`).refuses(400, "connector.general")
	}
	s.provider.fails(connector.Error{Class: connector.Recipient, Message: "nobody"})
	for range 10 {
		s.sendCode(`{"email":"bob@mail.example"}`).refuses(400, "connector.general")
	}
	s.sendCode(`{"email":"bob@mail.example"}`).refuses(429, "request.message_rate_limited")
}

// After too many wrong tries at an address no code of it is looked at.
func TestLockout(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.set(`{"sentinelPolicy":{"maxAttempts":5,"lockoutDuration":10}}`)
	s.sendCode(`{"email":"Ann@mail.example","type":"SignIn"}`).is(204)
	s.sendCode(`{"email":"ann@mail.example","type":"Register"}`).is(204)
	mails := s.mailsTo("ann@mail.example")
	try := func(kind, code string) answer {
		t.Helper()
		return s.verify(`{"email":"ANN@mail.example","type":"` + kind + `","verificationCode":"` + code + `"}`)
	}
	for i := range 5 {
		try([]string{"SignIn", "Register"}[i%2], "x").refuses(400, "verification_code.code_mismatch")
	}
	right := codeIn(mails[0])
	blocked := try("Register", right).refuses(400, "session.verification_blocked_too_many_attempts")
	if wait := blocked.waitOf(); wait > 10*time.Minute {
		t.Errorf("wait %v", wait)
	}
	s.sendCode(`{"email":"ann@mail.example","type":"Register"}`).is(204) // a code may be asked for meanwhile
	s.clock.advance(blocked.waitOf() - time.Second)
	try("Register", right).refuses(400, "session.verification_blocked_too_many_attempts")
	s.clock.advance(time.Second)
	if a := try("Register", right); a.status == 400 && a.problem().Code == "session.verification_blocked_too_many_attempts" {
		t.Error("still blocked")
	}
}
