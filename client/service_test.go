package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern"
	"github.com/postern-mail/postern/client"
)

// service is the real thing on a SQLite file, with its built-in inbox.
type service struct {
	url, key string
	stop     func()
}

// startService starts a service; examples have no testing.TB to fail, so that
// it panics.
func startService() *service {
	s, err := newService()
	if err != nil {
		panic(err)
	}
	return s
}

func newService() (*service, error) {
	dir, err := os.MkdirTemp("", "postern-client")
	if err != nil {
		return nil, err
	}
	const key = "the-key-of-the-client-tests"
	p, err := postern.New(context.Background(), postern.Options{DataDir: dir, APIKey: key, AllowReservedDomains: true})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := p.Start(context.Background()); err != nil {
		return nil, errors.Join(err, p.Stop(context.Background()), os.RemoveAll(dir))
	}
	listener := httptest.NewServer(p.Handler())
	return &service{url: listener.URL, key: key, stop: func() {
		listener.Close()
		if err := errors.Join(p.Stop(context.Background()), os.RemoveAll(dir)); err != nil {
			panic(err)
		}
	}}, nil
}

// call asks what the client has no verb for, and reads the answer into out,
// if not nil.
func (s *service) call(method, path, body string, out any) error {
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s %s", method, path, res.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// newestCode reads the code of the newest mail to an address, which is on its
// way: it asks until the mail is there.
func (s *service) newestCode(to string) string {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for range 2000 {
		var mails []struct{ ID string }
		if err := s.call(http.MethodGet, "/api/inbox?to="+to, "", &mails); err != nil {
			panic(err)
		}
		if len(mails) > 0 {
			var mail struct{ Text string }
			if err := s.call(http.MethodGet, "/api/inbox/"+mails[0].ID, "", &mail); err != nil {
				panic(err)
			}
			return regexp.MustCompile(`\b\d{6}\b`).FindString(mail.Text)
		}
		<-again.C
	}
	panic("no mail came")
}

func realService(t *testing.T) (*service, *client.Client) {
	t.Helper()
	s, err := newService()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s, s.client(t, s.key)
}

func (s *service) client(t *testing.T, key string) *client.Client {
	t.Helper()
	c, err := client.New(s.url, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newKey makes an API key with one scope.
func (s *service) newKey(t *testing.T, scope string) string {
	t.Helper()
	var made struct{ Key string }
	if err := s.call(http.MethodPost, "/api/api-keys", `{"name":"test","scopes":["`+scope+`"]}`, &made); err != nil || made.Key == "" {
		t.Fatalf("no key: %v", err)
	}
	return made.Key
}

// The whole life of a code, by the errors that a backend branches on.
func TestCodes(t *testing.T) {
	t.Parallel()
	s, _ := realService(t)
	c := s.client(t, s.newKey(t, "verification"))
	ctx := t.Context()
	verify := func(code, session string) error {
		return c.VerifyCode(ctx, client.Verification{Email: "Ann@Example.com", Code: code, Type: client.Register, SessionID: session})
	}
	if err := verify("123456", "s1"); !errors.Is(err, client.ErrCodeNotFound) {
		t.Errorf("before any was sent: %v", err)
	}
	id, err := c.SendCode(ctx, client.CodeRequest{
		Email: "ann@example.com", Type: client.Register, Locale: "de", UILocales: "de-CH de", SessionID: "s1", IP: "203.0.113.7",
		ApplicationID: "app", OrganizationID: "org", UserID: "user", Payload: map[string]any{"application": map[string]any{"name": "Acme"}},
		Wait: 30 * time.Second,
	})
	if err != nil || id == "" {
		t.Fatalf("%q, %v", id, err)
	}
	code := s.newestCode("ann@example.com")
	if err := verify(code, "s2"); !errors.Is(err, client.ErrCodeNotFound) {
		t.Errorf("in another session: %v", err)
	}
	if err := verify("x"+code, "s1"); !errors.Is(err, client.ErrCodeMismatch) {
		t.Errorf("with another code: %v", err)
	}
	if err := verify(code, "s1"); err != nil {
		t.Errorf("with the code: %v", err)
	}
	if err := verify(code, "s1"); !errors.Is(err, client.ErrCodeNotFound) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := c.Message(ctx, id); !errors.Is(err, client.ErrForbidden) {
		t.Errorf("message, with a key for codes: %v", err)
	}
	message, err := s.client(t, s.key).Message(ctx, id)
	if err != nil || message.ID != id || message.Type != client.Register || message.To != "ann@example.com" || message.Status != client.Sent ||
		message.CreatedAt.IsZero() || message.Deadline.Before(message.CreatedAt) || message.EndedAt.IsZero() ||
		len(message.Attempts) != 1 || message.Attempts[0].Outcome != "sent" || message.Attempts[0].StartedAt.IsZero() || len(message.Events) < 2 {
		t.Errorf("%+v, %v", message, err)
	}
}

func TestTriesEnd(t *testing.T) {
	t.Parallel()
	s, c := realService(t)
	if err := s.call(http.MethodPatch, "/api/sign-in-exp", `{"verificationCodePolicy":{"maxRetryAttempts":1}}`, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendCode(t.Context(), client.CodeRequest{Email: "ann@example.com"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{client.ErrCodeMismatch, client.ErrTooManyTries} {
		if err := c.VerifyCode(t.Context(), client.Verification{Email: "ann@example.com", Code: "x"}); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s, c := realService(t)
	ctx := t.Context()
	_, err := c.SendCode(ctx, client.CodeRequest{Email: "nobody"})
	refused, _ := errors.AsType[*client.Error](err)
	if !errors.Is(err, client.ErrInvalidInput) || len(refused.Issues) != 1 || refused.Issues[0].Path[0] != "email" || refused.RequestID == "" {
		t.Errorf("no address: %#v", err)
	}
	if _, err := c.SendCode(ctx, client.CodeRequest{Email: strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 60) + "example.com"}); !errors.Is(err, client.ErrInvalidInput) {
		t.Errorf("a long address: %v", err)
	}
	if _, err := c.SendCode(ctx, client.CodeRequest{Email: "ann@example.com", Type: client.OrganizationInvitation}); !errors.Is(err, client.ErrInvalidInput) {
		t.Errorf("a type without code: %v", err)
	}
	if _, err := c.Message(ctx, "nothing"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("no message: %v", err)
	}
	if _, err := s.client(t, "pk_unknown").SendCode(ctx, code()); !errors.Is(err, client.ErrUnauthorized) {
		t.Errorf("an unknown key: %v", err)
	}
	if err := s.call(http.MethodPut, "/api/suppressions", `{"email":"gone@example.com"}`, nil); err != nil {
		t.Fatal(err)
	}
	_, err = c.SendCode(ctx, client.CodeRequest{Email: "gone@example.com", Wait: 30 * time.Second})
	if refused, _ := errors.AsType[*client.Error](err); !errors.Is(err, client.ErrNotSent) || refused.MessageID == "" {
		t.Errorf("a suppressed address: %#v", err)
	}
	var connectors []struct{ ID string }
	if err := s.call(http.MethodGet, "/api/connectors", "", &connectors); err != nil || len(connectors) != 1 {
		t.Fatalf("connectors %v, %v", connectors, err)
	}
	if err := s.call(http.MethodDelete, "/api/connectors/"+connectors[0].ID+"?force=true", "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendCode(ctx, code()); !errors.Is(err, client.ErrNoConnector) {
		t.Errorf("without a connector: %v", err)
	}
}

// A key of the caller's own makes two calls one.
func TestOneKeySendsOnce(t *testing.T) {
	t.Parallel()
	s, c := realService(t)
	r := client.MessageRequest{To: "ann@example.com", Type: client.SignIn, Payload: map[string]any{"code": "123456"}, IdempotencyKey: "job-7"}
	first, err := c.SendMessage(t.Context(), r)
	if err != nil || first.Status != client.Accepted {
		t.Fatalf("%+v, %v", first, err)
	}
	if second, err := c.SendMessage(t.Context(), r); err != nil || second != first {
		t.Errorf("%+v, %v, want %+v", second, err, first)
	}
	var messages []struct{ ID string }
	if err := s.call(http.MethodGet, "/api/messages", "", &messages); err != nil || len(messages) != 1 {
		t.Errorf("%d messages, %v", len(messages), err)
	}
	r.To = "bob@example.com"
	refused, ok := errors.AsType[*client.Error](func() error { _, err := c.SendMessage(t.Context(), r); return err }())
	if !ok || refused.Code != "request.idempotency_key_reused" {
		t.Errorf("another mail with the key: %v", refused)
	}
}

// The answer is lost on the way, and the repeat sends nothing anew.
func TestALostAnswerSendsOnce(t *testing.T) {
	t.Parallel()
	s, _ := realService(t)
	lost := 0
	c, err := client.New(s.url, s.key, client.WithHTTPClient(&http.Client{Transport: wire(func(r *http.Request) (*http.Response, error) {
		res, err := http.DefaultTransport.RoundTrip(r)
		if lost++; err == nil && lost == 1 {
			res.Body.Close()
			return nil, io.ErrUnexpectedEOF
		}
		return res, err
	})}))
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.SendCode(t.Context(), code())
	if err != nil || lost != 2 {
		t.Fatalf("%d tries, %v", lost, err)
	}
	var messages []struct{ ID string }
	if err := s.call(http.MethodGet, "/api/messages", "", &messages); err != nil || len(messages) != 1 || messages[0].ID != id {
		t.Errorf("messages %v, %v, want %s alone", messages, err, id)
	}
}

// The eleventh mail to an address within ten minutes is refused, and the
// service says when to come again.
func TestTheRecipientsLimit(t *testing.T) {
	t.Parallel()
	_, c := realService(t)
	for i := range 11 {
		_, err := c.SendCode(t.Context(), code())
		if i < 10 && err != nil {
			t.Fatalf("mail %d: %v", i+1, err)
		}
		if refused, _ := errors.AsType[*client.Error](err); i == 10 && (!errors.Is(err, client.ErrRateLimited) || refused.RetryAfter <= 0) {
			t.Errorf("mail %d: %#v", i+1, err)
		}
	}
}
