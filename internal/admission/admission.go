package admission

import (
	"context"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/blocklist"
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
	// Keeps tells that the mail stays in the service (routing.Route.Keeps).
	Keeps bool
}

// Guard watches what strangers ask for.
type Guard interface {
	// Ask reports whether a mail to a person (address.Person) may be asked for
	// on behalf of a client, and otherwise when to try again.
	Ask(tenantID, person, ip string) (wait time.Duration, ok bool)
	// Verified tells that a person's code was right.
	Verified(tenantID, person string)
}

// Options are what a Service needs.
type Options struct {
	// Settings returns a tenant's settings.
	Settings func(ctx context.Context, tenantID string) (tenants.Settings, error)
	Keys     *secrets.Keys
	Lists    *blocklist.Lists
	Guard    Guard
	// AllowReserved lets mail go to reserved domains.
	AllowReserved bool
}

// Service admits mails. It is safe for concurrent use.
type Service struct{ o Options }

// New makes a Service.
func New(o Options) *Service { return &Service{o} }

// Admit returns what the mail is to be charged to when it is saved, or the
// fault that refuses it.
func (s *Service) Admit(ctx context.Context, r Request) ([]limits.Charge, error) {
	settings, err := s.o.Settings(ctx, r.TenantID)
	if err != nil {
		return nil, err
	}
	if err := s.Reserved(r.To, r.Keeps); err != nil {
		return nil, err
	}
	if becomesSomebodys(r.Type) {
		if err := s.o.Lists.Refuse(r.TenantID, settings.EmailBlocklistPolicy, r.To); err != nil {
			return nil, err
		}
	}
	if r.Type == connector.Register && blocklist.MixesScripts(r.To) {
		return nil, blocklist.ErrMixed()
	}
	if anonymous(r.Type) {
		if wait, ok := s.o.Guard.Ask(r.TenantID, address.Person(r.To), r.IP); !ok {
			return nil, limits.Refusal(limits.Guard, wait)
		}
	}
	return s.charges(settings, r)
}

// Reserved returns the fault of an address at a reserved domain, to which a
// mail would leave the service, or nil.
func (s *Service) Reserved(to string, keeps bool) error {
	switch kind := blocklist.ReservedFor(to); {
	case s.o.AllowReserved, kind == blocklist.Ordinary, kind == blocklist.Example && keeps:
		return nil
	}
	return blocklist.ErrReserved()
}

// Verified tells that the code of an address was right. Those that a stranger
// cannot cause say nothing of where the others were asked for.
func (s *Service) Verified(tenantID string, t connector.TemplateType, to string) {
	if anonymous(t) {
		s.o.Guard.Verified(tenantID, address.Person(to))
	}
}

// becomesSomebodys reports whether an address becomes a person's by a mail of
// this type. All others go to those who have it already: whoever has an
// account may use it, whatever is blocked later.
func becomesSomebodys(t connector.TemplateType) bool {
	return t == connector.Register || t == connector.BindNewIdentifier
}

// anonymous reports whether a stranger can cause mails of this type, by typing
// an address into a form.
func anonymous(t connector.TemplateType) bool {
	switch t {
	case connector.SignIn, connector.Register, connector.ForgotPassword, connector.Generic:
		return true
	case connector.OrganizationInvitation, connector.UserPermissionValidation, connector.BindNewIdentifier,
		connector.MfaVerification, connector.BindMfa:
	}
	return false
}

// Charges returns what a message is charged to.
func (s *Service) Charges(ctx context.Context, m outbox.Message) ([]limits.Charge, error) {
	settings, err := s.o.Settings(ctx, m.TenantID)
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
	return limits.Charges(s.o.Keys, settings.MessageRateLimit, r.TenantID, kind, r.To, r.IP)
}
