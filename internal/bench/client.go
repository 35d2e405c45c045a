package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client sets the service up and checks codes: the calls that are not
// measured.
type client struct {
	addr, apiKey string
	http         *http.Client
}

func newClient(addr, apiKey string) *client {
	return &client{addr: addr, apiKey: apiKey, http: &http.Client{
		Transport: &http.Transport{}, // of its own, and without proxies
		Timeout:   30 * time.Second,
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// call makes one request and decodes its answer into out unless that is nil.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.addr+path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.apiKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return err // names method and URL
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %w", method, path, refusal(res.Status, answer))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// refusal is the error behind an answer.
func refusal(status string, body []byte) error {
	var said struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Details string `json:"details"`
	}
	if json.Unmarshal(body, &said) != nil || said.Code == "" {
		return fmt.Errorf("the service answered %s", status)
	}
	text := strings.TrimSpace(said.Code + ": " + said.Message + " " + said.Details)
	return fmt.Errorf("the service answered %s: %s", status, text)
}

// ready tells whether the service takes work.
func (c *client) ready(ctx context.Context) bool {
	return c.call(ctx, http.MethodGet, "/readyz", nil, nil) == nil
}

// usedConnector is the part of a connector that matters here.
type usedConnector struct {
	FactoryID string          `json:"connectorId"`
	ID        string          `json:"id,omitempty"`
	Config    json.RawMessage `json:"config"`
}

const (
	builtinFactory = "postern-email" // what a service uses that nobody has set up
	smtpFactory    = "simple-mail-transfer-protocol"
)

// sendTo makes the sink the service's mail server and returns the connector
// that was in use. It refuses to take the place of one that somebody has set
// up: its secrets could not be put back.
func (c *client) sendTo(ctx context.Context, port, connections int) (usedConnector, error) {
	var used []usedConnector
	if err := c.call(ctx, http.MethodGet, "/api/connectors", nil, &used); err != nil {
		return usedConnector{}, err
	}
	var before usedConnector
	if len(used) > 0 {
		before = used[0]
	}
	if before.FactoryID != builtinFactory && before.FactoryID != "" {
		return usedConnector{}, fmt.Errorf("the service sends through a connector of its own (%s), "+
			"which a benchmark would replace for good: measure a service without one", before.FactoryID)
	}
	settings, err := json.Marshal(map[string]any{
		"host": "127.0.0.1", "port": port, "ignoreTLS": true, "auth": map[string]any{},
		"fromEmail": "Bench <no-reply@" + mailDomain + ">",
		"pool":      map[string]any{"maxConnections": connections},
	})
	if err != nil {
		return usedConnector{}, fmt.Errorf("connector settings: %w", err)
	}
	return before, c.restore(ctx, usedConnector{FactoryID: smtpFactory, Config: settings})
}

// restore puts a connector into use.
func (c *client) restore(ctx context.Context, used usedConnector) error {
	return c.call(ctx, http.MethodPost, "/api/connectors", used, nil)
}

// verify checks a code and uses it up.
func (c *client) verify(ctx context.Context, to, code string) error {
	return c.call(ctx, http.MethodPost, "/api/verification-codes/verify",
		map[string]string{"email": to, "verificationCode": code}, nil)
}
