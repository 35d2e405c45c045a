package providerapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/redact"
)

const (
	// Timeout bounds one request in all, connectTimeout each step of opening a
	// connection for it.
	Timeout        = 15 * time.Second
	connectTimeout = 5 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
	maxHeader = 64 << 10

	idleTimeout = 90 * time.Second
	idlePerHost = 32
)

// Client makes requests to one provider with one set of settings. It is safe
// for concurrent use.
type Client struct {
	http    *http.Client
	own     *http.Transport // nil when the connection pool is shared
	secrets func() []string
	proxy   connector.Secret
	explain func(Answer) Refusal
	closed  atomic.Bool
}

// Options are what a Client needs.
type Options struct {
	// Host is what the service lends to the connector.
	Host connector.Host
	// Proxy is that of the settings; "" for the service's own, if any.
	Proxy connector.Secret
	// Secrets returns what no text may show. It is called for each failure.
	Secrets func() []string
	// Explain reads a provider's refusal out of an answer that is no 2xx. Nil
	// goes by the status alone.
	Explain func(Answer) Refusal
}

// Refusal is a provider's no in its own words.
type Refusal struct {
	// Class, if set, takes the place of the class that the status stands for.
	Class connector.Class
	// Enhanced is the enhanced status code (RFC 3463), or "".
	Enhanced string
	// Words are the provider's; they are cleaned before they are shown.
	Words string
}

// New makes a Client. It opens no connection.
func New(o Options) *Client {
	c := &Client{secrets: o.Secrets, proxy: o.Proxy, explain: o.Explain}
	carrier := o.Host.HTTP
	if carrier == nil || o.Proxy != "" {
		c.own = NewTransport(throughProxy(o.Host.Dial, o.Proxy))
		carrier = c.own
	}
	c.http = &http.Client{
		Transport:     carrier,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// throughProxy has dial go through a proxy.
func throughProxy(dial dialFunc, proxy connector.Secret) dialFunc {
	u, err := url.Parse(proxy.Reveal())
	if proxy == "" || err != nil || dial == nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(connector.WithProxy(ctx, u), network, address)
	}
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// NewTransport returns a pool of connections to providers that are opened by
// dial, or by a plain net.Dialer if it is nil. It speaks HTTP/2 where the
// provider does.
func NewTransport(dial dialFunc) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, connectTimeout)
			defer cancel()
			return dial(ctx, network, address)
		},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    connectTimeout,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// Close refuses further requests and lets go of idle connections that are the
// connector's own. Requests under way finish.
func (c *Client) Close() error {
	c.closed.Store(true)
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
	return nil
}

// Request is one HTTP request.
type Request struct {
	Method string // POST unless given
	URL    string
	Header http.Header
	Body   []byte
}

// JSON makes a POST of a value. HTML in it is not escaped: bodies are full of
// it. The error cannot happen for plain structs.
func JSON(at string, header http.Header, body any) (Request, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return Request{}, &connector.Error{Class: connector.Permanent, Message: "the mail cannot be written as JSON", Err: err}
	}
	return Request{URL: at, Header: typed(header, "application/json"), Body: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}, nil
}

// Form makes a POST of form values.
func Form(at string, header http.Header, values url.Values) Request {
	return Request{URL: at, Header: typed(header, "application/x-www-form-urlencoded"), Body: []byte(values.Encode())}
}

func typed(header http.Header, contentType string) http.Header {
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", contentType)
	return header
}

// Bearer is the header of a bearer token (RFC 6750 section 2.1).
func Bearer(token connector.Secret) http.Header {
	return http.Header{"Authorization": {"Bearer " + token.Reveal()}}
}

// Answer is what a provider answered. Body is cut at 1 MiB.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Broken says that the body could not be read, or not to its end.
	Broken bool
}

// Do makes one request for a message and returns the answer if it is a 2xx.
// Every error is a *connector.Error.
func (c *Client) Do(ctx context.Context, m connector.Message, r Request) (Answer, error) {
	words := redact.New(c.secretList()...).Of(m).Quoting(m)
	if c.closed.Load() {
		return Answer{}, broken(ctx, errClosed, words)
	}
	answer, err := c.exchange(ctx, r)
	if err != nil {
		return Answer{}, broken(ctx, err, words)
	}
	if answer.Status/100 == 2 {
		return answer, nil
	}
	var refusal Refusal
	if c.explain != nil {
		refusal = c.explain(answer)
	}
	return Answer{}, refused(answer, refusal, words)
}

func (c *Client) secretList() []string {
	list := []string{c.proxy.Reveal()}
	if c.secrets != nil {
		list = append(list, c.secrets()...)
	}
	return list
}

// exchange makes one request. Once an answer has begun its status counts,
// whatever becomes of its body.
func (c *Client) exchange(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, errTooSlow)
	defer cancel()
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{}, errBadRequest
	}
	if r.Header != nil {
		req.Header = r.Header
	}
	req.Header.Set("User-Agent", "Postern")
	res, err := c.http.Do(req)
	if err != nil {
		if context.Cause(ctx) == errTooSlow { //nolint:errorlint // it is the cause itself
			err = errTooSlow
		}
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	return Answer{
		Status: res.StatusCode, Header: res.Header, Body: body[:min(len(body), maxAnswer)],
		Broken: err != nil || len(body) > maxAnswer,
	}, nil
}

// Receipt makes the receipt of an accepted message. id is the provider's; said
// are its words, which may be "".
func (c *Client) Receipt(m connector.Message, id, said string) connector.Receipt {
	words := redact.New(c.secretList()...).Of(m)
	return connector.Receipt{ProviderID: words.Words(id, redact.MaxAnswered), Answer: words.Words(said, redact.MaxAnswered)}
}

// Refused is the error for a 2xx whose body refuses the message all the same.
// Without a class of its own the refusal is Permanent.
func (c *Client) Refused(m connector.Message, a Answer, r Refusal) error {
	return refused(a, r, redact.New(c.secretList()...).Of(m).Quoting(m))
}

// Decode reads the JSON of an accepted message. An answer that is not what
// the provider promises is an error of the class InvalidResponse: the mail
// counts as sent.
func Decode(a Answer, into any) error {
	if a.Broken || json.Unmarshal(a.Body, into) != nil {
		return Unexpected(a)
	}
	return nil
}

// Unexpected is the error for a 2xx that is not what the provider promises.
func Unexpected(a Answer) error {
	return &connector.Error{
		Class: connector.InvalidResponse, Status: a.Status,
		Message: "the provider answered " + statusText(a.Status) + ", but not in the way that it documents; the mail counts as sent",
	}
}

// JSONWords finds a refusal's words in JSON: the strings at the given keys of
// an object ("errors.0.message" for what lies deeper), joined. Other bodies
// give "".
func JSONWords(body []byte, paths ...string) string {
	var root any
	if json.Unmarshal(body, &root) != nil {
		return ""
	}
	var found []string
	for _, path := range paths {
		if s := text(at(root, strings.Split(path, "."))); s != "" {
			found = append(found, s)
		}
	}
	return strings.Join(found, ": ")
}
