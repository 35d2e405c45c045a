package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/postern-mail/postern/internal/configuration"
)

// longCall is how much longer a call may take that sends a test mail or a
// large document.
const longCall = 45 * time.Second

// changesAnswer is what promote and import answer.
type changesAnswer struct {
	Changes     []configuration.Change `json:"changes"`
	Fingerprint string                 `json:"fingerprint"`
	Applied     bool                   `json:"applied"`
}

// promotion is the body of POST /api/tenants/{id}/promote.
type promotion struct {
	To          string `json:"to"`
	DryRun      bool   `json:"dryRun,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	TestEmail   string `json:"testEmail,omitempty"`
}

func tenantPath(id, more string) string { return "/api/tenants/" + url.PathEscape(id) + more }

// configuration reads a tenant's configuration as the service writes it.
func (c *client) configuration(ctx context.Context, tenantID, secrets string) (json.RawMessage, error) {
	var document json.RawMessage
	err := c.do(ctx, call{
		method: http.MethodGet, path: tenantPath(tenantID, "/configuration"), query: url.Values{"secrets": {secrets}},
		patience: longCall, limit: maxList,
	}, &document)
	return document, err
}

// importConfiguration imports a document, or only compares it.
func (c *client) importConfiguration(
	ctx context.Context, tenantID string, document any, dryRun bool, fingerprint string,
) (changesAnswer, error) {
	query := url.Values{}
	if dryRun {
		query.Set("dryRun", "true")
	}
	if fingerprint != "" {
		query.Set("fingerprint", fingerprint)
	}
	var answer changesAnswer
	err := c.do(ctx, call{
		method: http.MethodPut, path: tenantPath(tenantID, "/configuration"), query: query, body: document,
		patience: longCall, limit: maxList,
	}, &answer)
	return answer, err
}

// promote promotes a tenant's configuration, or only compares it.
func (c *client) promote(ctx context.Context, from string, how promotion) (changesAnswer, error) {
	var answer changesAnswer
	err := c.do(ctx, call{
		method: http.MethodPost, path: tenantPath(from, "/promote"), body: how, patience: longCall, limit: maxList,
	}, &answer)
	return answer, err
}

// parseDocument reads an exported configuration to compare it.
func parseDocument(name string, text []byte) (configuration.Document, error) {
	d, err := configuration.Parse(text)
	if err != nil {
		return d, fmt.Errorf("%s: %w", name, issuesOf(err))
	}
	return d, nil
}
