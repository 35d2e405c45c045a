package command

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/config"
)

const (
	// answerTimeout bounds a call, beyond what the service was asked to wait.
	answerTimeout = 15 * time.Second
	maxAnswer     = 1 << 20
)

// addClient adds the flags of commands that call a running service.
func addClient(cmd *cobra.Command) (base *string) {
	config.AddFlags(cmd.Flags(), config.Client)
	return cmd.Flags().String("url", "http://127.0.0.1:3001", "where the service is")
}

// client calls the API of a running service.
type client struct {
	base *url.URL
	key  connector.Secret
}

func newClient(cmd *cobra.Command, p process, base string) (*client, error) {
	s, err := settingsOf(cmd, p)
	if err != nil {
		return nil, err
	}
	if s.APIKey == "" {
		return nil, usagef("no API key: set POSTERN_API_KEY, or make one with: postern keys create --name laptop")
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, usagef("--url: must be an http:// or https:// URL without a password")
	}
	return &client{base: u, key: s.APIKey}, nil
}

// apiError is an answer of the service that says no.
type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details string `json:"details"`
	Data    struct {
		Issues []apiIssue `json:"issues"`
	} `json:"data"`
}

// apiIssue is one field of a request that is wrong.
type apiIssue struct {
	Path    []any  `json:"path"` // strings, and numbers as float64
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *apiError) Error() string {
	text := e.Message
	if e.Details != "" {
		text += " " + e.Details
	}
	return fmt.Sprintf("%s (%s)", text, e.Code)
}

// post sends body to path and reads a 2xx answer into answer, if not nil.
// With wait the service answers when it knows how the sending went.
func (c *client) post(ctx context.Context, path string, body, answer any, wait time.Duration) error {
	return c.do(ctx, call{method: http.MethodPost, path: path, body: body, wait: wait}, answer)
}

// call is one call of the API.
type call struct {
	method, path string
	body         any // nil for none
	query        url.Values
	wait         time.Duration
	// patience is how much longer than most a call may take.
	patience time.Duration
	// limit bounds the answer, in bytes; 0 means maxAnswer.
	limit int64
}

// do makes a call and reads a 2xx answer into answer, if not nil.
func (c *client) do(ctx context.Context, asked call, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout+asked.wait+asked.patience)
	defer cancel()
	req, err := c.request(ctx, asked)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	// The key goes where it was sent, and nowhere that an answer points to.
	hc := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := hc.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, cmp.Or(asked.limit, maxAnswer)))
	if err != nil {
		return c.unreachable(err)
	}
	return c.read(res, text, answer)
}

func (c *client) request(ctx context.Context, asked call) (*http.Request, error) {
	var body io.Reader = http.NoBody
	if asked.body != nil {
		data, err := encode(asked.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	u := c.base.JoinPath(asked.path)
	u.RawQuery = asked.query.Encode()
	req, err := http.NewRequestWithContext(ctx, asked.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	if asked.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if asked.wait > 0 {
		req.Header.Set("Prefer", fmt.Sprintf("wait=%d", int(asked.wait.Seconds())))
	}
	return req, nil
}

// encode writes a request's body. Templates are full of what JSON for web
// pages would escape, six bytes for one.
func encode(body any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(body)
	return b.Bytes(), err
}

func (c *client) read(res *http.Response, text []byte, answer any) error {
	if res.StatusCode/100 == 2 {
		if answer == nil {
			return nil
		}
		if err := json.Unmarshal(text, answer); err != nil {
			return fmt.Errorf("%s answered with something else than JSON; is it Postern?", c.base.Host)
		}
		return nil
	}
	var refused apiError
	if err := json.Unmarshal(text, &refused); err != nil || refused.Code == "" {
		return fmt.Errorf("%s answered %s; is it Postern?", c.base.Host, res.Status)
	}
	return &refused
}

func (c *client) unreachable(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s did not answer in time", c.base)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	hint := ""
	if errors.Is(err, syscall.ECONNREFUSED) {
		err, hint = syscall.ECONNREFUSED, "; is postern serve running there? --url says where"
	}
	return fmt.Errorf("cannot reach %s: %w%s", c.base, err, hint)
}

// parseType reads a template type.
func parseType(text string) (connector.TemplateType, error) {
	t := connector.TemplateType(text)
	if t.Valid() {
		return t, nil
	}
	words := make([]string, 0, len(connector.TemplateTypes()))
	for _, known := range connector.TemplateTypes() {
		if strings.EqualFold(text, string(known)) {
			return "", fmt.Errorf("--type: must be %s, not %q", known, text)
		}
		words = append(words, string(known))
	}
	return "", fmt.Errorf("--type: must be one of %s", strings.Join(words, ", "))
}
