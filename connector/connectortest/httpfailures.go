package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/connector"
)

// fails sends a sample and returns the error, checked for what it must not
// tell.
func (c HTTPCase) fails(t *testing.T, opened connector.Connector) *connector.Error {
	t.Helper()
	m := c.sample()
	_, err := opened.Send(t.Context(), m)
	return CheckError(t, err, Case{Secrets: c.Secrets}.hidden(m)...)
}

// classOf is what a status means: the rules of the connectors' contract,
// written a second time so that they are checked.
func (c HTTPCase) classOf(status int) connector.Class {
	if class, ok := c.Statuses[status]; ok {
		return class
	}
	switch {
	case status == http.StatusTooManyRequests:
		return connector.Throttled
	case status == http.StatusRequestTimeout || status >= 500:
		return connector.Temporary
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return connector.ConfigFault
	}
	return connector.Permanent
}

// statuses proves the class of each status, with answers in the provider's
// form that repeat the whole request, or its body, and with some in no form at
// all.
func (c HTTPCase) statuses(t *testing.T) {
	t.Parallel()
	for _, status := range statusCodes() {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			for how, answer := range map[string]func(Request) Answer{
				"in its form": func(r Request) Answer { return c.Refuse(status, requestText(r)) },
				"of the body": func(r Request) Answer { return c.Refuse(status, bodyText(r)) },
				"as text":     func(r Request) Answer { return Answer{Status: status, Body: "<html>" + requestText(r)} },
				"empty":       always(Answer{Status: status}),
			} {
				opened, p := c.opened(t, answer)
				e := c.fails(t, opened)
				want := c.classOf(status)
				if _, special := c.Statuses[status]; special && how != "in its form" && how != "of the body" {
					want = e.Class // what it means stands in the answer
				}
				if e.Class != want || e.Status != status {
					t.Errorf("%s: class %s, status %d (%v); want %s", how, e.Class, e.Status, e, want)
				}
				if n := len(p.mails(c)); n != 1 {
					t.Errorf("%s: %d requests; a connector makes one", how, n)
				}
			}
		})
	}
	t.Run("the words are passed on", func(t *testing.T) {
		t.Parallel()
		opened, _ := c.opened(t, always(c.Refuse(http.StatusBadRequest, "the moon is in the wrong place")))
		if e := c.fails(t, opened); !strings.Contains(e.Message, "the moon is in the wrong place") {
			t.Errorf("%q does not hold the provider's words", e.Message)
		}
	})
}

// refusals proves what the provider's own refusals mean.
func (c HTTPCase) refusals(t *testing.T) {
	t.Parallel()
	for name, refusal := range c.Refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, _ := c.opened(t, always(refusal.Answer))
			e := c.fails(t, opened)
			if e.Class != refusal.Want || e.Enhanced != refusal.Enhanced {
				t.Errorf("class %s, enhanced %q (%v); want %s, %q", e.Class, e.Enhanced, e, refusal.Want, refusal.Enhanced)
			}
		})
	}
}

// retryAfter proves that the provider's wish for a pause is passed on.
func (c HTTPCase) retryAfter(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, tt := range []struct {
		status      int
		header      string
		least, most time.Duration
		class       connector.Class
	}{
		{429, "30", 30 * time.Second, 30 * time.Second, connector.Throttled},
		{429, in(time.Hour), 50 * time.Minute, time.Hour, connector.Throttled},
		{503, "120", 2 * time.Minute, 2 * time.Minute, connector.Throttled},
		{429, "", 0, 0, connector.Throttled},
		{503, "", 0, 0, connector.Temporary},
		{503, "soon", 0, 0, connector.Temporary},
		{503, "-1", 0, 0, connector.Temporary},
		{503, in(-time.Hour), 0, 0, connector.Temporary},
		{429, "999999999", 24 * time.Hour, 24 * time.Hour, connector.Throttled},
	} {
		answer := c.Refuse(tt.status, "slow down")
		header := map[string]string{"Retry-After": tt.header}
		maps.Copy(header, answer.Header)
		answer.Header = header
		opened, _ := c.opened(t, always(answer))
		e := c.fails(t, opened)
		if e.Class != tt.class || e.RetryAfter < tt.least || e.RetryAfter > tt.most {
			t.Errorf("%d with Retry-After %q: class %s, wait %v; want %s, %v", tt.status, tt.header, e.Class, e.RetryAfter, tt.class, tt.least)
		}
	}
}

// redirects proves that nothing is sent where an answer points to.
func (c HTTPCase) redirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var led atomic.Int64
		elsewhere := NewProvider(t, func(r Request) Answer {
			led.Add(1)
			return c.Accept(r)
		})
		opened, _ := c.opened(t, always(Answer{Status: status, Header: map[string]string{"Location": elsewhere.URL + "/"}}))
		e := c.fails(t, opened)
		if e.Class != connector.ConfigFault || led.Load() > 0 {
			t.Errorf("%d: class %s (%v), %d requests elsewhere; want config, none", status, e.Class, e, led.Load())
		}
	}
}

// answers proves that an accepted mail stays accepted whatever follows, and
// that a broken refusal stays one.
func (c HTTPCase) answers(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("0123456789abcdef", 10<<20/16)
	for name, body := range map[string]string{
		"nothing": "", "garbage": "\x00\xff<html>", "no object": `"ok"`, "null": "null", "an empty object": "{}", "an empty list": "[]",
		"10 MB": huge, "10 MB of JSON": `{"x": "` + huge + `"}`, "deep": strings.Repeat("[", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, _ := c.opened(t, always(Answer{Body: body}))
			m := c.sample()
			_, err := opened.Send(t.Context(), m)
			if c.AnyAnswer {
				must(t, err)
			} else if e := CheckError(t, err, Case{Secrets: c.Secrets}.hidden(m)...); e.Class != connector.InvalidResponse {
				t.Errorf("class %s (%v), want invalid_response", e.Class, e)
			}
			opened, _ = c.opened(t, always(Answer{Status: http.StatusInternalServerError, Body: body}))
			if e := c.fails(t, opened); e.Class != connector.Temporary {
				t.Errorf("with 500: class %s (%v), want temporary", e.Class, e)
			}
		})
	}
	t.Run("cut short", func(t *testing.T) {
		t.Parallel()
		opened, _ := c.opened(t, always(Answer{Body: `{"id": "`, Cut: true}))
		_, err := opened.Send(t.Context(), c.sample())
		if c.AnyAnswer {
			must(t, err)
		} else if e := CheckError(t, err, c.Secrets...); e.Class != connector.InvalidResponse {
			t.Errorf("class %s (%v), want invalid_response", e.Class, e)
		}
	})
}

// connections proves the classes of connections that fail.
func (c HTTPCase) connections(t *testing.T) {
	t.Parallel()
	closing := func(read int) string {
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.CopyN(io.Discard, conn, int64(read))
				conn.Close()
			}
		}()
		return "http://" + l.Addr().String()
	}
	gone := NewProvider(t, c.Accept)
	for name, endpoint := range map[string]string{
		"closed at once":          closing(0),
		"closed in the middle":    closing(20),
		"nobody listens":          "http://127.0.0.1:1",
		"TLS where there is none": strings.Replace(gone.URL, "http:", "https:", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := connector.Temporary
			if strings.HasPrefix(endpoint, "https:") {
				want = connector.ConfigFault
			}
			if e := c.fails(t, Open(t, c.Factory, c.Config(endpoint), connector.Host{})); e.Class != want {
				t.Errorf("class %s (%v), want %s", e.Class, e, want)
			}
		})
	}
	for name, tt := range map[string]struct {
		err  error
		want connector.Class
	}{
		"no such host":  {&net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}, connector.Temporary},
		"DNS in pieces": {&net.DNSError{Err: "server misbehaving", Name: "api.example.com", IsTemporary: true}, connector.Temporary},
		"a private address": {
			&connector.Error{Class: connector.ConfigFault, Message: "the address is private"}, connector.ConfigFault,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := connector.Host{Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, fmt.Errorf("dial: %w", tt.err)
			}}
			if e := c.fails(t, Open(t, c.Factory, c.Config("https://api.example.com"), host)); e.Class != tt.want {
				t.Errorf("class %s (%v), want %s", e.Class, e, tt.want)
			}
		})
	}
}

// keptConnection proves that mails go out over one connection.
func (c HTTPCase) keptConnection(t *testing.T) {
	t.Parallel()
	opened, p := c.opened(t, c.Accept)
	for range 10 {
		_, err := opened.Send(t.Context(), c.sample())
		must(t, err)
	}
	if n := p.Connections(); n != 1 {
		t.Errorf("%d connections for 10 mails, want 1", n)
	}
}

// stall is a provider that takes the request and is silent.
func (c HTTPCase) stall(t *testing.T) Stall {
	t.Helper()
	reached, done := make(chan struct{}, 1), make(chan struct{})
	p := c.provider(t, func(Request) Answer {
		select {
		case reached <- struct{}{}:
		default:
		}
		<-done
		return Answer{Status: http.StatusServiceUnavailable}
	})
	t.Cleanup(func() { close(done) }) // before the provider is closed, which waits for it
	return Stall{Config: c.Config(p.URL), Reached: reached}
}

// timeOut proves that a silent provider is given up after 15 seconds, and one
// that cannot be connected to after 5. No time passes: the test runs in a
// bubble of its own.
func (c HTTPCase) timeOut(t *testing.T) {
	for name, tt := range map[string]struct {
		dial func(p *pipes) func(context.Context, string, string) (net.Conn, error)
		want time.Duration
	}{
		"no answer": {func(p *pipes) func(context.Context, string, string) (net.Conn, error) { return p.dial }, 15 * time.Second},
		"no connection": {func(*pipes) func(context.Context, string, string) (net.Conn, error) {
			return func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.givesUp(t, tt.dial, tt.want) })
		})
	}
}

func (c HTTPCase) givesUp(
	t *testing.T, dial func(*pipes) func(context.Context, string, string) (net.Conn, error), want time.Duration,
) {
	t.Helper()
	p, done := newPipes(), make(chan struct{})
	server := &http.Server{Handler: &Provider{answer: c.answering(func(Request) Answer {
		<-done
		return Answer{Status: http.StatusServiceUnavailable}
	})}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(p) }()
	opened, err := c.Factory.Open(c.Config("http://127.0.0.1:1"), connector.Host{Dial: dial(p)})
	must(t, err)
	begun := time.Now()
	m := c.sample()
	_, err = opened.Send(t.Context(), m)
	e := CheckError(t, err, Case{Secrets: c.Secrets}.hidden(m)...)
	if took := time.Since(begun); e.Class != connector.Temporary || took != want {
		t.Errorf("class %s after %v (%v), want temporary after %v", e.Class, took, e, want)
	}
	close(done)
	if closer, ok := opened.(io.Closer); ok {
		must(t, closer.Close())
	}
	must(t, server.Close())
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// proxy proves that a proxy of the settings is asked for, and that its
// password is hidden.
func (c HTTPCase) proxy(t *testing.T) {
	t.Parallel()
	const password = "pr0xy-passw0rd"
	with := func(proxy string) []byte {
		given := Case{Config: c.Config("https://api.example.com")}.object(t)
		given["proxy"] = marshal(t, proxy)
		return marshal(t, given)
	}
	for _, bad := range []string{"proxy.example.com", "ftp://proxy.example.com", "http://", "http://proxy.example.com/path", "http://a b"} {
		CheckIssues(t, c.Factory, with(bad), "proxy: must be a URL such as http://proxy.example.com:3128, with http, https or socks5")
	}
	asked := make(chan string, 1)
	host := connector.Host{
		HTTP: http.NewFileTransport(http.Dir(t.TempDir())), // not to be used
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			proxy, ok := connector.Proxy(ctx)
			if !ok {
				return nil, errors.New("no proxy")
			}
			asked <- proxy.Host + " for " + address
			return nil, fmt.Errorf("proxy %s: %w", proxy, io.ErrUnexpectedEOF)
		},
	}
	opened := Open(t, c.Factory, with("http://user:"+password+"@proxy.example.com:3128"), host)
	_, err := opened.Send(t.Context(), c.sample())
	_ = CheckError(t, err, append([]string{password}, c.Secrets...)...)
	if got := <-asked; got != "proxy.example.com:3128 for api.example.com:443" {
		t.Errorf("dialled %s", got)
	}
}
