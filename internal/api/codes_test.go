package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
)

// lastCode reads the code from the newest mail in the built-in inbox, as a
// person would.
func (s *service) lastCode(to string) string {
	s.t.Helper()
	list := read[[]struct{ ID string }](s.doSecretly(request{method: "GET", path: "/api/inbox?to=" + to, key: s.admin}).is(200))
	if len(list) == 0 {
		s.t.Fatalf("no mail to %s", to)
	}
	mail := read[struct{ Text string }](s.doSecretly(request{method: "GET", path: "/api/inbox/" + list[0].ID, key: s.admin}).is(200))
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(mail.Text)
	if code == "" {
		s.t.Fatalf("no code in %q", mail.Text)
	}
	return code
}

// sendCode asks for a code and waits until it is sent.
func (s *service) sendCode(body string) answer {
	s.t.Helper()
	return s.do(request{
		method: "POST", path: "/api/verification-codes", key: s.checker, body: body,
		header: map[string]string{"Prefer": "wait=10"},
	})
}

func (s *service) verify(body string) answer {
	s.t.Helper()
	return s.do(request{method: "POST", path: "/api/verification-codes/verify", key: s.checker, body: body})
}

func TestCodeIsSentAndVerifiesOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	a := s.sendCode(`{"email":"Ann@example.com","locale":"de","uiLocales":"de en","applicationId":"a","organizationId":"o","userId":"u","payload":{"x":1}}`).is(204)
	id := a.header.Get("Postern-Message-Id")
	if id == "" || a.header.Get("Preference-Applied") != "wait=10" || a.body != "" {
		t.Fatalf("answer %v %q", a.header, a.body)
	}
	code := s.lastCode("ann@example.com")
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	s.verify(`{"email":"ann@example.com","verificationCode":"`+wrong+`"}`).refuses(400, "verification_code.code_mismatch")
	s.verify(`{"email":"ann@example.com","verificationCode":"`+code+`0"}`).refuses(400, "verification_code.code_mismatch")
	s.verify(`{"email":"ann@example.com","verificationCode":" `+code+`"}`).refuses(400, "verification_code.code_mismatch")
	s.verify(`{"email":"ann@example.com","verificationCode":"`+code+`","type":"SignIn"}`).refuses(400, "verification_code.not_found")
	s.verify(`{"email":"ANN@EXAMPLE.com","verificationCode":"` + code + `"}`).is(204)
	s.verify(`{"email":"ann@example.com","verificationCode":"`+code+`"}`).refuses(400, "verification_code.not_found")

	figures := s.do(request{method: "GET", path: "/metrics"}).body
	for _, want := range []string{
		`postern_verifications_total{outcome="verified"} 1`, `postern_verifications_total{outcome="code_mismatch"} 3`,
		`postern_verifications_total{outcome="not_found"} 2`, `postern_messages_total{status="accepted",type="Generic"} 1`,
		`postern_accept_seconds_count 1`,
		`postern_http_request_seconds_count{method="POST",route="/api/verification-codes/verify",status="400"} 5`,
	} {
		if !strings.Contains(figures, want+"\n") {
			t.Errorf("the figures lack %s", want)
		}
	}
	if !strings.Contains(s.log.String(), "message="+id) {
		t.Error("the log does not name the message")
	}
}

func TestCodeBelongsToItsSession(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	s.sendCode(`{"email":"ann@example.com","type":"SignIn","sessionId":"one"}`).is(204)
	code := s.lastCode("ann@example.com")
	s.verify(`{"email":"ann@example.com","type":"SignIn","verificationCode":"`+code+`"}`).refuses(400, "verification_code.not_found")
	s.verify(`{"email":"ann@example.com","type":"SignIn","sessionId":"two","verificationCode":"`+code+`"}`).refuses(400, "verification_code.not_found")
	s.verify(`{"email":"ann@example.com","type":"SignIn","sessionId":"one","verificationCode":"` + code + `"}`).is(204)
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	s.sendCode(`{"email":"ann@example.com"}`).is(204)
	code := s.lastCode("ann@example.com")
	s.clock.advance(10 * time.Minute)
	s.verify(`{"email":"ann@example.com","verificationCode":"`+code+`"}`).refuses(400, "verification_code.expired")
}

func TestTriesAreLimited(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	s.sendCode(`{"email":"ann@example.com"}`).is(204)
	code := s.lastCode("ann@example.com")
	for range 10 {
		s.verify(`{"email":"ann@example.com","verificationCode":"x"}`).refuses(400, "verification_code.code_mismatch")
	}
	s.verify(`{"email":"ann@example.com","verificationCode":"`+code+`"}`).refuses(400, "verification_code.exceed_max_try")
}

// A mail of 128 bytes goes through, and so does one beyond ASCII.
func TestOddAddresses(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	for _, to := range []string{strings.Repeat("a", 60) + "@" + strings.Repeat("b", 55) + ".example.com", "jürgen@müller.example", "o'hara+x@example.com"} {
		if to[0] == 'a' && len(to) != 128 {
			t.Fatalf("%d bytes", len(to))
		}
		s.sendCode(`{"email":"` + to + `"}`).is(204)
	}
}

// What callers give ends in the mail's text at most, never in its headers.
func TestPayloadReachesNoHeader(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	evil := `x\r\nBcc: eve@example.com\r\n\r\nbody`
	s.sendCode(`{"email":"ann@example.com","payload":{"application":{"name":"` + evil + `"},"organization":{"name":"` + evil + `"},"subject":"` + evil + `"}}`).is(204)
	list := read[[]struct{ ID string }](s.doSecretly(request{method: "GET", path: "/api/inbox", key: s.admin}).is(200))
	mail := read[struct {
		Headers []struct{ Name, Value string }
	}](s.doSecretly(request{method: "GET", path: "/api/inbox/" + list[0].ID, key: s.admin}).is(200))
	for _, h := range mail.Headers {
		if strings.EqualFold(h.Name, "Bcc") {
			t.Errorf("a value became the header %s: %s", h.Name, h.Value)
		}
	}
}

func TestWaitForTheVerdict(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	const body = `{"email":"ann@example.com"}`

	s.provider.fails(connector.Error{Class: connector.Recipient, Status: 550, Enhanced: "5.1.1", Message: "550 5.1.1 no such user here"})
	a := s.sendCode(body).refuses(400, "connector.general")
	if e := a.problem(); !strings.Contains(e.Message, "550 5.1.1 no such user here") || e.Data.Class != "recipient" || e.Data.Status != 550 || e.Data.EnhancedStatus != "5.1.1" {
		t.Errorf("the provider's words are lost: %s", a.body)
	}
	if a.header.Get("Postern-Message-Id") == "" {
		t.Error("a call that sent something must name the message")
	}
	s.lift("ann@example.com").is(204)

	s.provider.fails(connector.Error{Class: connector.Permanent, Message: "554 policy"})
	s.sendCode(body).refuses(400, "connector.general")
	// Not in order yet, but not refused for good either.
	for _, class := range []connector.Class{connector.Temporary, connector.ConfigFault, connector.InvalidResponse, connector.Throttled} {
		s.provider.fails(connector.Error{Class: class, Message: "not now"})
		s.sendCode(body).is(204)
	}
	// The provider asks to wait for longer than the code is valid.
	s.provider.fails(connector.Error{Class: connector.Throttled, Message: "429", RetryAfter: time.Hour})
	if a := s.sendCode(body).refuses(429, "connector.rate_limit_exceeded"); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}

	// Without the preference nobody waits.
	s.provider.fails(connector.Error{Class: connector.Permanent, Message: "554 policy"})
	a = s.do(request{method: "POST", path: "/api/verification-codes", key: s.checker, body: body}).is(204)
	if a.header.Get("Preference-Applied") != "" || a.header.Get("Postern-Message-Id") == "" {
		t.Errorf("headers %v", a.header)
	}
}

func TestNoVerdictInTime(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s.provider.answers(func(ctx context.Context, _ connector.Message) error {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	})
	a := s.do(request{
		method: "POST", path: "/api/messages", key: s.sender, header: map[string]string{"Prefer": "respond-async, WAIT=1"},
		body: `{"to":"ann@example.com","type":"SignIn","payload":{"code":"246810"}}`,
	}).is(202)
	if a.header.Get("Preference-Applied") != "wait=1" || !strings.Contains(a.body, `"status":"accepted"`) {
		t.Errorf("answer %v %s", a.header, a.body)
	}
}

// A listener's time-outs for short calls must not cut off a wait.
func TestWaitOutlivesTheListenersTimeouts(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	sending := make(chan struct{})
	s.provider.answers(func(ctx context.Context, _ connector.Message) error {
		timer := time.NewTimer(300 * time.Millisecond) // longer than the time-outs
		defer timer.Stop()
		close(sending)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return nil
	})
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/messages",
		strings.NewReader(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"135791"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.sender)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Prefer", "wait=20")
	out, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	<-sending
	a := answer{t: t, status: out.StatusCode, header: out.Header, body: readAll(t, out.Body)}
	if a.is(202); !strings.Contains(a.body, `"status":"sent"`) {
		t.Errorf("the wait was cut off: %s", a.body)
	}
}

// However many ask at once, a code is used once.
func TestOneOfManyVerifies(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	s.sendCode(`{"email":"ann@example.com"}`).is(204)
	body := fmt.Sprintf(`{"email":"ann@example.com","verificationCode":"%s"}`, s.lastCode("ann@example.com"))
	results := make(chan int)
	for range 50 {
		go func() { results <- s.verify(body).status }()
	}
	verified := 0
	for range 50 {
		if <-results == 204 {
			verified++
		}
	}
	if verified != 1 {
		t.Errorf("the code verified %d times", verified)
	}
}
