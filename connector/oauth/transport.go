package oauth

import (
	"io"
	"net/http"
)

// Transport carries requests with an access token (RFC 6750 section 2.1) over
// what carries those for tokens.
//
// A token that is refused with 401 before its time is replaced, and the
// request made again, once. It is still one attempt: the provider has refused
// to read the mail. A token that was fetched for this very request is not
// replaced.
func (s *Source) Transport() http.RoundTripper { return transport{s} }

type transport struct{ source *Source }

// maxRefusal bounds what is read of a refusal, in bytes, so that its
// connection can carry the next request.
const maxRefusal = 64 << 10

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	token, fresh, err := t.source.Token(r.Context(), "")
	if err != nil {
		closeBody(r)
		return nil, err
	}
	res, err := t.source.options.HTTP.RoundTrip(withToken(r, token))
	if err != nil || res.StatusCode != http.StatusUnauthorized || fresh || !t.source.Renewable() || r.GetBody == nil {
		return res, err
	}
	_, _ = io.CopyN(io.Discard, res.Body, maxRefusal) // what is in it does not matter
	_ = res.Body.Close()
	if token, _, err = t.source.Token(r.Context(), token); err != nil {
		return nil, err
	}
	again := withToken(r, token)
	if again.Body, err = r.GetBody(); err != nil {
		return nil, err
	}
	return t.source.options.HTTP.RoundTrip(again)
}

// CloseIdleConnections passes on http.Client's wish.
func (t transport) CloseIdleConnections() { t.source.Close() }

// withToken copies a request: a RoundTripper leaves the original as it is.
func withToken(r *http.Request, token string) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// closeBody is what a RoundTripper owes a request that it does not send.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
