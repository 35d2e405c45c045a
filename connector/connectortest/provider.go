package connectortest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Request is one request as a provider got it.
type Request struct {
	Method string
	Path   string // with the query
	Header http.Header
	Body   []byte
}

// Form returns the values of a form body; none when it is not a form.
func (r Request) Form() url.Values {
	values, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return url.Values{}
	}
	return values
}

// Answer is what a provider says.
type Answer struct {
	Status int // 0 means 200
	Header map[string]string
	Body   string
	// Cut has the connection end in the middle of the body.
	Cut bool
}

// Provider is a double of a provider's HTTP API on loopback. It keeps what it
// is asked and answers as it is told.
type Provider struct {
	URL string

	mu       sync.Mutex
	answer   func(Request) Answer
	requests []Request

	connections atomic.Int64
}

// NewProvider starts a provider; it ends with the test.
func NewProvider(t testing.TB, answer func(Request) Answer) *Provider {
	t.Helper()
	p := &Provider{answer: answer}
	server := httptest.NewUnstartedServer(p)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			p.connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Requests returns what came so far.
func (p *Provider) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Connections returns how many connections were opened so far.
func (p *Provider) Connections() int { return int(p.connections.Load()) }

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	request := Request{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header, Body: body}
	p.mu.Lock()
	p.requests = append(p.requests, request)
	p.mu.Unlock()
	p.answer(request).write(w)
}

func (a Answer) write(w http.ResponseWriter) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	if a.Header["Content-Type"] == "" && strings.HasPrefix(strings.TrimSpace(a.Body), "{") {
		w.Header().Set("Content-Type", "application/json")
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // the client may have read enough
	if a.Cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// pipes are a provider that is reached without a network: inside a bubble of
// testing/synctest, where time passes at once when everybody waits.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// dial is a connector.Host's.
func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
