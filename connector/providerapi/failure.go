package providerapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/redact"
	"github.com/postern-mail/postern/internal/network"
)

var (
	errTooSlow    = errors.New("the provider did not answer within 15 s")
	errClosed     = errors.New("the connector is closed")
	errBadRequest = errors.New("the settings do not make a request")
)

// maxRetryAfter bounds what a provider may ask for: a day.
const maxRetryAfter = 24 * time.Hour

// refused turns an answer that is no 2xx into an error.
func refused(a Answer, r Refusal, words redact.Redactor) *connector.Error {
	e := &connector.Error{
		Class: cmp.Or(r.Class, ClassOf(a.Status)), Status: a.Status, Enhanced: r.Enhanced,
		Message: "the provider answered " + statusText(a.Status),
	}
	if e.Class == connector.Temporary || e.Class == connector.Throttled {
		if e.RetryAfter = retryAfter(a.Header.Get("Retry-After"), time.Now()); e.RetryAfter > 0 {
			e.Class = connector.Throttled
		}
	}
	if a.Status/100 == 3 {
		e.Message += ", which leads elsewhere; redirects are not followed, so the endpoint must be the right one"
	}
	if said := words.Words(r.Words, redact.MaxWords); said != "" {
		e.Message += ": " + said
	}
	return e
}

// ClassOf is what a status means unless the provider says more: 408 and 5xx
// pass, 429 asks to slow down, 401, 403 and redirects are for the settings to
// mend, any other 4xx is about this message.
func ClassOf(status int) connector.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return connector.Throttled
	case status == http.StatusRequestTimeout, status/100 == 5, status/100 == 1:
		return connector.Temporary
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status/100 == 3:
		return connector.ConfigFault
	default:
		return connector.Permanent
	}
}

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// retryAfter reads the header of that name (RFC 9110 section 10.2.3): seconds
// or a date. Less than nothing, and what cannot be read, is 0.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// broken turns a request without answer into an error.
func broken(ctx context.Context, err error, words redact.Redactor) *connector.Error {
	if own, is := errors.AsType[*connector.Error](err); is { // the service's Dial, or a token that was not to be had
		e := *own
		e.Message = "reaching the provider: " + words.Words(own.Message, redact.MaxWords)
		return &e
	}
	class, text := connector.Temporary, "the connection failed"
	switch {
	case errors.Is(err, errTooSlow), errors.Is(err, errClosed):
		text = err.Error()
	case errors.Is(err, errBadRequest):
		class, text = connector.ConfigFault, errBadRequest.Error()
	case errors.Is(ctx.Err(), context.Canceled):
		text = "the attempt was cancelled"
	case ctx.Err() != nil:
		text = "the attempt ran out of time"
	case network.IsUnknownHost(err):
		text = "the host does not exist in the DNS"
	case errors.Is(err, http.ErrSchemeMismatch):
		class, text = connector.ConfigFault, "what answers there does not speak TLS"
	case network.IsTLSFault(err):
		class, text = connector.ConfigFault, network.TLSWords(err)
	case network.IsTimeout(err):
		text = "no connection within " + connectTimeout.String()
	default:
		text = cmp.Or(network.Words(err), text)
	}
	cause := network.Cause(err)
	if ctx.Err() != nil {
		cause = ctx.Err()
	}
	return &connector.Error{Class: class, Message: "reaching the provider: " + words.Words(text, redact.MaxWords), Err: cause}
}

// at follows keys and indexes into a JSON value; nil when they lead nowhere.
func at(v any, path []string) any {
	for _, step := range path {
		switch inside := v.(type) {
		case map[string]any:
			v = inside[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(inside) {
				return nil
			}
			v = inside[i]
		default:
			return nil
		}
	}
	return v
}

// text prints a string or a number; anything else is "".
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64, bool:
		out, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(out)
	default:
		return ""
	}
}
