package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
	"github.com/postern-mail/postern/connector/providerapi"
)

const (
	refreshToken = "refresh-token-of-the-test"
	clientSecret = "client-secret-of-the-test"
)

// endpoint is a token endpoint that hands out access-1, access-2 and so on.
type endpoint struct {
	*ct.Provider

	asked  atomic.Int64
	answer func(n int64, r ct.Request) ct.Answer
}

func newEndpoint(t *testing.T, answer func(n int64, r ct.Request) ct.Answer) *endpoint {
	t.Helper()
	e := &endpoint{answer: answer}
	if answer == nil {
		e.answer = func(n int64, _ ct.Request) ct.Answer { return ct.TokenAnswer(fmt.Sprint("access-", n), 3600) }
	}
	e.Provider = ct.NewProvider(t, func(r ct.Request) ct.Answer { return e.answer(e.asked.Add(1), r) })
	return e
}

// form returns the parameters of the request n, from 0 on.
func (e *endpoint) form(n int) url.Values { return e.Requests()[n].Form() }

func source(t *testing.T, at string, g Grant) *Source {
	t.Helper()
	s := New(Options{HTTP: providerapi.NewCarrier(connector.Host{}, ""), TokenURL: at, Grant: g})
	t.Cleanup(s.Close)
	return s
}

// must returns a source's token.
func must(t *testing.T, s *Source, refused string) (token string, fresh bool) {
	t.Helper()
	token, fresh, err := s.Token(t.Context(), refused)
	if err != nil {
		t.Fatal(err)
	}
	return token, fresh
}

func same(t *testing.T, got url.Values, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d parameters, want %d", len(got), len(want))
	}
	for name, value := range want {
		if len(got[name]) != 1 || got.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got[name], value)
		}
	}
}

func TestTokenEndsByTheClock(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, nil)
	s := New(Options{
		HTTP: providerapi.NewCarrier(connector.Host{}, ""), TokenURL: e.URL, Grant: RefreshToken{Token: refreshToken},
		Token: "given", Expires: time.Unix(0, 0).Add(time.Hour),
	})
	t.Cleanup(s.Close)
	for _, c := range []struct {
		now   time.Duration
		want  string
		fresh bool
	}{
		{0, "given", false}, {58 * time.Minute, "given", false},
		{59 * time.Minute, "access-1", true}, {59*time.Minute + 1, "access-1", false},
		{117 * time.Minute, "access-1", false}, {118 * time.Minute, "access-2", true},
	} {
		s.now = func() time.Time { return time.Unix(0, 0).Add(c.now) }
		if token, fresh := must(t, s, ""); token != c.want || fresh != c.fresh {
			t.Errorf("at %v: %q, fresh %v; want %q, %v", c.now, token, fresh, c.want, c.fresh)
		}
	}
}

// TestNothingToFetchWith: a token at hand cannot be replaced.
func TestNothingToFetchWith(t *testing.T) {
	t.Parallel()
	s := New(Options{Token: "given", Expires: time.Unix(1, 0)})
	_, _, err := s.Token(t.Context(), "")
	if e := ct.CheckError(t, err, "given"); e.Class != connector.ConfigFault || !strings.Contains(e.Message, "expired") {
		t.Errorf("class %s (%v), want config", e.Class, e)
	}
}

// TestOneFetchForAll: who finds no token, one that was refused or one that has
// ended waits for the one that fetches another.
func TestOneFetchForAll(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, nil)
	s := source(t, e.URL, RefreshToken{Token: refreshToken})
	for i, refused := range []string{"", "access-1", ""} {
		if i == 2 {
			s.now = func() time.Time { return time.Now().Add(time.Hour) }
		}
		var waiting sync.WaitGroup
		var fresh atomic.Int64
		for range 32 {
			waiting.Go(func() {
				token, fetched, err := s.Token(t.Context(), refused)
				if want := fmt.Sprint("access-", i+1); token != want || err != nil {
					t.Errorf("%q, %v; want %q", token, err, want)
				}
				if fetched {
					fresh.Add(1)
				}
			})
		}
		waiting.Wait()
		if n := e.asked.Load(); n != int64(i+1) || fresh.Load() != 1 {
			t.Errorf("asked %d times, fetched by %d; want %d, 1", n, fresh.Load(), i+1)
		}
	}
}

// TestOneFailureForAll: who waited for a token that could not be fetched does
// not ask again; the next one does.
func TestOneFailureForAll(t *testing.T) {
	t.Parallel()
	const waiting = 8
	let := make(chan struct{})
	e := newEndpoint(t, func(int64, ct.Request) ct.Answer {
		<-let
		return ct.Answer{Status: http.StatusServiceUnavailable}
	})
	s := source(t, e.URL, RefreshToken{Token: refreshToken})
	asked := make(chan struct{}, 100)
	var clock atomic.Int64
	s.now = func() time.Time {
		defer func() { asked <- struct{}{} }()
		return time.Unix(clock.Add(1), 0)
	}
	failed := make(chan error, waiting)
	for range waiting {
		go func() {
			_, _, err := s.Token(t.Context(), "")
			failed <- err
		}()
	}
	for range waiting + 1 {
		<-asked // each has noted when it began, and one fetches
	}
	close(let)
	for range waiting {
		if <-failed == nil {
			t.Error("a token out of nowhere")
		}
	}
	if n := e.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
	if _, _, err := s.Token(t.Context(), ""); err == nil || e.asked.Load() != 2 {
		t.Errorf("the next one: %v, asked %d times in all; want 2", err, e.asked.Load())
	}
}

// TestEachWaitsForItself: whoever gives up while fetching takes nobody along.
func TestEachWaitsForItself(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	reached := make(chan struct{}, 2)
	e := newEndpoint(t, func(n int64, _ ct.Request) ct.Answer {
		reached <- struct{}{}
		if n == 1 {
			<-let
		}
		return ct.TokenAnswer(fmt.Sprint("access-", n), 3600)
	})
	t.Cleanup(func() { close(let) })
	s := source(t, e.URL, RefreshToken{Token: refreshToken})
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp, got := make(chan error, 1), make(chan string, 1)
	go func() {
		_, _, err := s.Token(ctx, "")
		gaveUp <- err
	}()
	<-reached
	go func() {
		token, _, err := s.Token(t.Context(), "")
		if err != nil {
			t.Error(err)
		}
		got <- token
	}()
	cancel()
	err := <-gaveUp
	if e := ct.CheckError(t, err, refreshToken); e.Class != connector.Temporary || !errors.Is(err, context.Canceled) {
		t.Errorf("class %s (%v), want temporary and context.Canceled", e.Class, e)
	}
	if token := <-got; token != "access-2" {
		t.Errorf("the other one got %q", token)
	}
}

// TestFailures: what a failing endpoint means. It repeats the secrets that it
// got.
func TestFailures(t *testing.T) {
	t.Parallel()
	refuse := func(status int, body string) func(int64, ct.Request) ct.Answer {
		return func(_ int64, r ct.Request) ct.Answer {
			return ct.Answer{
				Status: status, Header: map[string]string{"Location": "http://127.0.0.1:1/elsewhere", "Content-Type": "application/json"},
				Body: strings.ReplaceAll(body, "FORM", string(r.Body)),
			}
		}
	}
	for name, c := range map[string]struct {
		answer func(int64, ct.Request) ct.Answer
		class  connector.Class
		text   string
	}{
		"revoked":           {refuse(400, `{"error": "invalid_grant", "error_description": "revoked: FORM"}`), connector.ConfigFault, "refused: 400 invalid_grant: revoked"},
		"an unknown client": {refuse(401, `{"error": "invalid_client"}`), connector.ConfigFault, "401 invalid_client"},
		"refused with 200":  {refuse(200, `{"error": "invalid_grant"}`), connector.ConfigFault, "invalid_grant"},
		"no JSON":           {refuse(403, `<html>FORM</html>`), connector.ConfigFault, "403"},
		"a redirect":        {refuse(307, `FORM`), connector.ConfigFault, "307"},
		"slow down":         {refuse(429, `{}`), connector.Throttled, "429"},
		"down":              {refuse(503, `FORM`), connector.Temporary, "503"},
		"too slow there":    {refuse(408, ``), connector.Temporary, "408"},
		"not now":           {refuse(400, `{"error": "temporarily_unavailable"}`), connector.Temporary, "temporarily"},
		"broken there":      {refuse(400, `{"error": "server_error"}`), connector.Temporary, "server_error"},
		"a broken answer":   {refuse(200, `{`), connector.Temporary, "cannot be read"},
		"two lines":         {refuse(200, `{"access_token": "a\r\nBcc: b"}`), connector.Temporary, "cannot be read"},
		"no token":          {refuse(200, `{"FORM": 1}`), connector.Temporary, "cannot be read"},
		"an endless answer": {refuse(200, `{"x": "`+strings.Repeat("x", 2<<20)+`"}`), connector.Temporary, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, c.answer)
			s := source(t, e.URL, RefreshToken{ClientID: "client", ClientSecret: clientSecret, Token: refreshToken})
			_, _, err := s.Token(t.Context(), "")
			got := ct.CheckError(t, err, refreshToken, clientSecret)
			if got.Class != c.class || !strings.Contains(got.Message, c.text) {
				t.Errorf("class %s, %q; want %s, %q", got.Class, got.Message, c.class, c.text)
			}
			if n := e.asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// TestUnreachable: the ways not to get an answer.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	plain := newEndpoint(t, nil)
	for name, c := range map[string]struct {
		url   string
		dial  error
		class connector.Class
		text  string
	}{
		"nobody listens":          {"http://127.0.0.1:1", nil, connector.Temporary, "reaching the token endpoint: the connection was refused"},
		"TLS where there is none": {strings.Replace(plain.URL, "http:", "https:", 1), nil, connector.ConfigFault, "TLS"},
		"no such host":            {"https://id.example.com", &net.DNSError{Err: "no such host", IsNotFound: true}, connector.Temporary, "DNS"},
		"a private address": {
			"https://id.example.com", &connector.Error{Class: connector.ConfigFault, Message: "the address is private"},
			connector.ConfigFault, "the address is private",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := connector.Host{}
			if c.dial != nil {
				host.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, fmt.Errorf("dial: %w", c.dial) }
			}
			s := New(Options{HTTP: providerapi.NewCarrier(host, ""), TokenURL: c.url, Grant: RefreshToken{Token: refreshToken}})
			_, _, err := s.Token(t.Context(), "")
			if e := ct.CheckError(t, err, refreshToken); e.Class != c.class || !strings.Contains(e.Message, c.text) {
				t.Errorf("class %s, %q; want %s, %q", e.Class, e.Message, c.class, c.text)
			}
		})
	}
}

// carrierFunc is an http.RoundTripper.
type carrierFunc func(*http.Request) (*http.Response, error)

func (f carrierFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestTransport: requests carry the token, a refused one is replaced once with
// the whole body sent again, and all goes over what the service lends.
func TestTransport(t *testing.T) {
	t.Parallel()
	var good atomic.Value
	var bodies []string
	tokens := 0
	carrier := carrierFunc(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		answer := func(status int, body string) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader(body)), Request: r,
			}, nil
		}
		if r.URL.Host == "id.example.com" {
			tokens++
			return answer(200, ct.TokenAnswer(fmt.Sprint("access-", tokens), 3600).Body)
		}
		bodies = append(bodies, r.Header.Get("Authorization")+" "+string(body))
		if r.Header.Get("Authorization") != good.Load() {
			return answer(401, "no")
		}
		return answer(200, "yes")
	})
	s := New(Options{HTTP: carrier, TokenURL: "https://id.example.com/token", Grant: RefreshToken{Token: refreshToken}})
	send := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com", strings.NewReader("mail"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: s.Transport()}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if r.Header.Get("Authorization") != "" {
			t.Error("the request itself was changed")
		}
		return res.StatusCode
	}
	for i, step := range []struct {
		good   string
		status int
		want   string
	}{
		{"Bearer access-1", 200, "Bearer access-1 mail"},
		{"Bearer access-1", 200, "Bearer access-1 mail"},
		{"Bearer access-2", 200, "Bearer access-1 mail, Bearer access-2 mail"},
		{"none", 401, "Bearer access-2 mail, Bearer access-3 mail"},
	} {
		good.Store(step.good)
		bodies = nil
		if status := send(); status != step.status || strings.Join(bodies, ", ") != step.want {
			t.Errorf("step %d: %d after %q, want %d after %s", i, status, bodies, step.status, step.want)
		}
	}
}
