package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one call of the API.
type call struct {
	method, path string
	body         any // nil for none
	wait         time.Duration
	// key makes a POST safe to repeat; newKey unless the caller has one.
	key string
	// want is the one status of success. A proxy's friendly 200 is none: it
	// must not pass for a code that was right.
	want   int
	answer any // what the body is read into; nil for none
}

// repeatable reports whether making the call twice does what it does once.
func (a call) repeatable() bool { return a.method == http.MethodGet || a.key != "" }

// newKey draws an Idempotency-Key.
func newKey() string { return rand.Text() }

// do makes a call, again where that may help, and returns the header of its
// answer.
func (c *Client) do(ctx context.Context, asked call) (http.Header, error) {
	if asked.wait < 0 || asked.wait > longestWait || asked.wait%time.Second != 0 {
		return nil, errors.New("postern: Wait must be 0, or 1 to 30 whole seconds")
	}
	if asked.key != "" && (!visible(asked.key) || len(asked.key) > 255) {
		return nil, errors.New("postern: the idempotency key must be 1 to 255 printable ASCII characters")
	}
	body, err := encode(asked.body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout+asked.wait)
	defer cancel()
	for tries := 1; ; tries++ {
		header, err := c.try(ctx, asked, body)
		if err == nil || tries > repeats || ctx.Err() != nil || !asked.repeatable() || !passing(err, tries) {
			return header, err
		}
		if pause(ctx, tries) != nil {
			return nil, fmt.Errorf("%w (given up: %w)", err, ctx.Err())
		}
	}
}

// lostError is a failure to get an answer at all.
type lostError struct{ error }

func (e *lostError) Unwrap() error { return e.error }

// passing reports whether a try failed in a way that may be over at the next
// one. Where the service says when to come again, that is for the caller to
// wait for.
func passing(err error, tries int) bool {
	if _, lost := errors.AsType[*lostError](err); lost {
		return true
	}
	refused, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch refused.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return refused.RetryAfter == 0
	case http.StatusConflict:
		// Our own try before, whose answer we have lost, still runs.
		return tries > 1 && refused.Code == "request.idempotency_in_progress"
	}
	return false
}

// pause waits before the next try, a random part of what is due, so that
// callers who failed together do not come back together.
func pause(ctx context.Context, tries int) error {
	longest := firstPause << (2 * (tries - 1))
	timer := time.NewTimer(longest/2 + mathrand.N(longest/2)) //nolint:gosec // spreads load, hides nothing
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try makes a call once.
func (c *Client) try(ctx context.Context, asked call, body []byte) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, asked.method, c.base.JoinPath(asked.path).String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("postern: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key())
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if asked.key != "" {
		req.Header.Set("Idempotency-Key", asked.key)
	}
	if asked.wait > 0 {
		req.Header.Set("Prefer", "wait="+strconv.Itoa(int(asked.wait/time.Second)))
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(asked, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.lost(asked, err)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("postern: %s %s: the answer is larger than %d bytes", asked.method, asked.path, maxAnswer)
	case res.StatusCode != asked.want:
		return nil, c.refusal(res, text)
	}
	return res.Header, c.read(asked, text)
}

func (c *Client) read(asked call, text []byte) error {
	if asked.answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, asked.answer); err != nil {
		return fmt.Errorf("postern: %s %s: the answer is not the JSON that Postern sends", asked.method, asked.path)
	}
	return nil
}

// lost tells of a call without answer: what was called, and why there was
// none.
func (c *Client) lost(asked call, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return &lostError{fmt.Errorf("postern: %s %s: %w", asked.method, c.base.JoinPath(asked.path), err)}
}

// encode writes a request's body; nil for none. A value that JSON has no form
// for is in a payload.
func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // not for a page, and six bytes for one
	if err := enc.Encode(body); err != nil {
		return nil, fmt.Errorf("postern: the request cannot be written as JSON: %w", err)
	}
	return b.Bytes(), nil
}

// under is the path of what has this id in a collection.
func under(collection, id string) (string, error) {
	if strings.Trim(id, ".") == "" { // which a path would swallow
		return "", fmt.Errorf("postern: %q is no id", id)
	}
	return collection + "/" + url.PathEscape(id), nil
}
