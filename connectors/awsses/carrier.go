package awsses

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// carrier carries one request of AWS's library. Limits, time-outs and the
// classes of failures are those of providerapi: the library sees answers that
// are a 2xx, and is not asked what any other means.
type carrier struct {
	client  *providerapi.Client
	message connector.Message // zero for a request that is no mail

	// What came of it: an answer, an error, or neither when the library failed
	// before it made a request.
	answer *providerapi.Answer
	err    error
}

// Do implements the HTTPClient of AWS's library.
func (c *carrier) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err //nolint:wrapcheck // it is the library's own
		}
	}
	answer, err := c.client.Do(r.Context(), c.message, providerapi.Request{
		Method: r.Method, URL: r.URL.String(), Header: r.Header, Body: body,
	})
	if err != nil {
		c.err = err
		return nil, err //nolint:wrapcheck // a *connector.Error, to be found by errors.As
	}
	c.answer = &answer
	return &http.Response{
		StatusCode: answer.Status, Header: answer.Header, Request: r,
		ContentLength: int64(len(answer.Body)), Body: io.NopCloser(bytes.NewReader(answer.Body)),
	}, nil
}

// unsent explains why there was no request: what it would be signed with was
// not to be had. What AWS's library says is not repeated.
func unsent(ctx context.Context, err error) *connector.Error {
	var answered *smithyhttp.ResponseError
	own, isOwn := errors.AsType[*connector.Error](err)
	switch {
	case ctx.Err() != nil:
		return &connector.Error{Class: connector.Temporary, Message: "the attempt was cancelled", Err: ctx.Err()}
	case isOwn: // of AWS STS
		return own
	case errors.As(err, &answered) && answered.HTTPStatusCode()/100 == 4:
		return &connector.Error{Class: connector.ConfigFault, Message: "the machine has no role that it could lend"}
	default:
		return &connector.Error{Class: connector.Temporary, Message: "the credentials of the machine's role were not to be had"}
	}
}
