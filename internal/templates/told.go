package templates

import (
	"context"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/audit"
)

// What the audit log tells of templates and partials.
const (
	TemplateCreated  audit.Action = "email-template.created"
	TemplateUpdated  audit.Action = "email-template.updated"
	TemplateRestored audit.Action = "email-template.restored"
	TemplateDeleted  audit.Action = "email-template.deleted"

	PartialCreated audit.Action = "email-partial.created"
	PartialUpdated audit.Action = "email-partial.updated"
	PartialDeleted audit.Action = "email-partial.deleted"
)

// told is a template as the audit log tells of it.
type told struct {
	LanguageTag  string                 `json:"languageTag"`
	TemplateType connector.TemplateType `json:"templateType"`
	Details      Details                `json:"details"`
}

func toldOf(t *Stored) *told {
	if t == nil {
		return nil
	}
	return &told{LanguageTag: t.Language, TemplateType: t.Type, Details: t.Details}
}

// tell returns a context that carries the entry of what happens to a template.
func (s *Service) tell(ctx context.Context, action audit.Action, t Stored, before, after *Stored) (context.Context, error) {
	return audit.Tell(ctx, s.now(), audit.Change{
		TenantID: t.TenantID, Action: action, Subject: t.ID, Before: toldOf(before), After: toldOf(after),
	})
}

// toldPartial is a partial as the audit log tells of it.
type toldPartial struct {
	Content string `json:"content"`
}

func toldOfPartial(p *Partial) *toldPartial {
	if p == nil {
		return nil
	}
	return &toldPartial{p.Content}
}

// tellPartial returns a context that carries the entry of what happens to a
// partial.
func (s *Service) tellPartial(
	ctx context.Context, action audit.Action, tenantID, name string, before, after *Partial,
) (context.Context, error) {
	return audit.Tell(ctx, s.now(), audit.Change{
		TenantID: tenantID, Action: action, Subject: name, Before: toldOfPartial(before), After: toldOfPartial(after),
	})
}
