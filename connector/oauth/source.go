package oauth

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/postern-mail/postern/connector"
)

const (
	// timeout bounds one exchange with a token endpoint.
	timeout = 15 * time.Second
	// leeway is how long before its end a token counts as ended: a request
	// takes a moment, and clocks differ.
	leeway = time.Minute
)

// Options are what a Source needs.
type Options struct {
	// HTTP carries the requests: a providerapi.Carrier.
	HTTP http.RoundTripper
	// TokenURL is the token endpoint.
	TokenURL string
	// Grant is what tokens are given for. Nil when none can be fetched.
	Grant Grant
	// Token is an access token at hand, or "", and Expires its end; the zero
	// time when that is not known.
	Token   connector.Secret
	Expires time.Time
}

// Source keeps one access token. Whoever finds it ended fetches another while
// the rest wait, each only as long as its own context. It is safe for
// concurrent use.
type Source struct {
	options Options
	client  *http.Client
	now     func() time.Time

	lock     chan struct{} // one place: held while reading or fetching
	token    string
	expires  time.Time
	refresh  string           // the newest refresh token, or ""
	failed   *connector.Error // of the last fetch, or nil
	failedAt time.Time

	mu    sync.Mutex
	known []string // secrets that came from the token endpoint, or went there once
}

// New makes a Source. It fetches nothing yet. Redirects are not followed: they
// could carry the secrets elsewhere.
func New(o Options) *Source {
	return &Source{
		options: o, now: time.Now, lock: make(chan struct{}, 1),
		token: o.Token.Reveal(), expires: o.Expires,
		client: &http.Client{
			Transport: o.HTTP, Timeout: timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Renewable reports whether a refused token can be replaced.
func (s *Source) Renewable() bool { return s.options.Grant != nil }

// Token returns an access token other than refused ("" for any), and whether
// it was fetched by this call: then there is no use in replacing it once more.
// Every error is a *connector.Error.
func (s *Source) Token(ctx context.Context, refused string) (token string, fresh bool, err error) {
	asked := s.now()
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return "", false, unreachable(ctx, ctx.Err(), s)
	}
	switch {
	case s.usable(refused):
		return s.token, false, nil
	case s.failed != nil && s.failedAt.After(asked):
		return "", false, s.failed // somebody tried for all who waited
	case !s.Renewable():
		return "", false, &connector.Error{
			Class: connector.ConfigFault, Message: "the access token has expired, and there is no refresh token",
		}
	}
	if e := s.fetch(ctx); e != nil {
		if ctx.Err() == nil {
			s.failed, s.failedAt = e, s.now()
		}
		return "", false, e
	}
	return s.token, true, nil
}

func (s *Source) usable(refused string) bool {
	return s.token != "" && s.token != refused && (s.expires.IsZero() || s.now().Before(s.expires.Add(-leeway)))
}

// fetch asks the token endpoint. The token's life counts from before the
// request: so it never seems longer than it is.
func (s *Source) fetch(ctx context.Context) *connector.Error {
	begun := s.now()
	a, err := s.options.Grant.ask(begun, s.refresh)
	if err != nil {
		return &connector.Error{Class: connector.ConfigFault, Message: "the key cannot sign a request for an access token"}
	}
	s.remember(a.secret)
	// The client-credentials grant takes any parameters, its own name included.
	config := clientcredentials.Config{
		ClientID: a.clientID, ClientSecret: a.clientSecret,
		TokenURL: s.options.TokenURL, AuthStyle: oauth2.AuthStyleInParams, EndpointParams: a.form,
	}
	fetched, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client))
	if err != nil {
		return explain(ctx, err, s)
	}
	if strings.ContainsFunc(fetched.AccessToken, notVisible) {
		return unreadable()
	}
	s.token, s.expires, s.failed = fetched.AccessToken, time.Time{}, nil
	if !fetched.Expiry.IsZero() {
		s.expires = begun.Add(time.Until(fetched.Expiry))
	}
	if fetched.RefreshToken != "" {
		s.refresh = fetched.RefreshToken
	}
	s.remember(fetched.AccessToken, fetched.RefreshToken)
	return nil
}

// notVisible reports whether a character cannot be part of a token (RFC 6749
// appendix A.12): it would end the header or the field that the token goes into.
func notVisible(r rune) bool { return r < ' ' || r > '~' }

// maxKnown bounds the secrets that are remembered for redaction: tokens of
// the last few hours.
const maxKnown = 8

func (s *Source) remember(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		if secret != "" && !slices.Contains(s.known, secret) {
			s.known = append(s.known, secret)
		}
	}
	s.known = s.known[max(0, len(s.known)-maxKnown):]
}

// Secrets lists what no text may show: the secrets of the grant, the token
// that was at hand, and what came from the token endpoint since.
func (s *Source) Secrets() []string {
	list := []string{s.options.Token.Reveal()}
	if s.Renewable() {
		list = append(list, s.options.Grant.secrets()...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(list, s.known...)
}

// Close lets go of idle connections.
func (s *Source) Close() { s.client.CloseIdleConnections() }
