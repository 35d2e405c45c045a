package smtp

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/postern-mail/postern/connector"
)

const (
	tokenTimeout   = 15 * time.Second // a whole exchange with the token endpoint
	tokenDial      = 5 * time.Second
	maxTokenHeader = 64 << 10
	// tokenLeeway is how long before its end a token counts as ended: a
	// sign-in takes a moment, and clocks differ.
	tokenLeeway = time.Minute
	// assertionLife is the longest that Google takes
	// (https://developers.google.com/identity/protocols/oauth2/service-account).
	assertionLife = time.Hour
	mailScope     = "https://mail.google.com/"
)

// errTokenEnded says that a token cannot be replaced.
var errTokenEnded = errors.New("the access token has expired, and there is no refresh token")

// tokenSource keeps one access token. Whoever finds it ended fetches another
// while the rest wait, each only as long as its own context.
type tokenSource struct {
	auth   authSettings
	key    *rsa.PrivateKey // of a service account, else nil
	client *http.Client
	now    func() time.Time

	lock     chan struct{} // one place: held while reading or fetching
	current  oauth2.Token
	failed   error // of the last fetch
	failedAt time.Time

	mu    sync.Mutex
	known []string // secrets that came from the token endpoint
}

func newTokenSource(a authSettings, host connector.Host) (*tokenSource, error) {
	t := &tokenSource{auth: a, now: time.Now, lock: make(chan struct{}, 1), client: tokenClient(host)}
	t.current = oauth2.Token{AccessToken: a.AccessToken.Reveal(), RefreshToken: a.RefreshToken.Reveal()}
	if a.Expires > 0 {
		t.current.Expiry = time.UnixMilli(a.Expires)
	}
	if a.kind() == authService {
		key, err := parseKey(a.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("auth.privateKey: %w", err)
		}
		t.key, _ = key.(*rsa.PrivateKey)
		if t.key == nil {
			return nil, errors.New("auth.privateKey: not an RSA key")
		}
	}
	return t, nil
}

// tokenClient speaks to the token endpoint: through the service's Dial, with
// bounded answers (package oauth2 reads 1 MiB at most), without redirects,
// which could carry the secrets elsewhere. It keeps no connections: a token
// is needed once an hour.
func tokenClient(host connector.Host) *http.Client {
	dial := host.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return &http.Client{
		Timeout:       tokenTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, tokenDial)
				defer cancel()
				return dial(ctx, network, address)
			},
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    tokenDial,
			MaxResponseHeaderBytes: maxTokenHeader,
		},
	}
}

// renewable reports whether a refused token can be replaced.
func (t *tokenSource) renewable() bool { return t.key != nil || t.auth.RefreshToken != "" }

// token returns an access token other than refused, and whether it was
// fetched by this call. The error is an *oauth2.RetrieveError, of the network
// or of ctx.
func (t *tokenSource) token(ctx context.Context, refused string) (token string, fresh bool, err error) {
	asked := t.now()
	select {
	case t.lock <- struct{}{}:
		defer func() { <-t.lock }()
	case <-ctx.Done():
		return "", false, ctx.Err()
	}
	switch {
	case t.usable(refused):
		return t.current.AccessToken, false, nil
	case t.failed != nil && t.failedAt.After(asked):
		return "", false, t.failed // somebody tried for all who waited
	case !t.renewable():
		return "", false, errTokenEnded
	}
	fetched, err := t.fetch(ctx)
	if err != nil {
		if ctx.Err() == nil {
			t.failed, t.failedAt = err, t.now()
		}
		return "", false, err
	}
	if fetched.RefreshToken == "" {
		fetched.RefreshToken = t.current.RefreshToken
	}
	t.current, t.failed = *fetched, nil
	t.remember(fetched.AccessToken, fetched.RefreshToken)
	return fetched.AccessToken, true, nil
}

func (t *tokenSource) usable(refused string) bool {
	c := t.current
	return c.AccessToken != "" && c.AccessToken != refused &&
		(c.Expiry.IsZero() || t.now().Before(c.Expiry.Add(-tokenLeeway)))
}

// fetch asks the token endpoint, with a refresh token (RFC 6749 section 6) or
// a signed assertion (RFC 7523).
func (t *tokenSource) fetch(ctx context.Context) (*oauth2.Token, error) {
	params := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.current.RefreshToken}}
	if t.key != nil {
		assertion, err := t.assertion()
		if err != nil {
			return nil, err
		}
		params = url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
		t.remember(assertion)
	}
	// The client-credentials grant takes any parameters, its own name included.
	config := clientcredentials.Config{
		ClientID: t.auth.ClientID, ClientSecret: t.auth.ClientSecret.Reveal(),
		TokenURL: t.auth.tokenURL(), AuthStyle: oauth2.AuthStyleInParams, EndpointParams: params,
	}
	return config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
}

// assertion is the JWT with which a service account asks for a token to the
// user's mailbox.
func (t *tokenSource) assertion() (string, error) {
	now := t.now()
	claims, err := json.Marshal(map[string]any{
		"iss": t.auth.ServiceClient, "sub": t.auth.User, "scope": mailScope, "aud": t.auth.tokenURL(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("write the assertion: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, t.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign the assertion: %w", err)
	}
	return text + "." + encode(signature), nil
}

// maxKnown bounds the secrets that are remembered for redaction: tokens of
// the last few hours.
const maxKnown = 8

func (t *tokenSource) remember(secrets ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range secrets {
		if s != "" && !slices.Contains(t.known, s) {
			t.known = append(t.known, s)
		}
	}
	t.known = t.known[max(0, len(t.known)-maxKnown):]
}

// secrets lists what came from the token endpoint and no text may show.
func (t *tokenSource) secrets() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.known)
}
