package configuration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

// Options are what a Service needs.
type Options struct {
	Store     Store
	Router    *routing.Router
	Templates *templates.Service
	Settings  *tenants.Service
	// Keys seal secrets into documents.
	Keys *secrets.Keys
	Now  func() time.Time
	// FirstConnector is what a new tenant sends with.
	FirstConnector Connector
}

// Service reads, compares and changes configurations. It is safe for
// concurrent use.
type Service struct{ Options }

// New makes a Service.
func New(o Options) *Service { return &Service{o} }

// CreateTenant adds a tenant with the first connector and default settings.
// Without an id it gets a random one. Faults: entity.unique_integrity_violation
// when the id is taken, guard.invalid_input when it cannot be one.
func (s *Service) CreateTenant(ctx context.Context, id, name string) (tenants.Tenant, error) {
	if id == "" {
		id = tenants.NewID()
	}
	if !tenants.ValidID(id) {
		return tenants.Tenant{}, fault.Input(
			fmt.Sprintf("must be 1 to %d lower-case letters, digits and hyphens", tenants.MaxID), "id")
	}
	t := tenants.Tenant{ID: id, Name: name, CreatedAt: s.Now()}
	record, err := s.Router.Seal(routing.Record{TenantID: id, FactoryID: s.FirstConnector.ConnectorID}, s.FirstConnector.Config)
	if err != nil {
		return t, err
	}
	telling, err := audit.Tell(ctx, t.CreatedAt, audit.Change{
		TenantID: id, Action: tenants.Created, Subject: id, After: map[string]string{"name": name},
	})
	if err != nil {
		return t, err
	}
	err = s.Store.InsertTenant(telling, t, record)
	if errors.Is(err, tenants.ErrIDTaken) {
		return t, fault.New(fault.Unprocessable, "entity.unique_integrity_violation", "There is a tenant %q already.", id)
	}
	if err != nil {
		return t, fmt.Errorf("store tenant: %w", err)
	}
	return t, nil
}

// content is a configuration as the store has it.
type content struct {
	state      State
	connectors map[int]placed
	templates  []templates.Stored
	partials   []templates.Partial
	settings   tenants.Settings
}

// placed is a connector in its slot. Factory is nil when this build does not
// have it.
type placed struct {
	factoryID string
	factory   connector.Factory
	plain     json.RawMessage
}

// read returns a tenant's configuration at one moment.
func (s *Service) read(ctx context.Context, tenantID string) (content, error) {
	if _, err := tenants.Get(ctx, s.Store, tenantID); err != nil {
		return content{}, err
	}
	state, err := s.Store.ConfigurationState(ctx, tenantID)
	for err == nil {
		c := content{state: state}
		if c.templates, err = s.Store.ListTemplates(ctx, tenantID, templates.Filter{}); err != nil {
			break
		}
		if c.partials, err = s.Store.ListPartials(ctx, tenantID); err != nil {
			break
		}
		if state, err = s.Store.ConfigurationState(ctx, tenantID); err != nil {
			break
		}
		if state.Same(c.state) {
			return s.opened(c)
		}
		// Somebody changed it in between: what was read belongs to no moment.
	}
	return content{}, fmt.Errorf("read configuration: %w", err)
}

// opened reads what the store has sealed or as text.
func (s *Service) opened(c content) (content, error) {
	var err error
	if c.settings, err = tenants.ReadSettings(c.state.Settings); err != nil {
		return c, err
	}
	c.connectors = make(map[int]placed, len(c.state.Connectors))
	for slot, record := range c.state.Connectors {
		plain, err := s.Router.Settings(record)
		if err != nil {
			return c, fmt.Errorf("read settings of connector %s: %w", record.ID, err)
		}
		factory, _ := s.Router.Registry().Get(record.FactoryID)
		c.connectors[slot] = placed{record.FactoryID, factory, plain}
	}
	return c, nil
}

// Export returns a tenant's configuration as a document, its secrets masked.
// With sealed it carries them sealed beside that.
func (s *Service) Export(ctx context.Context, tenantID string, sealed bool) (Document, error) {
	c, err := s.read(ctx, tenantID)
	if err != nil {
		return Document{}, err
	}
	d := Document{
		Version: Version, FallbackConnectors: []Connector{},
		Templates: make([]Template, len(c.templates)), Partials: make([]Partial, len(c.partials)),
	}
	for _, slot := range slots(c.connectors) {
		out, err := s.export(tenantID, c.connectors[slot], sealed)
		switch {
		case err != nil:
			return Document{}, err
		case slot == 0:
			d.Connector = &out
		default:
			d.FallbackConnectors = append(d.FallbackConnectors, out)
		}
	}
	if d.Settings, err = json.Marshal(c.settings); err != nil {
		return Document{}, fmt.Errorf("encode settings: %w", err)
	}
	for i, t := range c.templates {
		d.Templates[i] = Template{LanguageTag: t.Language, TemplateType: t.Type, Details: t.Details}
	}
	for i, p := range c.partials {
		d.Partials[i] = Partial{Name: p.Name, Content: p.Content}
	}
	return d, nil
}

// Plan is a change of a tenant's configuration that passed every check and
// was not made yet.
type Plan struct {
	// TenantID is the target's.
	TenantID string
	Changes  []Change
	// Fingerprint names what the plan was made from: the target as it stands
	// and, in a promotion, its source.
	Fingerprint string

	delta     Delta
	action    audit.Action
	from      string // id of the source tenant; "" for a document
	connector *wanted
}

// Connector returns the connector that will be in use, secrets included, to
// try it; ok is false when there will be none.
func (p *Plan) Connector() (factoryID string, settings json.RawMessage, ok bool) {
	if p.connector == nil {
		return "", nil, false
	}
	return p.connector.factoryID, p.connector.plain, true
}

// Expect returns the fault configuration.changed when a fingerprint that was
// given is not the plan's.
func (p *Plan) Expect(fingerprint string) error {
	if fingerprint != "" && fingerprint != p.Fingerprint {
		return errChanged()
	}
	return nil
}

func errChanged() error {
	return fault.New(fault.Conflict, "configuration.changed",
		"Somebody changed the configuration meanwhile, so nothing was done. Look at the changes again.")
}

// PlanImport plans to make a tenant's configuration that of a document.
// mayOpen tells whether the caller may have the secrets that were sealed for a
// tenant.
func (s *Service) PlanImport(ctx context.Context, tenantID string, d Document, mayOpen func(tenantID string) bool) (*Plan, error) {
	target, err := s.read(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	w, issues := s.want(d, target, mayOpen)
	if len(issues) > 0 {
		return nil, refuse(issues)
	}
	p := &Plan{TenantID: tenantID, Fingerprint: fingerprint(target.state), action: audit.ConfigurationImported}
	return p, s.plan(p, target, w, names{"stored", "document"})
}

// PlanPromotion plans to make a tenant's configuration that of another one,
// secrets included.
func (s *Service) PlanPromotion(ctx context.Context, from, to string) (*Plan, error) {
	source, err := s.read(ctx, from)
	if err != nil {
		return nil, err
	}
	target, err := s.read(ctx, to)
	if err != nil {
		return nil, err
	}
	w, issues := s.wantSame(source)
	if len(issues) > 0 {
		return nil, refuse(issues)
	}
	p := &Plan{
		TenantID: to, from: from, action: audit.ConfigurationPromoted,
		Fingerprint: fingerprint(source.state, target.state),
	}
	return p, s.plan(p, target, w, names{to, from})
}

// Apply makes a planned change: all of it, or nothing with the fault
// configuration.changed when somebody was first. It takes effect at once on
// this node, and within a second on others. by is the id of an API key.
func (s *Service) Apply(ctx context.Context, p *Plan, by string) error {
	if len(p.Changes) == 0 {
		return nil
	}
	d := p.delta
	d.Change = templates.Change{At: s.Now(), By: by}
	var err error
	details := entryDetails{From: p.from, Changes: bounded(p.Changes, maxEntry)}
	if d.Entry, err = audit.New(d.Change.At, by, p.action, p.TenantID, p.TenantID, details); err != nil {
		return err
	}
	err = s.Store.ChangeConfiguration(ctx, d)
	if errors.Is(err, ErrChanged) {
		return errChanged()
	}
	if err != nil {
		return fmt.Errorf("store configuration: %w", err)
	}
	// Who asked may be gone; what follows belongs to what is done.
	ctx = context.WithoutCancel(ctx)
	s.Settings.Forget(p.TenantID)
	s.Templates.Forget(p.TenantID)
	if err := s.Router.Reload(ctx, p.TenantID); err != nil {
		return fmt.Errorf("open the new connector: %w", err)
	}
	if p.Fingerprint, err = s.fingerprint(ctx, p); err != nil {
		return err
	}
	return nil
}

// fingerprint names what a plan would be made from now.
func (s *Service) fingerprint(ctx context.Context, p *Plan) (string, error) {
	var states []State
	for _, id := range []string{p.from, p.TenantID} {
		if id == "" {
			continue
		}
		state, err := s.Store.ConfigurationState(ctx, id)
		if err != nil {
			return "", fmt.Errorf("read configuration: %w", err)
		}
		states = append(states, state)
	}
	return fingerprint(states...), nil
}

// entryDetails is what an audit entry says of a change.
type entryDetails struct {
	From    string   `json:"from,omitempty"` // id of the source tenant
	Changes []Change `json:"changes"`
}
