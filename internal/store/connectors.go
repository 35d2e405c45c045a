package store

import (
	"context"
	"fmt"
	"slices"

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
func (s *Store) ReplaceFallbacks(ctx context.Context, tenantID string, list []routing.Record, was []string) (ok bool, err error) {
	err = s.db.write(ctx, func(ctx context.Context, t tx) error {
		// The tenant's row keeps two changes from being made at once.
		if _, err := t.exec(ctx, `UPDATE tenants SET name = name WHERE id = $1`, tenantID); err != nil {
			return fmt.Errorf("lock tenant: %w", err)
		}
		current, err := selectConnectors(ctx, t, tenantID, routing.InUse+1)
		if err != nil {
			return fmt.Errorf("read fallbacks: %w", err)
		}
		ok = slices.EqualFunc(current, was, func(c routing.Record, version string) bool { return c.Version == version })
		if !ok {
			return nil
		}
		if _, err := t.exec(ctx, `DELETE FROM connectors WHERE tenant_id = $1 AND slot > $2`, tenantID, routing.InUse); err != nil {
			return fmt.Errorf("delete fallbacks: %w", err)
		}
		for _, r := range list {
			_, err := t.exec(ctx, `INSERT INTO connectors (id, tenant_id, slot, factory_id, config, version, created_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				r.ID, r.TenantID, r.Slot, r.FactoryID, r.Config, r.Version, millis(r.CreatedAt))
			if s.db.uniqueViolation(err) {
				return routing.ErrIDTaken
			}
			if err != nil {
				return fmt.Errorf("insert fallback: %w", err)
			}
		}
		return nil
	})
	return ok && err == nil, err
}

// UpdateConnector implements routing.Store.
func (s *Store) UpdateConnector(ctx context.Context, r routing.Record, wasVersion string) (bool, error) {
	var n int64
	err := s.db.write(ctx, func(ctx context.Context, t tx) (err error) {
		n, err = t.exec(ctx, `UPDATE connectors SET config = $3, version = $4
			WHERE id = $1 AND tenant_id = $2 AND version = $5`, r.ID, r.TenantID, r.Config, r.Version, wasVersion)
		return err
	})
	return n > 0, err
}

// DeleteConnector implements routing.Store.
func (s *Store) DeleteConnector(ctx context.Context, tenantID, id string) (bool, error) {
	var n int64
	err := s.db.write(ctx, func(ctx context.Context, t tx) (err error) {
		n, err = t.exec(ctx, `DELETE FROM connectors WHERE id = $1 AND tenant_id = $2`, id, tenantID)
		return err
	})
	return n > 0, err
}
