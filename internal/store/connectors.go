package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern-mail/postern/internal/routing"
)

// Connectors implements routing.Store.
func (s *Store) Connectors(ctx context.Context, tenantID string) ([]routing.Record, error) {
	return selectConnectors(ctx, s.db.reader(), tenantID, routing.InUse)
}

// selectConnectors reads a tenant's connectors from a slot on.
func selectConnectors(ctx context.Context, q querier, tenantID string, from int) ([]routing.Record, error) {
	list := []routing.Record{}
	err := all(ctx, q, func(r rows) error {
		c := routing.Record{TenantID: tenantID}
		var created int64
		err := r.Scan(&c.ID, &c.Slot, &c.FactoryID, &c.Config, &c.Version, &created)
		c.CreatedAt = fromMillis(created)
		list = append(list, c)
		return err
	}, `SELECT id, slot, factory_id, config, version, created_at FROM connectors
		WHERE tenant_id = $1 AND slot >= $2 ORDER BY slot`, tenantID, from)
	return list, err
}

// ReplaceConnector implements routing.Store.
func (s *Store) ReplaceConnector(ctx context.Context, r routing.Record) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		var found int
		taken, err := one(ctx, t, []any{&found}, `SELECT 1 FROM connectors WHERE id = $1`, r.ID)
		if err != nil {
			return fmt.Errorf("find connector id: %w", err)
		}
		if taken {
			return routing.ErrIDTaken
		}
		if err := s.lockTenant(ctx, t, r.TenantID); err != nil {
			return err
		}
		if err := takeUp(ctx, t, r); err != nil {
			return err
		}
		current, err := selectConnectors(ctx, t, r.TenantID, routing.InUse)
		if err != nil {
			return fmt.Errorf("read connectors: %w", err)
		}
		if len(current) > 0 && current[0].Slot == routing.InUse {
			if err := retire(ctx, t, r.TenantID, current[0].ID, r.CreatedAt); err != nil {
				return err
			}
		}
		_, err = t.exec(ctx, `INSERT INTO connectors (id, tenant_id, slot, factory_id, config, version, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (tenant_id, slot) DO UPDATE SET id = excluded.id, factory_id = excluded.factory_id,
				config = excluded.config, version = excluded.version, created_at = excluded.created_at`,
			r.ID, r.TenantID, routing.InUse, r.FactoryID, r.Config, r.Version, millis(r.CreatedAt))
		if s.db.uniqueViolation(err) {
			return routing.ErrIDTaken
		}
		return err
	})
}

// ReplaceFallbacks implements routing.Store.
func (s *Store) ReplaceFallbacks(ctx context.Context, tenantID string, list []routing.Record, was []string) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		if err := s.lockTenant(ctx, t, tenantID); err != nil {
			return false, err
		}
		current, err := selectConnectors(ctx, t, tenantID, routing.InUse+1)
		if err != nil {
			return false, fmt.Errorf("read fallbacks: %w", err)
		}
		if !slices.EqualFunc(current, was, func(c routing.Record, version string) bool { return c.Version == version }) {
			return false, nil
		}
		return true, s.replaceFallbacks(ctx, t, tenantID, current, list)
	})
}

// replaceFallbacks retires those that are not among the new ones.
func (s *Store) replaceFallbacks(ctx context.Context, t tx, tenantID string, current, list []routing.Record) error {
	for _, r := range list {
		if err := takeUp(ctx, t, r); err != nil {
			return err
		}
	}
	for _, c := range current {
		if slices.ContainsFunc(list, func(r routing.Record) bool { return r.ID == c.ID }) {
			continue
		}
		if err := retire(ctx, t, tenantID, c.ID, time.Now()); err != nil {
			return err
		}
	}
	if _, err := t.exec(ctx, `DELETE FROM connectors WHERE tenant_id = $1 AND slot > $2`, tenantID, routing.InUse); err != nil {
		return fmt.Errorf("delete fallbacks: %w", err)
	}
	for _, r := range list {
		err := placeConnector(ctx, t, r)
		if s.db.uniqueViolation(err) {
			return routing.ErrIDTaken
		}
		if err != nil {
			return fmt.Errorf("insert fallback: %w", err)
		}
	}
	return nil
}

// placeConnector puts a connector into an empty slot.
func placeConnector(ctx context.Context, t tx, r routing.Record) error {
	_, err := t.exec(ctx, `INSERT INTO connectors (id, tenant_id, slot, factory_id, config, version, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.ID, r.TenantID, r.Slot, r.FactoryID, r.Config, r.Version, millis(r.CreatedAt))
	return err
}

// UpdateConnector implements routing.Store.
func (s *Store) UpdateConnector(ctx context.Context, r routing.Record, wasVersion string) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		n, err := t.exec(ctx, `UPDATE connectors SET config = $3, version = $4
			WHERE id = $1 AND tenant_id = $2 AND version = $5`, r.ID, r.TenantID, r.Config, r.Version, wasVersion)
		return n > 0, err
	})
}

// DeleteConnector implements routing.Store.
func (s *Store) DeleteConnector(ctx context.Context, tenantID, id string) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		n, err := t.exec(ctx, `DELETE FROM connectors WHERE id = $1 AND tenant_id = $2`, id, tenantID)
		return n > 0, err
	})
}

// lockTenant has changes of one tenant's connectors go one after the other:
// two at once would both retire the same connector, and the first of the two
// never.
func (s *Store) lockTenant(ctx context.Context, t tx, tenantID string) error {
	var found int
	if _, err := one(ctx, t, []any{&found}, `SELECT 1 FROM tenants WHERE id = $1`+s.db.forUpdate(), tenantID); err != nil {
		return fmt.Errorf("lock tenant: %w", err)
	}
	return nil
}

// retire keeps a connector of a tenant that is replaced, since its provider
// still reports on what went out through it.
func retire(ctx context.Context, t tx, tenantID, id string, at time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO retired_connectors (id, tenant_id, factory_id, config, version, created_at, retired_at)
		SELECT id, tenant_id, factory_id, config, version, created_at, CAST($3 AS BIGINT) FROM connectors
		WHERE tenant_id = $1 AND id = $2`, tenantID, id, millis(at))
	if err != nil {
		return fmt.Errorf("retire connector: %w", err)
	}
	return nil
}

// takeUp makes sure that no other tenant's retired connector has the id of r,
// and that it is not retired any more.
func takeUp(ctx context.Context, t tx, r routing.Record) error {
	var found int
	taken, err := one(ctx, t, []any{&found}, `SELECT 1 FROM retired_connectors WHERE id = $1 AND tenant_id <> $2`, r.ID, r.TenantID)
	if err != nil {
		return fmt.Errorf("find retired connector: %w", err)
	}
	if taken {
		return routing.ErrIDTaken
	}
	if _, err := t.exec(ctx, `DELETE FROM retired_connectors WHERE id = $1`, r.ID); err != nil {
		return fmt.Errorf("take up retired connector: %w", err)
	}
	return nil
}

// ConnectorByID implements routing.Store.
func (s *Store) ConnectorByID(ctx context.Context, id string) (routing.Record, bool, error) {
	var r routing.Record
	var created int64
	ok, err := one(ctx, s.db.reader(), []any{&r.ID, &r.TenantID, &r.FactoryID, &r.Config, &r.Version, &created},
		`SELECT id, tenant_id, factory_id, config, version, created_at FROM connectors WHERE id = $1
		UNION ALL SELECT id, tenant_id, factory_id, config, version, created_at FROM retired_connectors WHERE id = $1`, id)
	r.CreatedAt = fromMillis(created)
	return r, ok, err
}
