package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"

	"golang.org/x/oauth2"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/redact"
	"github.com/postern-mail/postern/internal/network"
)

// explain turns a fetch that failed into the error that the queue and people
// read.
func explain(ctx context.Context, err error, s *Source) *connector.Error {
	if e, is := errors.AsType[*oauth2.RetrieveError](err); is {
		return refusal(e, s)
	}
	if ctx.Err() == nil && !isNetwork(err) {
		return unreadable()
	}
	return unreachable(ctx, err, s)
}

func unreadable() *connector.Error {
	return &connector.Error{Class: connector.Temporary, Message: "the token endpoint's answer cannot be read"}
}

// refusal explains an answer of the token endpoint (RFC 6749 section 5.2).
func refusal(e *oauth2.RetrieveError, s *Source) *connector.Error {
	out := &connector.Error{Class: connector.ConfigFault}
	if e.Response != nil {
		out.Status = e.Response.StatusCode
	}
	switch {
	case out.Status == http.StatusTooManyRequests:
		out.Class = connector.Throttled
	case out.Status >= http.StatusInternalServerError, out.Status == http.StatusRequestTimeout,
		e.ErrorCode == "temporarily_unavailable", e.ErrorCode == "server_error":
		out.Class = connector.Temporary
	}
	words := e.ErrorCode
	if e.ErrorDescription != "" {
		words += ": " + e.ErrorDescription
	}
	out.Message = "the token endpoint refused: " + strconv.Itoa(out.Status)
	if said := redact.New(s.Secrets()...).Words(words, redact.MaxWords-len(out.Message)); said != "" {
		out.Message += " " + said
	}
	return out
}

// isNetwork reports whether the other side was not heard to its end.
func isNetwork(err error) bool {
	_, ofDial := errors.AsType[*connector.Error](err)
	return ofDial || network.Is(err) || network.IsLost(err) || network.IsTLSFault(err) || errors.Is(err, http.ErrSchemeMismatch)
}

// unreachable explains a request without answer.
func unreachable(ctx context.Context, err error, s *Source) *connector.Error {
	out := &connector.Error{Class: connector.Temporary, Err: network.Cause(err)}
	var text string
	ofDial, is := errors.AsType[*connector.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		text = "the attempt was cancelled"
	case ctx.Err() != nil:
		text = "the attempt ran out of time"
	case is: // the service's Dial has its own opinion
		out.Class, out.Err, text = ofDial.Class, ofDial.Err, ofDial.Message
	case network.IsUnknownHost(err):
		text = "the host does not exist in the DNS"
	case errors.Is(err, http.ErrSchemeMismatch):
		out.Class, text = connector.ConfigFault, "what answers there does not speak TLS"
	case network.IsTLSFault(err):
		out.Class, text = connector.ConfigFault, network.TLSWords(err)
	case network.IsTimeout(err):
		text = "no answer in time"
	default:
		text = cmp.Or(network.Words(err), "the connection failed")
	}
	if ctx.Err() != nil {
		out.Err = ctx.Err()
	}
	const doing = "reaching the token endpoint: "
	out.Message = doing + redact.New(s.Secrets()...).Words(text, redact.MaxWords-len(doing))
	return out
}
