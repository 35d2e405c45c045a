package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/tenants"
)

// Admin works on the database without serving, also beside a process that
// does.
type Admin struct {
	Keys    *access.Service
	Tenants tenants.Reader
	store   *store.Store
}

// OpenAdmin opens the database, its schema brought up.
func OpenAdmin(ctx context.Context, o Options) (*Admin, error) {
	s, _, _, err := openMigrated(ctx, o)
	if err != nil {
		return nil, err
	}
	err = s.EnsureTenant(ctx, tenants.Tenant{ID: tenants.Default, Name: "Default", CreatedAt: now()})
	var keys *access.Service
	if err == nil {
		keys, err = access.New(s, now)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Admin{Keys: keys, Tenants: s, store: s}, nil
}

// Close ends the connections.
func (a *Admin) Close() error { return a.store.Close() }

// Migrate brings the schema up to this version's and returns the versions
// before and after.
func Migrate(ctx context.Context, o Options) (from, to int64, err error) {
	s, from, to, err := openMigrated(ctx, o)
	if err != nil {
		return from, to, err
	}
	return from, to, s.Close()
}

func openMigrated(ctx context.Context, o Options) (s *store.Store, from, to int64, err error) {
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, 0, 0, fmt.Errorf("create data folder: %w", err)
	}
	if s, err = openStore(ctx, o); err != nil {
		return nil, 0, 0, err
	}
	if from, to, err = s.Migrate(ctx); err != nil {
		return nil, from, to, errors.Join(err, s.Close())
	}
	return s, from, to, nil
}
