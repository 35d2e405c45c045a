package client

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultTimeout = 10 * time.Second
	// repeats is how often a call is made again at most.
	repeats = 2
	// firstPause is the longest pause before the first repeat; each further
	// one is four times as long.
	firstPause = 200 * time.Millisecond
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 1 << 20
	// longestWait is the longest that the service waits for a verdict.
	longestWait = 30 * time.Second
)

// Client calls one Postern with one API key. It is safe for concurrent use.
type Client struct {
	base *url.URL
	// key is a function so that no way to print a Client shows the key.
	key     func() string
	http    *http.Client
	timeout time.Duration
}

// Option changes a Client as it is made.
type Option func(*Client)

// WithHTTPClient sends requests through hc, which may know a certificate
// authority or a proxy of its own. hc itself is not changed: the Client's copy
// follows no redirects, as they would carry the key elsewhere.
func WithHTTPClient(hc *http.Client) Option {
	return func(c *Client) { c.http = hc }
}

// WithTimeout bounds a call with all its repeats, beyond what it asks the
// service to wait; 10 s unless given. A context that ends earlier ends it
// earlier.
func WithTimeout(d time.Duration) Option {
	return func(c *Client) { c.timeout = d }
}

// New makes a Client of the service at baseURL, such as
// https://postern.internal:3001, that authenticates with apiKey. It makes no
// call. Sending and checking codes needs a key with the scope verification,
// SendMessage one with messages:send, and all else one with management.
func New(baseURL, apiKey string, options ...Option) (*Client, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, errors.New("postern: the base URL must be an http:// or https:// URL")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("postern: the base URL must have no user, query or fragment")
	}
	if !visible(apiKey) {
		return nil, errors.New("postern: the API key must be printable ASCII, and not empty")
	}
	c := &Client{base: base, key: func() string { return apiKey }, http: http.DefaultClient, timeout: defaultTimeout}
	for _, option := range options {
		option(c)
	}
	if c.http == nil || c.timeout <= 0 {
		return nil, errors.New("postern: the HTTP client must not be nil, and the time-out must be more than 0")
	}
	own := *c.http
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &own
	return c, nil
}

// String says where c calls, and nothing of its key.
func (c *Client) String() string { return "postern client of " + c.base.String() }

// visible reports whether s is printable ASCII without spaces at its ends,
// which a header would lose.
func visible(s string) bool {
	if s == "" || strings.TrimSpace(s) != s {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
