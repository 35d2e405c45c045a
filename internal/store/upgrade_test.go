package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/test/servers"
)

// firstRows is a row for each table of the first schema. $1 are bytes.
func firstRows() map[string]string {
	return map[string]string{
		"facts":              `INSERT INTO facts (name, value) VALUES ('canary', $1)`,
		"tenants":            `INSERT INTO tenants (id, name, created_at) VALUES ('t1', 'T', 1760000000000)`,
		"api_keys":           `INSERT INTO api_keys VALUES ('k1', 't1', 'CI', 'management', 'postern_ab', $1, 1, 2, 3)`,
		"connectors":         `INSERT INTO connectors VALUES ('c1', 't1', 0, 'f', $1, 'v1', 1)`,
		"verification_codes": `INSERT INTO verification_codes VALUES ('v1', 't1', 'a@example.com', 'SignIn', '', $1, 3, 1, 2)`,
		"messages": `INSERT INTO messages VALUES ('m1', 't1', 'SignIn', 'A@example.com', 'a@example.com', '', $1, 'g', 1, 2,
			'accepted', 1, 0)`,
		"message_dedupe":   `INSERT INTO message_dedupe VALUES ('h', 'm1', 1)`,
		"attempts":         `INSERT INTO attempts VALUES ('m1', 1, 'c1', 'f', 1, 2, 'temporary', 451, '4.3.0', 'later', '')`,
		"events":           `INSERT INTO events VALUES ('m1', 'e1', 1, 'deferred', 'later')`,
		"inbox":            `INSERT INTO inbox VALUES ('i1', 't1', 'm1', 'A@example.com', 'a@example.com', 's', 1, 3, $1)`,
		"idempotency_keys": `INSERT INTO idempotency_keys VALUES ('k1', 'key', $1, 1, NULL)`,
	}
}

// A database of the first schema comes up with all that is in it.
func TestUpgradeFromFirstSchema(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		o := store.Options{DataDir: t.TempDir()}
		upgrades(t, o, goose.DialectSQLite3, "sqlite", "sqlite", filepath.Join(o.DataDir, store.SQLiteFile))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		o := store.Options{PostgresURL: servers.Postgres(t)}
		upgrades(t, o, goose.DialectPostgres, "postgres", "pgx", o.PostgresURL)
	})
}

func upgrades(t *testing.T, o store.Options, dialect goose.Dialect, folder, driver, dsn string) {
	t.Helper()
	ctx := t.Context()
	db, err := sql.Open(driver, dsn)
	check(t, err)
	defer db.Close()
	provider, err := goose.NewProvider(dialect, db, os.DirFS(filepath.Join("migrations", folder)))
	check(t, err)
	_, err = provider.UpTo(ctx, 1)
	check(t, err)
	insertFirst(ctx, t, db)
	tables := slices.Sorted(maps.Keys(firstRows()))
	before := make(map[string]string)
	columns := make(map[string]string)
	for _, table := range tables {
		columns[table], before[table] = dump(ctx, t, db, table, "*")
	}

	s, err := store.Open(ctx, o)
	check(t, err)
	defer s.Close()
	from, to, err := s.Migrate(ctx)
	check(t, err)
	if from != 1 || to < 2 {
		t.Errorf("migrated from %d to %d", from, to)
	}
	for _, table := range tables {
		if _, after := dump(ctx, t, db, table, columns[table]); after != before[table] {
			t.Errorf("%s held\n%s\nand holds now\n%s", table, before[table], after)
		}
	}
	worksOnOldRows(ctx, t, s)
}

// insertFirst fills a database of the first schema; tenants come first.
func insertFirst(ctx context.Context, t *testing.T, db *sql.DB) {
	t.Helper()
	rows := firstRows()
	for _, table := range append([]string{"tenants"}, slices.Sorted(maps.Keys(rows))...) {
		statement, ok := rows[table]
		if !ok {
			continue
		}
		delete(rows, table)
		var args []any
		if strings.Contains(statement, "$1") {
			args = append(args, []byte{0, 1, 0xff})
		}
		_, err := db.ExecContext(ctx, statement, args...)
		check(t, err)
	}
}

// dump writes all rows of a table, and names the columns.
func dump(ctx context.Context, t *testing.T, db *sql.DB, table, columns string) (names, text string) {
	t.Helper()
	rows, err := db.QueryContext(ctx, "SELECT "+columns+" FROM "+table)
	check(t, err)
	defer rows.Close()
	list, err := rows.Columns()
	check(t, err)
	for rows.Next() {
		values := make([]any, len(list))
		for i := range values {
			values[i] = new(any)
		}
		check(t, rows.Scan(values...))
		for i, v := range values {
			value, _ := v.(*any)
			text += fmt.Sprintf("%s=%v ", list[i], *value)
		}
		text += "\n"
	}
	check(t, rows.Err())
	if text == "" {
		t.Fatalf("%s is empty", table)
	}
	return strings.Join(list, ", "), text
}

// worksOnOldRows uses what the later schemas added, with the tenant of the
// first one.
func worksOnOldRows(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	settings, err := s.TenantSettings(ctx, "t1")
	check(t, err)
	revision, err := s.TemplateRevision(ctx, "t1")
	check(t, err)
	if settings != "{}" || revision != 0 {
		t.Errorf("settings %s, revision %d", settings, revision)
	}
	_, err = s.PutTemplates(ctx, "t1", []templates.Stored{{Language: "en", Type: "SignIn"}}, templates.Change{})
	check(t, err)
	list, err := s.ListTemplates(ctx, "t1", templates.Filter{})
	check(t, err)
	if len(list) != 1 {
		t.Errorf("templates %+v", list)
	}
	if _, _, found, err := s.LoadMessage(ctx, "m1"); err != nil || !found {
		t.Errorf("the old message: found %v, %v", found, err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
