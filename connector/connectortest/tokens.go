package connectortest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/connector"
)

// TokenAnswer is a token endpoint's answer (RFC 6749 section 5.1) with a token
// that lives for so many seconds.
func TokenAnswer(token string, life int) Answer {
	return Answer{Body: fmt.Sprintf(`{"access_token": %q, "token_type": "Bearer", "expires_in": %d}`, token, life)}
}

// RunTokens proves how a connector whose requests carry OAuth 2.0 access
// tokens gets, keeps and replaces them. asks tells the requests for a token
// from mails; Other of the case is not used. Secrets of the case are hidden
// whatever the endpoint says.
func RunTokens(t *testing.T, c HTTPCase, asks func(Request) bool) {
	t.Helper()
	run := tokenRun{c, asks}
	t.Run("one for all", run.oneForAll)
	t.Run("an end in time", run.expiry)
	t.Run("an end by the clock", run.clock)
	t.Run("an end before its time", run.endedEarly)
	t.Run("refused for good", run.refused)
	t.Run("endpoint", run.endpoint)
}

type tokenRun struct {
	c    HTTPCase
	asks func(Request) bool
}

// issuer is a token endpoint and an API that takes its tokens: access-1,
// access-2 and so on.
type issuer struct {
	run    tokenRun
	life   int          // of a token, in seconds
	given  atomic.Int64 // tokens asked for
	mails  atomic.Int64
	ended  atomic.Int64           // tokens up to this number are refused
	refuse func(r Request) Answer // if set, takes the place of a token
	opened connector.Connector    // on this provider
}

func (run tokenRun) opened(t *testing.T, change func(*issuer)) *issuer {
	t.Helper()
	i := &issuer{run: run, life: 3600}
	if change != nil {
		change(i)
	}
	p := NewProvider(t, i.answer)
	i.opened = Open(t, run.c.Factory, run.c.Config(p.URL), connector.Host{})
	return i
}

func (i *issuer) answer(r Request) Answer {
	if i.run.asks(r) {
		n := i.given.Add(1)
		if i.refuse != nil {
			return i.refuse(r)
		}
		return TokenAnswer(fmt.Sprintf("access-%d", n), i.life)
	}
	i.mails.Add(1)
	var n int64
	if _, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer access-%d", &n); err != nil || n <= i.ended.Load() {
		return i.run.c.Refuse(http.StatusUnauthorized, requestText(r))
	}
	return i.run.c.Accept(r)
}

// asked fails the test unless the provider was asked for so many tokens and
// mails in all.
func (i *issuer) asked(t *testing.T, tokens, mails int64) {
	t.Helper()
	if given, sent := i.given.Load(), i.mails.Load(); given != tokens || sent != mails {
		t.Errorf("%d tokens and %d mails, want %d and %d", given, sent, tokens, mails)
	}
}

// sends sends so many mails at once, and fails the test unless all arrive.
func (i *issuer) sends(t *testing.T, n int) {
	t.Helper()
	var sends sync.WaitGroup
	for range n {
		sends.Go(func() {
			if _, err := i.opened.Send(t.Context(), Sample()); err != nil {
				t.Errorf("Send: %v", err)
			}
		})
	}
	sends.Wait()
}

// oneForAll: mails that find no token wait for the one that fetches it.
func (run tokenRun) oneForAll(t *testing.T) {
	t.Parallel()
	i := run.opened(t, nil)
	i.sends(t, concurrentSends)
	i.asked(t, 1, concurrentSends)
	i.sends(t, 1)
	i.asked(t, 1, concurrentSends+1)
}

// expiry: a token that ends within the leeway is never used twice.
func (run tokenRun) expiry(t *testing.T) {
	t.Parallel()
	i := run.opened(t, func(i *issuer) { i.life = 30 })
	for range 3 {
		i.sends(t, 1)
	}
	i.asked(t, 3, 3)
}

// clock: mails that find the token ended replace it by one other. No time
// passes: the test runs in a bubble of its own.
func (run tokenRun) clock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{run: run, life: 3600}
		p, served := newPipes(), make(chan error, 1)
		server := &http.Server{Handler: &Provider{answer: i.answer}}
		go func() { served <- server.Serve(p) }()
		opened, err := run.c.Factory.Open(run.c.Config("http://127.0.0.1:1"), connector.Host{Dial: p.dial})
		must(t, err)
		i.opened = opened
		tokens, mails := int64(0), int64(0)
		for _, step := range []struct {
			wait    time.Duration
			fetches int64
		}{{0, 1}, {58 * time.Minute, 0}, {time.Minute, 1}, {30 * time.Minute, 0}} {
			<-time.After(step.wait)
			i.sends(t, concurrentSends)
			tokens, mails = tokens+step.fetches, mails+concurrentSends
			i.asked(t, tokens, mails)
		}
		if closer, ok := opened.(io.Closer); ok {
			must(t, closer.Close())
		}
		must(t, server.Close())
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// endedEarly: the provider ends a token before its time. Mails under way at
// once replace it by one other, and each is sent once more.
func (run tokenRun) endedEarly(t *testing.T) {
	t.Parallel()
	i := run.opened(t, nil)
	i.sends(t, 1)
	i.ended.Store(1)
	i.sends(t, 1)
	i.asked(t, 2, 3)
	i.ended.Store(2)
	i.sends(t, concurrentSends)
	if n := i.given.Load(); n != 3 {
		t.Errorf("%d tokens, want one more for all", n-2)
	}
}

// refused: no token is taken. One that was fetched for a mail is not replaced,
// one at hand is, once; no error shows it.
func (run tokenRun) refused(t *testing.T) {
	t.Parallel()
	i := run.opened(t, func(i *issuer) { i.ended.Store(1 << 32) })
	for _, want := range []struct{ tokens, mails int64 }{{1, 1}, {2, 3}} {
		m := Sample()
		_, err := i.opened.Send(t.Context(), m)
		hidden := append(Case{Secrets: run.c.Secrets}.hidden(m), "access-1", "access-2")
		if e := CheckError(t, err, hidden...); e.Class != connector.ConfigFault || e.Status != http.StatusUnauthorized {
			t.Errorf("class %s, status %d (%v); want config, 401", e.Class, e.Status, e)
		}
		i.asked(t, want.tokens, want.mails)
	}
}

// endpoint: what a failing token endpoint means for the mail. It repeats all
// that it got.
func (run tokenRun) endpoint(t *testing.T) {
	t.Parallel()
	says := func(status int, code string) func(Request) Answer {
		return func(r Request) Answer {
			said := strings.NewReplacer("\n", " ", `"`, "'", `\`, "/").Replace(requestText(r))
			return Answer{
				Status: status, Header: map[string]string{"Location": "http://127.0.0.1:1/elsewhere"},
				Body: fmt.Sprintf(`{"error": %q, "error_description": %q}`, code, said),
			}
		}
	}
	for name, tt := range map[string]struct {
		refuse func(Request) Answer
		want   connector.Class
	}{
		"an unknown client":  {says(401, "invalid_client"), connector.ConfigFault},
		"a revoked grant":    {says(400, "invalid_grant"), connector.ConfigFault},
		"not for this scope": {says(400, "unauthorized_client"), connector.ConfigFault},
		"elsewhere":          {says(307, ""), connector.ConfigFault},
		"too fast":           {says(429, ""), connector.Throttled},
		"not now":            {says(400, "temporarily_unavailable"), connector.Temporary},
		"down":               {says(503, ""), connector.Temporary},
		"garbage":            {always(Answer{Body: "<html>"}), connector.Temporary},
		"no token":           {always(Answer{Body: "{}"}), connector.Temporary},
		"an endless answer":  {always(Answer{Body: `{"x": "` + strings.Repeat("x", 2<<20) + `"}`}), connector.Temporary},
		"cut short":          {always(Answer{Body: `{"access_token": "`, Cut: true}), connector.Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := run.opened(t, func(i *issuer) { i.refuse = tt.refuse })
			m := Sample()
			_, err := i.opened.Send(t.Context(), m)
			e := CheckError(t, err, Case{Secrets: run.c.Secrets}.hidden(m)...)
			if e.Class != tt.want || !strings.Contains(e.Message, "token") {
				t.Errorf("class %s (%v), want %s and a word about the token", e.Class, e, tt.want)
			}
			i.asked(t, 1, 0)
		})
	}
}
