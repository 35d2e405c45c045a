package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/fault"
)

type auditEntryJSON struct {
	ID        string          `json:"id" example:"01939d1f-8b7a-7c3e-9a57-0f4f7a5e6b21"`
	TenantID  string          `json:"tenantId" example:"prod" doc:"Whose thing was changed."`
	CreatedAt int64           `json:"createdAt" example:"1767225600000" doc:"Milliseconds since 1970."`
	Actor     string          `json:"actor" doc:"Who did it: the id of an API key; cli, a command on the database itself; or system, the service by itself."`
	Action    audit.Action    `json:"action" example:"email-template.updated" doc:"The thing and what was done to it, mostly created, updated or deleted. New ones come with new things."`
	Subject   string          `json:"subject" example:"prod" doc:"Id of what was changed: of the tenant, for what it has one of; the name of a partial; the address of a suppression."`
	Details   json.RawMessage `json:"details" doc:"before and after, as the API shows the thing; the one is missing where it was made, the other where it is gone. Secrets are masked, and secretsChanged tells that a connector has other ones. Of a configuration: changes as in the answer to the change, and from, the id of the tenant that was promoted. Where all of it is over 64 KiB long texts are cut."`
}

// newestEntries is how many are listed at once: each may be audit.MaxDetails.
const newestEntries = 100

type auditListInput struct {
	PageInput
	TenantID string `query:"tenantId" maxLength:"128" example:"prod" doc:"Whose entries; the caller's own tenant unless given."`
	Actor    string `query:"actor" maxLength:"128" doc:"Only what this API key did, by its id; or cli, or system."`
	Action   string `query:"action" maxLength:"128" pattern:"^[a-z]+(-[a-z]+)*\\.[a-z]+$" example:"connector.updated" doc:"Only this action."`
	Subject  string `query:"subject" maxLength:"256" doc:"Only changes of the thing with this id."`
	Since    int64  `query:"since" minimum:"1" maximum:"253402300799999" example:"1767225600000" doc:"Only from this time on (milliseconds)."`
	Until    int64  `query:"until" minimum:"1" maximum:"253402300799999" example:"1769904000000" doc:"Only before this time (milliseconds)."`
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
		description: "Every change by a management call or a command has an entry, stored together with it: connectors, " +
			"templates, partials, settings, API keys, tenants, suppressions, whole configurations, and what else is managed. " +
			"A call that fails, or leaves a thing as it was, has none. Entries stay 400 days. Secrets are never shown. " +
			"Without `page` and `page_size` the newest 100.",
		failures: failures,
	}, s.listAudit)
}

func (in auditListInput) filter() (audit.Filter, error) {
	if err := checkTexts("actor", in.Actor, "subject", in.Subject); err != nil {
		return audit.Filter{}, err
	}
	f := audit.Filter{Actor: in.Actor, Action: audit.Action(in.Action), Subject: in.Subject}
	if in.Since != 0 {
		f.Since = time.UnixMilli(in.Since)
	}
	if in.Until != 0 {
		f.Until = time.UnixMilli(in.Until)
		if in.Until <= in.Since {
			return f, fault.Input("must be later than since", "until")
		}
	}
	f.Limit, f.Offset = in.window()
	f.Limit = min(f.Limit, newestEntries)
	return f, nil
}

func (s *server) listAudit(ctx context.Context, in *auditListInput) (*auditListOutput, error) {
	c := callOf(ctx)
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	tenantID, err := s.tenantOrOwn(ctx, in.TenantID)
	if err != nil {
		return nil, err
	}
	list, total, err := s.Audit.AuditEntries(ctx, tenantID, f)
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
