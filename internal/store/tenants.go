package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/tenants"
)

// EnsureTenant adds a tenant unless it is there.
func (s *Store) EnsureTenant(ctx context.Context, t tenants.Tenant) error {
	return s.db.write(ctx, func(ctx context.Context, x tx) error {
		_, err := insertTenant(ctx, x, t)
		return err
	})
}

// insertTenant adds a tenant; ok is false when there is one with its id.
func insertTenant(ctx context.Context, x tx, t tenants.Tenant) (ok bool, err error) {
	n, err := x.exec(ctx, `INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
		t.ID, t.Name, millis(t.CreatedAt))
	return n > 0, err
}

// InsertTenant implements configuration.Store.
func (s *Store) InsertTenant(ctx context.Context, t tenants.Tenant, inUse routing.Record) error {
	return s.db.write(ctx, func(ctx context.Context, x tx) error {
		ok, err := insertTenant(ctx, x, t)
		if err != nil {
			return fmt.Errorf("insert tenant: %w", err)
		}
		if !ok {
			return tenants.ErrIDTaken
		}
		return placeConnector(ctx, x, inUse)
	})
}

// ListTenants implements tenants.Reader.
func (s *Store) ListTenants(ctx context.Context) ([]tenants.Tenant, error) {
	list, err := s.selectTenants(ctx, "")
	slices.SortFunc(list, func(a, b tenants.Tenant) int { return strings.Compare(a.ID, b.ID) })
	return list, err
}

// Tenant implements tenants.Reader.
func (s *Store) Tenant(ctx context.Context, id string) (tenants.Tenant, bool, error) {
	list, err := s.selectTenants(ctx, " WHERE id = $1", id)
	if err != nil || len(list) == 0 {
		return tenants.Tenant{}, false, err
	}
	return list[0], true, nil
}

func (s *Store) selectTenants(ctx context.Context, where string, args ...any) ([]tenants.Tenant, error) {
	list := []tenants.Tenant{}
	err := all(ctx, s.db.reader(), func(r rows) error {
		var t tenants.Tenant
		var created int64
		err := r.Scan(&t.ID, &t.Name, &created)
		t.CreatedAt = fromMillis(created)
		list = append(list, t)
		return err
	}, `SELECT id, name, created_at FROM tenants`+where, args...)
	return list, err
}
