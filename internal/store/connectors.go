package store

import (
	"context"
	"fmt"

	"github.com/postern-mail/postern/internal/routing"
)

// slotInUse is the place of a tenant's e-mail connector. Fallbacks will have
// the places after it.
const slotInUse = 0

// ConnectorInUse implements routing.Store.
func (s *Store) ConnectorInUse(ctx context.Context, tenantID string) (routing.Record, bool, error) {
	r := routing.Record{TenantID: tenantID}
	var created int64
	ok, err := one(ctx, s.db.reader(), []any{&r.ID, &r.FactoryID, &r.Config, &r.Version, &created},
		`SELECT id, factory_id, config, version, created_at FROM connectors WHERE tenant_id = $1 AND slot = $2`,
		tenantID, slotInUse)
	r.CreatedAt = fromMillis(created)
	return r, ok, err
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
		if err := retire(ctx, t, s.db.forUpdate(), r); err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO connectors (id, tenant_id, slot, factory_id, config, version, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (tenant_id, slot) DO UPDATE SET id = excluded.id, factory_id = excluded.factory_id,
				config = excluded.config, version = excluded.version, created_at = excluded.created_at`,
			r.ID, r.TenantID, slotInUse, r.FactoryID, r.Config, r.Version, millis(r.CreatedAt))
		if s.db.uniqueViolation(err) {
			return routing.ErrIDTaken
		}
		return err
	})
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

// retire keeps the connector in whose place r comes, since its provider still
// reports on what went out through it. An id that r takes up again is not
// retired any more.
func retire(ctx context.Context, t tx, forUpdate string, r routing.Record) error {
	var found int
	// Replacements of one tenant go one after the other, or two at once would
	// both retire the same connector, and the first of the two never.
	if _, err := one(ctx, t, []any{&found}, `SELECT 1 FROM tenants WHERE id = $1`+forUpdate, r.TenantID); err != nil {
		return fmt.Errorf("lock tenant: %w", err)
	}
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
	_, err = t.exec(ctx, `INSERT INTO retired_connectors (id, tenant_id, factory_id, config, version, created_at, retired_at)
		SELECT id, tenant_id, factory_id, config, version, created_at, CAST($3 AS BIGINT) FROM connectors
		WHERE tenant_id = $1 AND slot = $2`, r.TenantID, slotInUse, millis(r.CreatedAt))
	if err != nil {
		return fmt.Errorf("retire connector: %w", err)
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
