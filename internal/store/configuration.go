package store

import (
	"context"
	"fmt"

	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/routing"
)

// ConfigurationState implements configuration.Store.
func (s *Store) ConfigurationState(ctx context.Context, tenantID string) (configuration.State, error) {
	return configurationState(ctx, s.db.reader(), tenantID, "")
}

// configurationState reads a state; lock is added to its statements.
func configurationState(ctx context.Context, q querier, tenantID, lock string) (configuration.State, error) {
	state := configuration.State{TenantID: tenantID, Connectors: make(map[int]routing.Record)}
	_, err := one(ctx, q, []any{&state.Templates, &state.Settings},
		`SELECT template_revision, settings FROM tenants WHERE id = $1`+lock, tenantID)
	if err != nil {
		return state, fmt.Errorf("read tenant: %w", err)
	}
	err = all(ctx, q, func(r rows) error {
		record := routing.Record{TenantID: tenantID}
		var created int64
		if err := r.Scan(&record.Slot, &record.ID, &record.FactoryID, &record.Config, &record.Version, &created); err != nil {
			return err
		}
		record.CreatedAt = fromMillis(created)
		state.Connectors[record.Slot] = record
		return nil
	}, `SELECT slot, id, factory_id, config, version, created_at FROM connectors WHERE tenant_id = $1 ORDER BY slot`+lock, tenantID)
	if err != nil {
		return state, fmt.Errorf("read connectors: %w", err)
	}
	return state, nil
}

// ChangeConfiguration implements configuration.Store.
func (s *Store) ChangeConfiguration(ctx context.Context, d configuration.Delta) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		now, err := configurationState(ctx, t, d.Was.TenantID, s.db.forUpdate())
		if err != nil {
			return err
		}
		if !now.Same(d.Was) {
			return configuration.ErrChanged
		}
		if err := changeConnectors(ctx, t, d); err != nil {
			return err
		}
		if err := changeTemplates(ctx, t, d); err != nil {
			return err
		}
		if d.Settings != "" {
			if _, err := t.exec(ctx, `UPDATE tenants SET settings = $2 WHERE id = $1`, d.Was.TenantID, d.Settings); err != nil {
				return fmt.Errorf("store settings: %w", err)
			}
		}
		return insertAudit(ctx, t, d.Entry)
	})
}

// changeConnectors empties all slots before it fills any: a connector's id is
// one connector's alone.
func changeConnectors(ctx context.Context, t tx, d configuration.Delta) error {
	for slot, was := range d.Was.Connectors {
		next, changes := d.Connectors[slot]
		if !changes {
			continue
		}
		if next.ID != was.ID {
			if err := retire(ctx, t, d.Was.TenantID, was.ID, d.Change.At); err != nil {
				return err
			}
		}
		if _, err := t.exec(ctx, `DELETE FROM connectors WHERE id = $1`, was.ID); err != nil {
			return fmt.Errorf("remove connector: %w", err)
		}
	}
	for slot, next := range d.Connectors {
		if next.ID == "" {
			continue
		}
		next.Slot = slot
		if err := takeUp(ctx, t, next); err != nil {
			return err
		}
		if err := placeConnector(ctx, t, next); err != nil {
			return fmt.Errorf("store connector: %w", err)
		}
	}
	return nil
}

// changeTemplates changes templates and partials.
func changeTemplates(ctx context.Context, t tx, d configuration.Delta) error {
	tenantID := d.Was.TenantID
	if len(d.Templates)+len(d.TemplatesGone)+len(d.Partials)+len(d.PartialsGone) == 0 {
		return nil
	}
	if err := touchTemplates(ctx, t, tenantID); err != nil {
		return err
	}
	for _, id := range d.TemplatesGone {
		if err := deleteTemplate(ctx, t, tenantID, id); err != nil {
			return err
		}
	}
	for _, name := range d.PartialsGone {
		_, err := t.exec(ctx, `DELETE FROM email_partials WHERE tenant_id = $1 AND name = $2`, tenantID, name)
		if err != nil {
			return fmt.Errorf("delete partial: %w", err)
		}
	}
	for _, p := range d.Partials {
		p.UpdatedAt, p.UpdatedBy = d.Change.At, d.Change.By
		if err := putPartial(ctx, t, tenantID, p); err != nil {
			return fmt.Errorf("store partial: %w", err)
		}
	}
	_, err := putTemplates(ctx, t, tenantID, d.Templates, d.Change)
	return err
}
