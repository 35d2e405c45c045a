package providerapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// shared is a pool of connections as the service lends it.
type shared struct{ carried, closed int }

func (s *shared) RoundTrip(*http.Request) (*http.Response, error) {
	s.carried++
	return nil, errors.New("carried")
}

func (s *shared) CloseIdleConnections() { s.closed++ }

// TestCarrier: connections are the service's unless the settings name a proxy,
// and a connector that is closed leaves them to the others.
func TestCarrier(t *testing.T) {
	t.Parallel()
	for proxy, want := range map[connector.Secret]struct{ carried, dialled int }{
		"": {1, 0}, "http://proxy.example.com:3128": {0, 1},
	} {
		pool, dialled := &shared{}, 0
		host := connector.Host{HTTP: pool, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if through, ok := connector.Proxy(ctx); ok && through.String() == proxy.Reveal() {
				dialled++
			}
			return nil, errors.New("dialled")
		}}
		client := New(Options{Host: host, Proxy: proxy})
		_, err := client.Do(t.Context(), connector.Message{}, Request{URL: "https://api.example.com"})
		if err == nil || pool.carried != want.carried || dialled != want.dialled {
			t.Errorf("proxy %q: %v, carried %d, dialled %d; want %+v", proxy.Reveal(), err, pool.carried, dialled, want)
		}
		if err := client.Close(); err != nil || pool.closed != 0 {
			t.Errorf("closed the connections of all: %v", err)
		}
	}
}
