package routing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/secrets"
)

// freshness is how long a record that was read serves without being read
// again: a change on one node reaches all others within it.
const freshness = 500 * time.Millisecond

// ErrIDTaken is returned by a Store when a connector's id is in use.
var ErrIDTaken = errors.New("connector id in use")

// Router opens connectors and keeps them open. It is safe for concurrent use.
type Router struct {
	store    Store
	keys     *secrets.Keys
	registry *connector.Registry
	host     func(tenantID string) connector.Host
	now      func() time.Time
	log      *slog.Logger

	// reading keeps refreshes one after the other, so that none puts back what
	// it read before a change.
	reading sync.Mutex
	mu      sync.Mutex
	cache   map[string]*entry // by tenant id

	callbacks openForCallbacks
}

type entry struct {
	checkedAt time.Time
	opened    *Opened // nil: the tenant has no connector
}

// Options are what a Router needs.
type Options struct {
	Store    Store
	Keys     *secrets.Keys
	Registry *connector.Registry
	// Host returns what the service lends to connectors of a tenant.
	Host func(tenantID string) connector.Host
	Now  func() time.Time
	Log  *slog.Logger
}

// New makes a Router.
func New(o Options) *Router {
	return &Router{
		store: o.Store, keys: o.Keys, registry: o.Registry, host: o.Host, now: o.Now, log: o.Log,
		cache: make(map[string]*entry),
	}
}

// Registry returns the factories known.
func (r *Router) Registry() *connector.Registry { return r.registry }

// InUse returns the tenant's connector, opened. Without one it returns the
// fault connector.not_found.
func (r *Router) InUse(ctx context.Context, tenantID string) (*Opened, error) {
	r.mu.Lock()
	e := r.cache[tenantID]
	if e != nil && r.now().Sub(e.checkedAt) < freshness {
		r.mu.Unlock()
		return e.result()
	}
	if e != nil && e.opened != nil {
		// One caller reads again; the others go on with what is there.
		e.checkedAt = r.now()
	}
	r.mu.Unlock()
	return r.refresh(ctx, tenantID)
}

func (e *entry) result() (*Opened, error) {
	if e.opened == nil {
		return nil, fault.New(fault.NotImplemented, "connector.not_found",
			"No e-mail connector is set up. Set one up with POST /api/connectors.")
	}
	return e.opened, nil
}

// refresh reads the tenant's record and opens it if it is not the one cached.
func (r *Router) refresh(ctx context.Context, tenantID string) (*Opened, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	record, ok, err := r.store.ConnectorInUse(ctx, tenantID)
	if err != nil {
		return nil, fmt.Errorf("read connector: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.cache[tenantID]
	if e != nil && e.opened != nil && ok && e.opened.Version == record.Version {
		e.checkedAt = r.now()
		return e.opened, nil
	}
	var opened *Opened
	if ok {
		if opened, err = r.open(record); err != nil {
			return nil, err
		}
	}
	if e != nil && e.opened != nil {
		r.close(e.opened)
	}
	fresh := &entry{checkedAt: r.now(), opened: opened}
	r.cache[tenantID] = fresh
	return fresh.result()
}

func (r *Router) open(record Record) (*Opened, error) {
	factory, ok := r.registry.Get(record.FactoryID)
	if !ok {
		return nil, fmt.Errorf("connector %s is of the factory %q, which this build does not have", record.ID, record.FactoryID)
	}
	config, err := r.keys.Open(record.Config, configPurpose(record))
	if err != nil {
		return nil, fmt.Errorf("connector %s: %w", record.ID, err)
	}
	c, err := factory.Open(config, r.host(record.TenantID))
	if err != nil {
		return nil, fmt.Errorf("open connector %s: %w", record.ID, err)
	}
	return &Opened{Record: record, Factory: factory, Connector: c, PlainConfig: config}, nil
}

// close lets go of a connector that was replaced. Messages under way through
// it finish (see connector.Connector).
func (r *Router) close(o *Opened) {
	if c, ok := o.Connector.(io.Closer); ok {
		go func() { // Close waits for sends under way; nobody waits for it
			if err := c.Close(); err != nil {
				r.log.Warn("closing a replaced connector", "connector", o.ID, "error", err)
			}
		}()
	}
}

// Close lets go of every open connector.
func (r *Router) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	errs := []error{r.callbacks.closeAll()}
	for tenantID, e := range r.cache {
		if e.opened != nil {
			if c, ok := e.opened.Connector.(io.Closer); ok {
				errs = append(errs, c.Close())
			}
		}
		delete(r.cache, tenantID)
	}
	return errors.Join(errs...)
}

// Set makes a connector of factoryID the tenant's connector, in the place of
// the one in use. An empty id gets a new one. Masks in config take the values
// of the connector in use when it is of the same factory.
func (r *Router) Set(ctx context.Context, tenantID, factoryID, id string, config json.RawMessage) (*Opened, error) {
	factory, ok := r.registry.Get(factoryID)
	if !ok {
		return nil, fault.New(fault.Unprocessable, "connector.not_found_with_connector_id",
			"There is no connector factory with this id. GET /api/connector-factories lists them.")
	}
	plain, err := r.checked(ctx, tenantID, factory, config)
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = uuid.NewString()
	}
	record := Record{
		ID: id, TenantID: tenantID, FactoryID: factoryID,
		Version: uuid.NewString(), CreatedAt: r.now(),
	}
	if record.Config, err = r.keys.Seal(plain, configPurpose(record)); err != nil {
		return nil, err
	}
	err = r.store.ReplaceConnector(ctx, record)
	if errors.Is(err, ErrIDTaken) {
		return nil, fault.New(fault.Unprocessable, "entity.unique_integrity_violation", "This connector id is in use.")
	}
	if err != nil {
		return nil, fmt.Errorf("store connector: %w", err)
	}
	return r.refresh(ctx, tenantID)
}

// Update replaces the settings of a connector.
func (r *Router) Update(ctx context.Context, tenantID, id string, config json.RawMessage) (*Opened, error) {
	for {
		current, err := r.Get(ctx, tenantID, id)
		if err != nil {
			return nil, err
		}
		plain, err := r.checked(ctx, tenantID, current.Factory, config)
		if err != nil {
			return nil, err
		}
		record := current.Record
		record.Version = uuid.NewString()
		if record.Config, err = r.keys.Seal(plain, configPurpose(record)); err != nil {
			return nil, err
		}
		ok, err := r.store.UpdateConnector(ctx, record, current.Version)
		if err != nil {
			return nil, fmt.Errorf("store connector: %w", err)
		}
		if ok {
			return r.refresh(ctx, tenantID)
		}
		// Somebody else changed it meanwhile: masks may stand for other secrets.
	}
}

// Get returns a tenant's connector by its id, or the fault entity.not_found.
func (r *Router) Get(ctx context.Context, tenantID, id string) (*Opened, error) {
	opened, err := r.refresh(ctx, tenantID)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	if err != nil || opened.ID != id {
		return nil, fault.New(fault.NotFound, "entity.not_found", "There is no connector with this id.")
	}
	return opened, nil
}

// Delete removes a connector. While messages are under way it refuses with
// connector.in_use, unless force is set.
func (r *Router) Delete(ctx context.Context, tenantID, id string, force bool) error {
	if _, err := r.Get(ctx, tenantID, id); err != nil {
		return err
	}
	if !force {
		open, err := r.store.OpenMessages(ctx, tenantID)
		if err != nil {
			return fmt.Errorf("count open messages: %w", err)
		}
		if open > 0 {
			f := fault.New(fault.Unprocessable, "connector.in_use",
				"%d messages are still to be sent through this connector. Wait for them, or add ?force=true.", open)
			f.Data = map[string]any{"openMessages": open}
			return f
		}
	}
	if _, err := r.store.DeleteConnector(ctx, tenantID, id); err != nil {
		return fmt.Errorf("delete connector: %w", err)
	}
	if _, err := r.refresh(ctx, tenantID); err != nil && !isNotFound(err) {
		return err
	}
	return nil
}

// OpenForTest opens a connector of factoryID that is not stored. The caller
// closes it if it is an io.Closer.
func (r *Router) OpenForTest(ctx context.Context, tenantID, factoryID string, config json.RawMessage) (*Opened, error) {
	factory, ok := r.registry.Get(factoryID)
	if !ok {
		return nil, fault.New(fault.Invalid, "connector.not_found",
			"There is no connector factory with this id. GET /api/connector-factories lists them.")
	}
	plain, err := r.checked(ctx, tenantID, factory, config)
	if err != nil {
		return nil, err
	}
	c, err := factory.Open(plain, r.host(tenantID))
	if err != nil {
		return nil, fmt.Errorf("open connector for a test: %w", err)
	}
	return &Opened{
		Record:  Record{TenantID: tenantID, FactoryID: factoryID},
		Factory: factory, Connector: c, PlainConfig: plain,
	}, nil
}

// checked returns config with its masks resolved, after every check passed.
func (r *Router) checked(ctx context.Context, tenantID string, factory connector.Factory, config json.RawMessage) (json.RawMessage, error) {
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	var stored json.RawMessage
	current, err := r.refresh(ctx, tenantID)
	switch {
	case err == nil && current.FactoryID == factory.Metadata().ID:
		stored = current.PlainConfig
	case err != nil && !isNotFound(err):
		// A stored connector that cannot be opened must not keep the tenant
		// from setting another one.
		r.log.Warn("the connector in use cannot be opened", "error", err)
	}
	plain, err := factory.Unmask(config, stored)
	if err == nil {
		err = factory.Check(plain)
	}
	if refused, ok := errors.AsType[*connector.ConfigError](err); ok {
		f := fault.New(fault.Invalid, "connector.invalid_config", "The connector's settings were refused.")
		for _, issue := range refused.Issues {
			f.Issues = append(f.Issues, fault.Issue{
				Path: append([]any{"config"}, issue.Path...), Code: issue.Code, Message: issue.Message,
			})
		}
		return nil, f
	}
	return plain, err
}

func isNotFound(err error) bool {
	f, ok := errors.AsType[*fault.Fault](err)
	return ok && f.Code == "connector.not_found"
}

func configPurpose(r Record) string { return "connector:" + r.TenantID + ":" + r.ID }
