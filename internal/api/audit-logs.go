package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/audit"
)

type auditEntryJSON struct {
	ID        string          `json:"id" example:"01939d1f-8b7a-7c3e-9a57-0f4f7a5e6b21"`
	TenantID  string          `json:"tenantId" example:"prod" doc:"Whose thing was changed."`
	CreatedAt int64           `json:"createdAt" example:"1767225600000" doc:"Milliseconds since 1970."`
	Actor     string          `json:"actor" doc:"Id of the API key that did it."`
	Action    audit.Action    `json:"action" enum:"configuration.imported,configuration.promoted"`
	Subject   string          `json:"subject" example:"prod" doc:"Id of what was changed: of the tenant, for a configuration."`
	Details   json.RawMessage `json:"details" doc:"For a configuration: changes as in the answer to the change, and from, the id of the tenant that was promoted."`
}

type auditListInput struct {
	PageInput
	TenantID string `query:"tenantId" maxLength:"128" example:"prod" doc:"Whose entries; the caller's own tenant unless given."`
}

type auditListOutput struct {
	PageOutput
	Body []auditEntryJSON
}

func (s *server) mountAudit() {
	failures := pageFailures()
	failures[http.StatusNotFound] = noTenant
	register(s, operation{
		id: "listAuditLogs", method: http.MethodGet, path: "/api/audit-logs", tag: tagAudit,
		scope: access.Management, summary: "List who changed what, newest first",
		description: "Without `page` and `page_size` the newest 1,000. Secrets are never shown. So far it tells of imported " +
			"and promoted configurations.",
		failures: failures,
	}, s.listAudit)
}

func (s *server) listAudit(ctx context.Context, in *auditListInput) (*auditListOutput, error) {
	c := callOf(ctx)
	tenantID := c.key.TenantID
	if in.TenantID != "" {
		t, err := s.tenant(ctx, in.TenantID)
		if err != nil {
			return nil, err
		}
		tenantID = t.ID
	}
	limit, offset := in.window()
	list, total, err := s.Audit.AuditEntries(ctx, tenantID, limit, offset)
	if err != nil {
		return nil, err
	}
	out := &auditListOutput{PageOutput: in.output(c.r.URL, total), Body: make([]auditEntryJSON, len(list))}
	for i, e := range list {
		out.Body[i] = auditEntryJSON{
			ID: e.ID, TenantID: e.TenantID, CreatedAt: e.At.UnixMilli(), Actor: e.Actor, Action: e.Action,
			Subject: e.Subject, Details: e.Details,
		}
	}
	return out, nil
}
