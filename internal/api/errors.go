package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
)

// statusOf is the one table from kinds of faults to statuses.
func statusOf(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unprocessable:
		return http.StatusUnprocessableEntity
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.NotImplemented:
		return http.StatusNotImplemented
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// statusGone is logged when the client went away before the answer; it never
// reaches anyone. The number is nginx's.
const statusGone = 499

// errorJSON is the body of every answer that is not a success.
type errorJSON struct {
	Code    string        `json:"code" example:"guard.invalid_input" doc:"What went wrong, for programs."`
	Message string        `json:"message" example:"The request is not valid." doc:"What went wrong and what to do, for people."`
	Data    errorDataJSON `json:"data,omitempty"`
	Details string        `json:"details,omitempty" example:"email: not one e-mail address" doc:"One line per field at fault."`
}

// errorDataJSON are the machine-readable facts of an error.
type errorDataJSON map[string]any

// Schema implements huma.SchemaProvider.
func (errorDataJSON) Schema(r huma.Registry) *huma.Schema {
	issues := r.Schema(reflect.TypeFor[[]issueJSON](), true, "")
	issues.Description = "The fields at fault, for invalid input."
	return &huma.Schema{
		Type:        huma.TypeObject,
		Description: "Further facts; which ones depends on the code.",
		Properties: map[string]*huma.Schema{
			"issues":    issues,
			"requestId": {Type: huma.TypeString, Description: "The request's id in our log, for unexpected errors."},
		},
		AdditionalProperties: true,
	}
}

// issueJSON is one field at fault.
type issueJSON struct {
	Path    []any  `json:"path" doc:"Keys and array indexes that lead to the value."`
	Code    string `json:"code" example:"invalid_value" doc:"invalid_type, required, invalid_value, …"`
	Message string `json:"message" example:"not one e-mail address of the form name@example.com"`
}

// problem is an answer that is not a success. It is also its own JSON body.
type problem struct {
	errorJSON

	status int
	header http.Header
}

func (p *problem) Error() string { return p.Code + ": " + p.Message }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.status }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header { return p.header }

// problem turns an error into what is shown of it, and leaves the rest for
// the log. Errors that are not faults show nothing but the request's id.
func (s *server) problem(c *call, err error) *problem {
	p := problemOf(c, err)
	c.code = p.Code
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == limits.Limited {
		name, _ := f.Data["limit"].(string)
		s.Metrics.RateLimited.WithLabelValues(name).Inc()
	}
	if more, ok := errors.AsType[*headerError](err); ok {
		p.header.Set(more.name, more.value)
	}
	return p
}

// headerError is an error whose answer carries a header.
type headerError struct {
	error

	name, value string
}

func (e *headerError) Unwrap() error { return e.error }

func problemOf(c *call, err error) *problem {
	f, shown := errors.AsType[*fault.Fault](err)
	p, made := errors.AsType[*problem](err)
	switch {
	case made:
		return p
	case errors.Is(err, context.Canceled) && c.r.Context().Err() != nil:
		return &problem{status: statusGone, header: http.Header{}, errorJSON: errorJSON{
			Code: "request.cancelled", Message: "The client went away.",
		}}
	case !shown || f.Kind == fault.Internal:
		c.cause = err
		return &problem{status: http.StatusInternalServerError, header: http.Header{}, errorJSON: errorJSON{
			Code:    "entity.internal_error",
			Message: "Something went wrong on our side. The log has more under the request id " + c.id + ".",
			Data:    errorDataJSON{"requestId": c.id},
		}}
	}
	c.cause = f.Err
	p = &problem{
		status: statusOf(f.Kind), header: http.Header{},
		errorJSON: errorJSON{Code: f.Code, Message: f.Message, Details: details(f.Issues)},
	}
	if len(f.Data) > 0 || len(f.Issues) > 0 {
		p.Data = make(errorDataJSON, len(f.Data)+1)
		maps.Copy(p.Data, f.Data)
	}
	if len(f.Issues) > 0 {
		p.Data["issues"] = issues(f.Issues)
	}
	if f.RetryAfter > 0 {
		p.header.Set("Retry-After", retryAfter(f.RetryAfter))
	}
	if f.Kind == fault.Unauthorized {
		p.header.Set("WWW-Authenticate", "Bearer")
	}
	return p
}

func issues(list []fault.Issue) []issueJSON {
	out := make([]issueJSON, len(list))
	for i, issue := range list {
		out[i] = issueJSON{Path: issue.Path, Code: issue.Code, Message: issue.Message}
		if issue.Path == nil {
			out[i].Path = []any{}
		}
	}
	return out
}

// details writes one line per issue.
func details(list []fault.Issue) string {
	lines := make([]string, len(list))
	for i, issue := range list {
		lines[i] = issue.Message
		if path := pathText(issue.Path); path != "" {
			lines[i] = path + ": " + issue.Message
		}
	}
	return strings.Join(lines, "\n")
}

// pathText writes a path as templates[0].subject.
func pathText(path []any) string {
	var b strings.Builder
	for _, step := range path {
		if index, ok := step.(int); ok {
			fmt.Fprintf(&b, "[%d]", index)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		fmt.Fprint(&b, step)
	}
	return b.String()
}

// retryAfter is a waiting time in whole seconds, rounded up.
func retryAfter(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// refuse answers with an error where huma is not involved.
func (s *server) refuse(c *call, w http.ResponseWriter, err error) {
	writeProblem(w, s.problem(c, err))
}

func writeProblem(w http.ResponseWriter, p *problem) {
	maps.Copy(w.Header(), p.header)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_ = writeJSON(w, p) // a client that is gone reads no error either
}

func errNoPath() error {
	return fault.New(fault.NotFound, "entity.not_found", "There is nothing at this path. /api/docs lists what there is.")
}

func errMethod() error {
	// No kind of fault is a wrong method: the service's parts know no HTTP.
	return &problem{status: http.StatusMethodNotAllowed, header: http.Header{}, errorJSON: errorJSON{
		Code: "request.method_not_allowed", Message: "This path does not take this method.",
	}}
}

func errTooLarge(limit int) error {
	return fault.New(fault.TooLarge, "request.body_too_large", "The body is larger than %d bytes.", limit)
}

func errNotFound(what string) error {
	return fault.New(fault.NotFound, "entity.not_found", "There is no %s with this id.", what)
}

// writeJSON writes v without HTML escapes: answers hold templates and people
// read them.
func writeJSON(w io.Writer, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	_, err := w.Write(buf.Bytes())
	return err
}
