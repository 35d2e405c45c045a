package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// MigrateRiver brings the tables of the River engine up to date: River's own
// migrations, and what this package adds. It refuses a database that a newer
// version of River has migrated. Only one node may run it at a time.
func MigrateRiver(ctx context.Context, pool *pgxpool.Pool) error {
	m, err := riverMigrator(pool)
	if err != nil {
		return err
	}
	// Fails on versions that are not known here.
	if _, err := m.ExistingVersions(ctx); err != nil {
		return fmt.Errorf("read River's schema version: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("run River's migrations: %w", err)
	}
	if _, err := pool.Exec(ctx, nodesSchema); err != nil {
		return fmt.Errorf("make the queue's tables: %w", err)
	}
	if _, err := pool.Exec(ctx, dropUnusedIndexes); err != nil {
		return fmt.Errorf("drop indexes: %w", err)
	}
	return nil
}

// CheckRiver tells whether MigrateRiver has nothing to do: nil means that the
// tables are as this version needs them.
func CheckRiver(ctx context.Context, pool *pgxpool.Pool) error {
	m, err := riverMigrator(pool)
	if err != nil {
		return err
	}
	if _, err := m.ExistingVersions(ctx); err != nil {
		return fmt.Errorf("read River's schema version: %w", err)
	}
	res, err := m.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("check River's schema: %w", err)
	}
	if !res.OK {
		return errors.New("River's schema: " + strings.Join(res.Messages, "; "))
	}
	var known bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass('queue_nodes') IS NOT NULL`).Scan(&known); err != nil {
		return fmt.Errorf("check the queue's tables: %w", err)
	}
	if !known {
		return errors.New("the table queue_nodes is missing")
	}
	return nil
}

func riverMigrator(pool *pgxpool.Pool) (*rivermigrate.Migrator[pgx.Tx], error) {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("prepare River's migrations: %w", err)
	}
	return m, nil
}
