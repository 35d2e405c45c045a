package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/client"
)

const secretKey = "pk_s3cret-Zq8-key"

// wire answers requests without a network, so that a test's time may be that
// of package synctest.
type wire func(r *http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func (w wire) client(t *testing.T, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New("https://postern.internal:3001", secretKey,
		append([]client.Option{client.WithHTTPClient(&http.Client{Transport: w})}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answer is what a wire answers; headers are name and value in turn.
func answer(status int, body string, headers ...string) (*http.Response, error) {
	w := httptest.NewRecorder()
	for i := 0; i+1 < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	w.WriteString(body)
	return w.Result(), nil
}

func code() client.CodeRequest { return client.CodeRequest{Email: "ann@example.com"} }

// A request whose answer was lost, or that a proxy had no service to pass to,
// is made again with the same key, and no other request is.
func TestRepeats(t *testing.T) {
	t.Parallel()
	type step func() (*http.Response, error)
	sent := func() (*http.Response, error) { return answer(204, "", "Postern-Message-Id", "m1") }
	status := func(status int, body string, headers ...string) step {
		return func() (*http.Response, error) { return answer(status, body, headers...) }
	}
	lost := func() (*http.Response, error) { return nil, &net.OpError{Op: "read", Err: syscall.ECONNRESET} }
	cut := func() (*http.Response, error) {
		res, _ := answer(204, "", "Postern-Message-Id", "m1")
		res.Body = io.NopCloser(io.MultiReader(strings.NewReader("x"), failing{}))
		return res, nil
	}
	running := status(409, `{"code":"request.idempotency_in_progress","message":"Still running."}`, "Retry-After", "1")
	for name, tt := range map[string]struct {
		steps []step
		tries int
		code  int // status of the error; 0 for success, -1 for an error without
	}{
		"at once":                      {[]step{sent}, 1, 0},
		"lost, then sent":              {[]step{lost, sent}, 2, 0},
		"answer cut off, then sent":    {[]step{cut, sent}, 2, 0},
		"502, 504, then sent":          {[]step{status(502, "bad gateway"), status(504, "late"), sent}, 3, 0},
		"503 three times":              {[]step{status(503, ""), status(503, ""), status(503, "")}, 3, 503},
		"lost three times":             {[]step{lost, lost, lost}, 3, -1},
		"503 with its time":            {[]step{status(503, "", "Retry-After", "30")}, 1, 503},
		"500":                          {[]step{status(500, `{"code":"entity.internal_error","message":"Sorry."}`)}, 1, 500},
		"400":                          {[]step{status(400, `{"code":"guard.invalid_input","message":"Bad."}`)}, 1, 400},
		"429":                          {[]step{status(429, `{"code":"request.message_rate_limited","message":"Later."}`)}, 1, 429},
		"a redirect":                   {[]step{status(307, "", "Location", "https://elsewhere.example/")}, 1, 307},
		"lost, still running, sent":    {[]step{lost, running, sent}, 3, 0},
		"another's key, still running": {[]step{running}, 1, 409},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var keys []string
				c := wire(func(r *http.Request) (*http.Response, error) {
					if len(keys) == len(tt.steps) {
						t.Error("one try too many")
						return sent()
					}
					body, _ := io.ReadAll(r.Body)
					if string(body) != `{"email":"ann@example.com"}`+"\n" {
						t.Errorf("try %d sends %q", len(keys)+1, body)
					}
					keys = append(keys, r.Header.Get("Idempotency-Key"))
					return tt.steps[len(keys)-1]()
				}).client(t)
				id, err := c.SendCode(t.Context(), code())
				refused, isAnswer := errors.AsType[*client.Error](err)
				switch {
				case tt.code == 0 && (err != nil || id != "m1"):
					t.Errorf("%q, %v", id, err)
				case tt.code > 0 && (!isAnswer || refused.Status != tt.code):
					t.Errorf("error %v, want status %d", err, tt.code)
				case tt.code < 0 && (isAnswer || !errors.Is(err, syscall.ECONNRESET)):
					t.Errorf("error %v, want the lost connection", err)
				}
				if len(keys) != tt.tries || len(slices.Compact(keys)) != 1 || keys[0] == "" {
					t.Errorf("%d tries with the keys %q, want %d with one", len(keys), keys, tt.tries)
				}
			})
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Calls whose repeat could do another thing are made once.
func TestStatusChangesAreNotRepeated(t *testing.T) {
	t.Parallel()
	tries := 0
	c := wire(func(*http.Request) (*http.Response, error) {
		tries++
		return answer(503, "")
	}).client(t)
	if _, err := c.RevokeInvitation(t.Context(), "i1"); err == nil || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestKeysAreDrawnAnewForEachCall(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	c := wire(func(r *http.Request) (*http.Response, error) {
		seen[r.Header.Get("Idempotency-Key")] = true
		return answer(204, "", "Postern-Message-Id", "m1")
	}).client(t)
	own := code()
	own.IdempotencyKey = "order-17"
	for _, r := range []client.CodeRequest{code(), code(), own} {
		if _, err := c.SendCode(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 3 || !seen["order-17"] {
		t.Errorf("keys %v", seen)
	}
}

// A service that never answers costs the time-out, and the caller's context
// ends a pause.
func TestCallsEnd(t *testing.T) {
	t.Parallel()
	hang := wire(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	for name, tt := range map[string]struct {
		c    wire
		ctx  time.Duration // of the caller; 0 for none
		wait time.Duration
		want time.Duration
	}{
		"after 10 s":                      {hang, 0, 0, 10 * time.Second},
		"later by what the service waits": {hang, 0, 5 * time.Second, 15 * time.Second},
		"with the context":                {hang, time.Second, 0, time.Second},
		"with the context, between two tries": {func(*http.Request) (*http.Response, error) {
			return answer(503, "")
		}, 50 * time.Millisecond, 0, 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, begin := t.Context(), time.Now()
				if tt.ctx != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.ctx)
					defer cancel()
				}
				r := code()
				r.Wait = tt.wait
				_, err := tt.c.client(t).SendCode(ctx, r)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
				if took := time.Since(begin); took != tt.want { // of the bubble, exact
					t.Errorf("ended after %v, want %v", took, tt.want)
				}
			})
		})
	}
}

// Each error code of the contract is the error that callers know it by.
func TestErrors(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		"400 verification_code.code_mismatch":                client.ErrCodeMismatch,
		"400 verification_code.expired":                      client.ErrCodeExpired,
		"400 verification_code.not_found":                    client.ErrCodeNotFound,
		"400 verification_code.exceed_max_try":               client.ErrTooManyTries,
		"400 session.verification_blocked_too_many_attempts": client.ErrBlocked,
		"429 request.message_rate_limited":                   client.ErrRateLimited,
		"429 connector.rate_limit_exceeded":                  client.ErrRateLimited,
		"400 connector.general":                              client.ErrNotSent,
		"400 connector.template_not_found":                   client.ErrNotSent,
		"501 connector.not_found":                            client.ErrNoConnector,
		"400 guard.invalid_input":                            client.ErrInvalidInput,
		"422 entity.value_too_long":                          client.ErrInvalidInput,
		"422 entity.unique_integrity_violation":              client.ErrExists,
		"404 entity.not_found":                               client.ErrNotFound,
		"401 auth.unauthorized":                              client.ErrUnauthorized,
		"403 auth.forbidden":                                 client.ErrForbidden,
		"500 entity.internal_error":                          nil,
	} {
		var status int
		var code string
		if _, err := fmt.Sscan(body, &status, &code); err != nil {
			t.Fatal(err)
		}
		c := wire(func(*http.Request) (*http.Response, error) {
			return answer(status, `{"code":"`+code+`","message":"No."}`, "X-Request-Id", "r1")
		}).client(t)
		err := c.VerifyCode(t.Context(), client.Verification{Email: "ann@example.com", Code: "123456"})
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || refused.Status != status || refused.Code != code || refused.Message != "No." || refused.RequestID != "r1" {
			t.Errorf("%s: %#v", body, err)
		}
		if want == nil && refused.Unwrap() != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s is not %v", body, want)
		}
	}
}

func TestErrorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	c := wire(func(*http.Request) (*http.Response, error) {
		return answer(429, `{"code":"guard.invalid_input","message":"The request is not valid.","data":{"issues":[
			{"path":["templates",0,"subject"],"code":"required","message":"is missing"},{"path":[],"code":"x","message":"all wrong"}]}}`,
			"Retry-After", "7", "Postern-Message-Id", "m9")
	}).client(t)
	_, err := c.SendCode(t.Context(), code())
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || refused.RetryAfter != 7*time.Second || refused.MessageID != "m9" || len(refused.Issues) != 2 {
		t.Fatalf("%#v", err)
	}
	want := "postern: The request is not valid. templates[0].subject: is missing all wrong (guard.invalid_input)"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

// Only Postern's own success is one: what a proxy or another program answers
// never passes for a code that was right, nor for a mail that was taken.
func TestStrangersAnswerNothing(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]wire{
		"a friendly page":    func(*http.Request) (*http.Response, error) { return answer(200, "<html>Welcome</html>") },
		"a friendly object":  func(*http.Request) (*http.Response, error) { return answer(200, `{"id":"m1"}`) },
		"taken, by whom":     func(*http.Request) (*http.Response, error) { return answer(202, `{}`) },
		"a redirect":         func(*http.Request) (*http.Response, error) { return answer(302, "", "Location", "/login") },
		"a page of an error": func(*http.Request) (*http.Response, error) { return answer(404, "<html>404</html>") },
		"an endless answer": func(*http.Request) (*http.Response, error) {
			res, _ := answer(204, "")
			res.Body = io.NopCloser(endless{})
			return res, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := respond.client(t)
			if err := c.VerifyCode(t.Context(), client.Verification{Email: "ann@example.com", Code: "123456"}); err == nil {
				t.Error("the code was right")
			}
			if id, err := c.SendCode(t.Context(), code()); err == nil {
				t.Errorf("sent as %q", id)
			}
			if m, err := c.Message(t.Context(), "m1"); err == nil && name != "a friendly object" {
				t.Errorf("message %+v", m)
			}
		})
	}
	empty := wire(func(*http.Request) (*http.Response, error) { return answer(204, "") }).client(t)
	if id, err := empty.SendCode(t.Context(), code()); err == nil {
		t.Errorf("sent as %q without an id", id)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte("a"), len(b))), nil }

// The key goes to the service alone, and is shown nowhere.
func TestTheKeyStaysSecret(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+secretKey {
			t.Errorf("Authorization %q", got)
		}
		if strings.HasSuffix(r.URL.Path, "/verify") {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		text, _ := json.Marshal("got " + r.Header.Get("Authorization"))
		fmt.Fprintf(w, `{"code":"x.y","message":%s,"data":{"issues":[{"path":["a"],"code":"c","message":%s}]}}`, text, text)
	}))
	defer echo.Close()
	c, err := client.New(echo.URL+"/behind/a/proxy/", secretKey, client.WithHTTPClient(&http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return nil }, // the caller's own way
	}))
	if err != nil {
		t.Fatal(err)
	}
	gone := wire(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }).client(t)
	_, echoed := c.SendCode(t.Context(), code())
	redirected := c.VerifyCode(t.Context(), client.Verification{Email: "ann@example.com", Code: "918273"})
	lost := gone.VerifyCode(t.Context(), client.Verification{Email: "ann@example.com", Code: "918273"})
	_, refused := client.New("https://"+secretKey+"@postern.internal", secretKey)
	_, broken := client.New("https://postern.internal", secretKey+"\n")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "client", c, "error", echoed)
	var shown strings.Builder
	for _, v := range []any{c, *c, struct{ c *client.Client }{c}, echoed, redirected, lost, refused, broken, log.String()} {
		fmt.Fprintf(&shown, "%v %+v %#v %s %q %d\n", v, v, v, v, v, v)
	}
	for _, err := range []error{echoed, redirected, lost, refused, broken} {
		if err == nil {
			t.Error("no error")
		}
	}
	for _, secret := range []string{secretKey, "918273", "ann@example.com"} {
		if strings.Contains(shown.String(), secret) {
			t.Errorf("%q is shown:\n%s", secret, &shown)
		}
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "postern.internal:3001", "ftp://postern.internal", "https://", "https://x/?a=b", "https://x/#a", "http://a b/"} {
		if _, err := client.New(base, secretKey); err == nil {
			t.Errorf("base URL %q is taken", base)
		}
	}
	for _, key := range []string{"", " key", "key\r\nX-Other: 1", "schlüssel"} {
		if _, err := client.New("https://postern.internal", key); err == nil {
			t.Errorf("key %q is taken", key)
		}
	}
	if _, err := client.New("https://postern.internal", secretKey, client.WithTimeout(0)); err == nil {
		t.Error("no time at all is taken")
	}
	c := wire(func(r *http.Request) (*http.Response, error) {
		t.Errorf("asked for %s", r.URL)
		return answer(200, "{}")
	}).client(t)
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.Message(t.Context(), id); err == nil {
			t.Errorf("id %q is taken", id)
		}
	}
	for _, wait := range []time.Duration{-time.Second, time.Millisecond, 1500 * time.Millisecond, 31 * time.Second} {
		r := code()
		r.Wait = wait
		if _, err := c.SendCode(t.Context(), r); err == nil {
			t.Errorf("a wait of %v is taken", wait)
		}
	}
	for name, r := range map[string]client.CodeRequest{
		"payload": {Email: "ann@example.com", Payload: map[string]any{"x": make(chan int)}},
		"key":     {Email: "ann@example.com", IdempotencyKey: "a\nb"},
	} {
		if _, err := c.SendCode(t.Context(), r); err == nil {
			t.Errorf("a bad %s is taken", name)
		}
	}
}

// An id is one step of the path, whatever is in it.
func TestIDsAreEscaped(t *testing.T) {
	t.Parallel()
	c := wire(func(r *http.Request) (*http.Response, error) {
		if got := r.URL.EscapedPath(); got != "/api/messages/..%2Fapi-keys%3Fx" {
			t.Errorf("asked for %s", got)
		}
		return answer(404, `{"code":"entity.not_found","message":"No."}`)
	}).client(t)
	if _, err := c.Message(t.Context(), "../api-keys?x"); !errors.Is(err, client.ErrNotFound) {
		t.Error(err)
	}
}
