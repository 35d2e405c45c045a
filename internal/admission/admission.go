package admission

import (
	"context"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/tenants"
)

// Request is a mail that is asked for.
type Request struct {
	TenantID string
	Type     connector.TemplateType
	To       string // checked by address.Parse
	IP       string // of the client on whose behalf, or ""
}

// Settings returns a tenant's settings.
type Settings func(ctx context.Context, tenantID string) (tenants.Settings, error)

// Service admits mails. It is safe for concurrent use.
type Service struct {
	settings Settings
	keys     *secrets.Keys
}

// New makes a Service.
func New(settings Settings, keys *secrets.Keys) *Service {
	return &Service{settings: settings, keys: keys}
}

// Admit returns what the mail is to be charged to when it is saved, or the
// fault that refuses it.
func (s *Service) Admit(ctx context.Context, r Request) ([]limits.Charge, error) {
	settings, err := s.settings(ctx, r.TenantID)
	if err != nil {
		return nil, err
	}
	return s.charges(settings, r)
}

// Charges returns what a message is charged to.
func (s *Service) Charges(ctx context.Context, m outbox.Message) ([]limits.Charge, error) {
	settings, err := s.settings(ctx, m.TenantID)
	if err != nil {
		return nil, err
	}
	return s.charges(settings, Request{TenantID: m.TenantID, Type: m.Type, To: m.To, IP: m.IP})
}

func (s *Service) charges(settings tenants.Settings, r Request) ([]limits.Charge, error) {
	kind := limits.Codes
	if !r.Type.CarriesCode() {
		kind = limits.Invitations
	}
	return limits.Charges(s.keys, settings.MessageRateLimit, r.TenantID, kind, r.To, r.IP)
}
