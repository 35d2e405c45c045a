package store_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/store/storetest"
	"github.com/postern-mail/postern/test/servers"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Database {
		return storetest.Database{Options: store.Options{DataDir: t.TempDir()}}
	})
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Database {
		return storetest.Database{Options: store.Options{PostgresURL: servers.Postgres(t)}, Shared: true}
	})
}

// A folder name may hold characters that mean something in a URL.
func TestSQLiteInAnOddFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "50% of ?mode=memory #1")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*", store.SQLiteFile)); err != nil || len(found) != 1 {
		t.Errorf("database files: %v, %v", found, err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		o := store.Options{DataDir: t.TempDir()}
		refusesNewerSchema(t, o, "sqlite", filepath.Join(o.DataDir, store.SQLiteFile))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		o := store.Options{PostgresURL: servers.Postgres(t)}
		refusesNewerSchema(t, o, "pgx", o.PostgresURL)
	})
}

func refusesNewerSchema(t *testing.T, o store.Options, driver, dsn string) {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Migrate(t.Context()); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("migrating a newer schema: %v", err)
	}
}

// The error must not repeat the password that the URL holds.
func TestBadPostgresURL(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), store.Options{PostgresURL: "postgres://ann:hunter2@host:port/x"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error: %v", err)
	}
}
