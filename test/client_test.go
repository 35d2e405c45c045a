//go:build unix

package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// client speaks the API of one node.
type client struct {
	base string
	http *http.Client
}

func newClient(t testing.TB, addr string) *client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{base: "http://" + addr, http: &http.Client{Transport: transport, Timeout: patience}}
}

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the error code of an answer, "" when there is none.
func (a answer) code() string {
	var body struct{ Code string }
	if json.Unmarshal(a.body, &body) != nil {
		return ""
	}
	return body.Code
}

// try makes one request; body is sent as JSON unless nil.
func (c *client) try(method, path string, body any) (a answer, err error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer{}, fmt.Errorf("encode: %w", err)
		}
		content = bytes.NewReader(encoded)
	}
	// The client's own time-out bounds it.
	request, err := http.NewRequest(method, c.base+path, content)
	if err != nil {
		return answer{}, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+managementKey)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	a = answer{status: response.StatusCode, header: response.Header}
	a.body, err = io.ReadAll(response.Body)
	return a, err
}

// call makes one request and wants this status.
func (c *client) call(t testing.TB, method, path string, body any, want int) answer {
	t.Helper()
	a, err := c.try(method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.status, want, a.body)
	}
	return a
}

// get reads a resource into out.
func (c *client) get(t testing.TB, path string, out any) {
	t.Helper()
	a := c.call(t, http.MethodGet, path, nil, http.StatusOK)
	if err := json.Unmarshal(a.body, out); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, a.body)
	}
}

// ask asks for a code and returns the id of its message. gone tells that there
// was no answer at all.
func (c *client) ask(email string) (id string, gone bool, err error) {
	a, err := c.try(http.MethodPost, "/api/verification-codes", map[string]any{"email": email})
	if err != nil {
		return "", true, err
	}
	id = a.header.Get("Postern-Message-Id")
	if a.status != http.StatusNoContent || id == "" {
		return "", false, fmt.Errorf("status %d, message id %q: %s", a.status, id, a.body)
	}
	return id, false, nil
}

// askCode asks for a code and returns the id of its message.
func (c *client) askCode(t testing.TB, email string) string {
	t.Helper()
	id, _, err := c.ask(email)
	if err != nil {
		t.Fatalf("ask for a code: %v", err)
	}
	return id
}

// verify checks a code.
func (c *client) verify(email, code string) (answer, error) {
	return c.try(http.MethodPost, "/api/verification-codes/verify",
		map[string]any{"email": email, "verificationCode": code})
}

// wantVerified checks a code that must be right.
func (c *client) wantVerified(t testing.TB, email, code string) {
	t.Helper()
	if a, err := c.verify(email, code); err != nil || a.status != http.StatusNoContent {
		t.Errorf("verify for %s: status %d, %v: %s", email, a.status, err, a.body)
	}
}

// wantRefused checks a code that must be refused for this reason.
func (c *client) wantRefused(t testing.TB, email, code, reason string) {
	t.Helper()
	a, err := c.verify(email, code)
	if err != nil || a.status != http.StatusBadRequest || a.code() != reason {
		t.Errorf("verify for %s: status %d, %v: %s, want %s", email, a.status, err, a.body, reason)
	}
}

// message is what the API tells of one message.
type message struct {
	ID       string
	To       string
	Status   string
	Attempts []struct {
		Outcome        string // sent, or the class of the failure
		Status         int
		EnhancedStatus string
		Answer         string
	}
	Events []struct {
		Kind string
		At   int64
	}
}

func (c *client) message(t testing.TB, id string) message {
	t.Helper()
	var m message
	c.get(t, "/api/messages/"+url.PathEscape(id), &m)
	return m
}

// awaitStatus waits until a message has this status.
func (c *client) awaitStatus(t testing.TB, id, status string) message {
	t.Helper()
	var m message
	await(t, "message "+id+" is "+status, func() bool {
		m = c.message(t, id)
		return m.Status == status
	})
	return m
}

// awaitAttempt waits until a first attempt at a message was recorded.
func (c *client) awaitAttempt(t testing.TB, id string) message {
	t.Helper()
	var m message
	await(t, "message "+id+" was tried", func() bool {
		m = c.message(t, id)
		return len(m.Attempts) > 0
	})
	return m
}

// useSMTP makes the SMTP connector with these settings the one in use.
func (c *client) useSMTP(t testing.TB, config map[string]any) {
	t.Helper()
	c.call(t, http.MethodPost, "/api/connectors", map[string]any{
		"connectorId": "simple-mail-transfer-protocol",
		"config":      config,
	}, http.StatusOK)
}
