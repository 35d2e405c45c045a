package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What a caller branches on, with errors.Is. Each stands for one or more error
// codes of the API.
var (
	// ErrCodeMismatch: this is not the code. The person may try again.
	ErrCodeMismatch = errors.New("postern: the code is not the right one")
	// ErrCodeExpired: the code is too old. Offer to send a new one.
	ErrCodeExpired = errors.New("postern: the code has expired")
	// ErrCodeNotFound: no code is outstanding for the address, type and
	// session; it was used, or none was sent.
	ErrCodeNotFound = errors.New("postern: no code is outstanding")
	// ErrTooManyTries: the code's tries are used up. Offer to send a new one.
	ErrTooManyTries = errors.New("postern: too many wrong tries")
	// ErrBlocked: the address is locked for some time, after too many wrong
	// tries with many codes.
	ErrBlocked = errors.New("postern: the address is blocked after too many wrong tries")
	// ErrRateLimited: too much was asked for. Error.RetryAfter says when to
	// come again.
	ErrRateLimited = errors.New("postern: too many requests")
	// ErrNotSent: the mail was refused for good. Only where Wait was set.
	ErrNotSent = errors.New("postern: the mail was not sent")
	// ErrNoConnector: nothing is set up that mails could be sent through.
	ErrNoConnector = errors.New("postern: no connector is set up")
	// ErrInvalidInput: the request is wrong. Error.Issues says where.
	ErrInvalidInput = errors.New("postern: the request is not valid")
	// ErrExists: there is one already, such as a pending invitation.
	ErrExists = errors.New("postern: there is one already")
	// ErrNotFound: nothing has this id.
	ErrNotFound = errors.New("postern: not found")
	// ErrUnauthorized: the API key is unknown, revoked or expired.
	ErrUnauthorized = errors.New("postern: the API key is not valid")
	// ErrForbidden: the API key lacks the scope that the call needs.
	ErrForbidden = errors.New("postern: the API key lacks a scope")
)

// Error is an answer of the service that says no.
type Error struct {
	Status int // of HTTP
	// Code is the API's error code, such as verification_code.expired; "" when
	// the answer was not Postern's, such as a proxy's.
	Code    string
	Message string  // what went wrong and what to do, in a sentence
	Issues  []Issue // the fields at fault, for invalid input
	// RetryAfter is how long to wait before asking again; 0 when the service
	// did not say.
	RetryAfter time.Duration
	// RequestID finds the request in the service's log.
	RequestID string
	// MessageID is the id of the message that was refused, where Wait was set.
	MessageID string
}

// Issue is one field at fault.
type Issue struct {
	// Path leads to the value: keys (string) and indexes (float64).
	Path    []any  `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error implements error. It repeats nothing that was sent.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("postern: " + e.Message)
	for _, issue := range e.Issues {
		b.WriteString(" " + issue.String())
	}
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	return b.String()
}

// String writes an issue as templates[0].subject: message.
func (i Issue) String() string {
	var path strings.Builder
	for _, step := range i.Path {
		if index, ok := step.(float64); ok {
			fmt.Fprintf(&path, "[%.0f]", index)
			continue
		}
		if path.Len() > 0 {
			path.WriteByte('.')
		}
		fmt.Fprint(&path, step)
	}
	if path.Len() == 0 {
		return i.Message
	}
	return path.String() + ": " + i.Message
}

// Unwrap returns the error of this package that e is a case of, if any.
func (e *Error) Unwrap() error {
	switch e.Code {
	case "verification_code.code_mismatch":
		return ErrCodeMismatch
	case "verification_code.expired":
		return ErrCodeExpired
	case "verification_code.not_found":
		return ErrCodeNotFound
	case "verification_code.exceed_max_try":
		return ErrTooManyTries
	case "session.verification_blocked_too_many_attempts":
		return ErrBlocked
	case "connector.general", "connector.invalid_response", "connector.template_not_found":
		return ErrNotSent
	case "connector.not_found":
		return ErrNoConnector
	case "guard.invalid_input", "request.invalid_input", "entity.value_too_long":
		return ErrInvalidInput
	case "entity.unique_integrity_violation":
		return ErrExists
	}
	switch e.Status {
	case http.StatusTooManyRequests:
		return ErrRateLimited
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	}
	return nil
}

// refusal reads an answer that is not the success of its call.
func (c *Client) refusal(res *http.Response, text []byte) error {
	e := &Error{
		Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After")),
		RequestID: res.Header.Get("X-Request-Id"), MessageID: res.Header.Get("Postern-Message-Id"),
	}
	var said struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Data    struct {
			Issues []Issue `json:"issues"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Code == "" || said.Message == "" {
		e.Message = c.base.Host + " answered " + strconv.Itoa(res.StatusCode) + ", and not as Postern does."
		return e
	}
	// A proxy for debugging may put the request into its answer.
	hide := strings.NewReplacer(c.key(), "********").Replace
	e.Code, e.Message, e.Issues = hide(said.Code), hide(said.Message), said.Data.Issues
	for i := range e.Issues {
		e.Issues[i].Message = hide(e.Issues[i].Message)
	}
	return e
}

// retryAfter reads a Retry-After header (RFC 9110 section 10.2.3); 0 for none.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
