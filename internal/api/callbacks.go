package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
)

// callbackRoute is what logs and figures show of a callback's path.
const callbackRoute = "/callbacks/{connectorId}/{secret}"

// callbackAgain is when a provider may call again after our own failure.
const callbackAgain = 10 * time.Second

type callbackInput struct {
	ConnectorID string `path:"connectorId" example:"3f1c0c8e-5f0e-4b0f-9d0a-2f6f1f0f7a11"`
	Secret      string `path:"secret" doc:"As in the connector's callbackPath."`
	// RawBody is what the provider signs, so nothing may touch it.
	RawBody []byte `contentType:"*/*"`
}

type callbackOutput struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *server) mountCallbacks() {
	anything := &huma.MediaType{Schema: &huma.Schema{Description: "What the provider expects back, such as the answer to a handshake."}}
	register(s, operation{
		id: "takeCallback", method: http.MethodPost, path: callbackRoute, tag: tagCallbacks,
		guard: s.findCallback, status: http.StatusOK, summary: "Take a provider's reports",
		description: "For providers: the path is the `callbackPath` of a connector. What a callback reports is proved to come " +
			"from the provider as far as the provider signs it, counts once however often it is repeated, and shows in " +
			"`GET /api/messages/{id}`. A hard bounce of an address that does not exist and a complaint suppress the address. " +
			"A connector that was replaced takes callbacks for 7 days more. The body may be of any type, up to 1 MiB.",
		content: map[string]*huma.MediaType{mediaJSON: anything},
		failures: map[int]string{
			http.StatusBadRequest: "`callback.invalid`: it cannot be read; `guard.invalid_input`: it is empty",
			http.StatusUnauthorized: "`callback.not_genuine`: not signed as the provider signs, or too old; `callback.not_set_up`: the " +
				"connector's config lacks the key; `callback.replayed`: its signature came with another callback before",
			http.StatusNotFound:              "`entity.not_found`: no connector takes callbacks at this path",
			http.StatusRequestEntityTooLarge: "`request.body_too_large`: over 1 MiB",
			http.StatusServiceUnavailable:    "`callback.unavailable`: call again",
		},
	}, s.takeCallback)
	s.huma.OpenAPI().Paths[callbackRoute].Post.Responses["204"] = &huma.Response{Description: "Taken in; most callbacks are answered so."}
}

// findCallback lets requests pass that know a connector's callback path.
func (s *server) findCallback(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	c := callOf(r.Context())
	id, secret := ctx.Param("connectorId"), ctx.Param("secret")
	if !validID(id) { // a database may choke on what is no id
		id, secret = "", ""
	}
	via, err := s.Router.ForCallback(r.Context(), id, secret)
	if err != nil {
		s.refuse(c, w, again(err))
		return
	}
	c.via = via
	next(ctx)
}

func (s *server) takeCallback(ctx context.Context, in *callbackInput) (*callbackOutput, error) {
	c := callOf(ctx)
	answer, err := s.Intake.Take(ctx, c.via, connector.Callback{
		Header: c.r.Header, At: c.started,
		Body: bytes.Clone(in.RawBody), // package huma uses its buffer again
	})
	switch {
	case err != nil:
		return nil, again(err)
	case answer != nil:
		return &callbackOutput{Status: http.StatusOK, ContentType: mediaJSON, Body: answer}, nil
	}
	return &callbackOutput{Status: http.StatusNoContent}, nil
}

// again turns an error that a provider can do nothing about into one that
// makes it call again.
func again(err error) error {
	if _, shown := errors.AsType[*fault.Fault](err); shown {
		return err
	}
	f := fault.New(fault.Unavailable, "callback.unavailable", "The callback could not be taken in now. Call again.")
	f.Err, f.RetryAfter = fmt.Errorf("callback: %w", err), callbackAgain
	return f
}
