package routing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/fault"
)

// Set makes a connector of factoryID the tenant's connector, in the place of
// the one in use. An empty id gets a new one. Masks in config take the values
// of the connector in use when it is of the same factory.
func (r *Router) Set(ctx context.Context, tenantID, factoryID, id string, config json.RawMessage) (*Opened, error) {
	factory, err := r.factory(factoryID)
	if err != nil {
		return nil, err
	}
	list, err := r.refresh(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	plain, err := checked(factory, config, storedFor(list, factoryID), "config")
	if err != nil {
		return nil, err
	}
	record, err := r.Seal(Record{ID: id, TenantID: tenantID, Slot: InUse, FactoryID: factoryID}, plain)
	if err != nil {
		return nil, err
	}
	var before *told
	if len(list) > 0 && list[0].Slot == InUse {
		if before, err = toldOf(list[0]); err != nil {
			return nil, err
		}
	}
	telling, err := r.tell(ctx, ConnectorCreated, record, factory, plain, before)
	if err != nil {
		return nil, err
	}
	if err := r.store.ReplaceConnector(telling, record); err != nil {
		return nil, stored(err)
	}
	if list, err = r.refresh(ctx, tenantID); err != nil {
		return nil, err
	}
	return inUse(list)
}

// Draft is a connector to be set.
type Draft struct {
	ID        string // "" gets a new one
	FactoryID string
	Config    json.RawMessage
}

// SetFallbacks puts list in the place of the tenant's fallbacks. Masks in a
// config take the values of the fallback that has the same id, which must be
// of the same factory.
func (r *Router) SetFallbacks(ctx context.Context, tenantID string, list []Draft) ([]*Opened, error) {
	for {
		current, err := r.Fallbacks(ctx, tenantID)
		if err != nil {
			return nil, err
		}
		was, before := make([]string, len(current)), make([]*told, len(current))
		for i, o := range current {
			was[i] = o.Version
			if before[i], err = toldOf(o); err != nil {
				return nil, err
			}
		}
		records, after, err := r.fallbackRecords(tenantID, list, before)
		if err != nil {
			return nil, err
		}
		telling, err := audit.Tell(ctx, r.now(), audit.Change{
			TenantID: tenantID, Action: FallbacksUpdated, Subject: tenantID, Before: before, After: after,
		})
		if err != nil {
			return nil, err
		}
		ok, err := r.store.ReplaceFallbacks(telling, tenantID, records, was)
		if err != nil {
			return nil, stored(err)
		}
		if ok {
			return r.Fallbacks(ctx, tenantID)
		}
		// Somebody else changed them meanwhile: masks may stand for other secrets.
	}
}

// fallbackRecords are the records of new fallbacks, and what is told of them.
func (r *Router) fallbackRecords(tenantID string, list []Draft, before []*told) ([]Record, []*told, error) {
	records, after := make([]Record, len(list)), make([]*told, len(list))
	for i, draft := range list {
		factory, err := r.factory(draft.FactoryID)
		if err != nil {
			return nil, nil, err
		}
		was := &told{}
		for _, b := range before {
			if b.ID == draft.ID && b.FactoryID == draft.FactoryID {
				was = b
			}
		}
		plain, err := checked(factory, draft.Config, was.plain, "fallbackConnectors", i, "config")
		if err != nil {
			return nil, nil, err
		}
		record := Record{ID: draft.ID, TenantID: tenantID, Slot: InUse + 1 + i, FactoryID: draft.FactoryID}
		if records[i], err = r.Seal(record, plain); err != nil {
			return nil, nil, err
		}
		if after[i], err = toldAs(records[i], factory, plain); err != nil {
			return nil, nil, err
		}
		after[i].compare(was)
	}
	return records, after, nil
}

// Update replaces the settings of a connector.
func (r *Router) Update(ctx context.Context, tenantID, id string, config json.RawMessage) (*Opened, error) {
	for {
		current, err := r.Get(ctx, tenantID, id)
		if err != nil {
			return nil, err
		}
		if current.Factory == nil {
			return nil, current.broken
		}
		plain, err := checked(current.Factory, config, current.PlainConfig, "config")
		if err != nil {
			return nil, err
		}
		record, err := r.Seal(current.Record, plain)
		if err != nil {
			return nil, err
		}
		before, err := toldOf(current)
		if err != nil {
			return nil, err
		}
		telling, err := r.tell(ctx, ConnectorUpdated, record, current.Factory, plain, before)
		if err != nil {
			return nil, err
		}
		ok, err := r.store.UpdateConnector(telling, record, current.Version)
		if err != nil {
			return nil, stored(err)
		}
		if ok {
			return r.Get(ctx, tenantID, id)
		}
		// Somebody else changed it meanwhile: masks may stand for other secrets.
	}
}

// stored explains why the store did not take a connector.
func stored(err error) error {
	if errors.Is(err, ErrIDTaken) {
		return fault.New(fault.Unprocessable, "entity.unique_integrity_violation", "This connector id is in use.")
	}
	return fmt.Errorf("store connector: %w", err)
}

// Get returns a tenant's connector by its id, also a fallback and one that
// cannot be opened; or the fault entity.not_found.
func (r *Router) Get(ctx context.Context, tenantID, id string) (*Opened, error) {
	list, err := r.refresh(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if o.ID == id {
			return o, nil
		}
	}
	return nil, fault.New(fault.NotFound, "entity.not_found", "There is no connector with this id.")
}

// Delete removes a connector. While messages are under way it refuses to
// remove the one in use with connector.in_use, unless force is set.
func (r *Router) Delete(ctx context.Context, tenantID, id string, force bool) error {
	o, err := r.Get(ctx, tenantID, id)
	if err != nil {
		return err
	}
	if !force && o.Slot == InUse {
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
	before, err := toldOf(o)
	if err != nil {
		return err
	}
	telling, err := audit.Tell(ctx, r.now(), audit.Change{TenantID: tenantID, Action: ConnectorDeleted, Subject: id, Before: before})
	if err != nil {
		return err
	}
	if _, err := r.store.DeleteConnector(telling, tenantID, id); err != nil {
		return fmt.Errorf("delete connector: %w", err)
	}
	_, err = r.refresh(ctx, tenantID)
	return err
}

// OpenForTest opens a connector of factoryID that is not stored. Masks in
// config take the values of a connector of the tenant that is of the same
// factory, the one in use first. The caller closes it if it is an io.Closer.
func (r *Router) OpenForTest(ctx context.Context, tenantID, factoryID string, config json.RawMessage) (*Opened, error) {
	factory, ok := r.registry.Get(factoryID)
	if !ok {
		return nil, fault.New(fault.Invalid, "connector.not_found",
			"There is no connector factory with this id. GET /api/connector-factories lists them.")
	}
	list, err := r.refresh(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	plain, err := checked(factory, config, storedFor(list, factoryID), "config")
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

func (r *Router) factory(id string) (connector.Factory, error) {
	factory, ok := r.registry.Get(id)
	if !ok {
		return nil, fault.New(fault.Unprocessable, "connector.not_found_with_connector_id",
			"There is no connector factory with this id. GET /api/connector-factories lists them.")
	}
	return factory, nil
}

// storedFor returns the settings that masks stand for: those of the first
// connector of the factory, nil when there is none.
func storedFor(list []*Opened, factoryID string) json.RawMessage {
	for _, o := range list {
		if o.FactoryID == factoryID {
			return o.PlainConfig
		}
	}
	return nil
}

// checked returns config with its masks resolved, after every check passed.
// path leads to the config in the request.
func checked(factory connector.Factory, config, stored json.RawMessage, path ...any) (json.RawMessage, error) {
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	plain, err := factory.Unmask(config, stored)
	if err == nil {
		err = factory.Check(plain)
	}
	if refused, ok := errors.AsType[*connector.ConfigError](err); ok {
		f := fault.New(fault.Invalid, "connector.invalid_config", "The connector's settings were refused.")
		for _, issue := range refused.Issues {
			f.Issues = append(f.Issues, fault.Issue{
				Path: append(path[:len(path):len(path)], issue.Path...), Code: issue.Code, Message: issue.Message,
			})
		}
		return nil, f
	}
	return plain, err
}
