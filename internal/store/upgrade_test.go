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
	"time"

	"github.com/pressly/goose/v3"

	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
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

// secondRows is a row for each table that the second schema added, and what it
// added to the tables of the first.
func secondRows() map[string]string {
	return map[string]string{
		"email_templates": `INSERT INTO email_templates VALUES ('e1', 't1', 'de-CH', 'de-ch', 'SignIn',
			'{"subject":"s","content":"{{code}}"}', 2, 1, 2, 'k1')`,
		"email_template_versions": `INSERT INTO email_template_versions VALUES ('e1', 2, '{"subject":"s","content":"{{code}}"}', 2, 'k1')`,
		"email_partials":          `INSERT INTO email_partials VALUES ('t1', 'footer', 'f', 1, 'k1')`,
		"tenants": `INSERT INTO tenants (id, name, created_at, template_revision, settings)
			VALUES ('t1', 'T', 1760000000000, 7, '{"languageInfo":{"fallbackLanguage":"de"}}')`,
	}
}

// thirdRows is a row for each table that the third schema added or changed.
func thirdRows() map[string]string {
	return map[string]string{
		"retired_connectors": `INSERT INTO retired_connectors VALUES ('c0', 't1', 'f', $1, 'v0', 1, 2)`,
		"events":             `INSERT INTO events VALUES ('m1', 'e1', 1, 'deferred', 'later', '', '')`,
		"callback_marks":     `INSERT INTO callback_marks VALUES ('seen', 1)`,
		"suppressions":       `INSERT INTO suppressions VALUES ('t1', 'b@example.com', 'B@example.com', 'all', 'manual', 'd', '', 1)`,
		"audit_log":          `INSERT INTO audit_log VALUES ('a1', 't1', 1, 'k1', 'configuration.imported', 't1', '{}')`,
	}
}

// A database of each earlier schema comes up with all that is in it.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	second := firstRows()
	maps.Copy(second, secondRows())
	third := maps.Clone(second)
	maps.Copy(third, thirdRows())
	for version, rows := range map[int64]map[string]string{1: firstRows(), 2: second, 3: third} {
		t.Run(fmt.Sprintf("SQLite from %d", version), func(t *testing.T) {
			t.Parallel()
			o := store.Options{DataDir: t.TempDir()}
			upgrades(t, version, rows, o, goose.DialectSQLite3, "sqlite", "sqlite", filepath.Join(o.DataDir, store.SQLiteFile))
		})
		t.Run(fmt.Sprintf("PostgreSQL from %d", version), func(t *testing.T) {
			t.Parallel()
			o := store.Options{PostgresURL: servers.Postgres(t)}
			upgrades(t, version, rows, o, goose.DialectPostgres, "postgres", "pgx", o.PostgresURL)
		})
	}
}

func upgrades(
	t *testing.T, version int64, rows map[string]string, o store.Options, dialect goose.Dialect, folder, driver, dsn string,
) {
	t.Helper()
	ctx := t.Context()
	db, err := sql.Open(driver, dsn)
	check(t, err)
	defer db.Close()
	provider, err := goose.NewProvider(dialect, db, os.DirFS(filepath.Join("migrations", folder)))
	check(t, err)
	_, err = provider.UpTo(ctx, version)
	check(t, err)
	insert(ctx, t, db, rows)
	tables := slices.Sorted(maps.Keys(rows))
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
	if from != version || to < 4 {
		t.Errorf("migrated from %d to %d", from, to)
	}
	for _, table := range tables {
		if _, after := dump(ctx, t, db, table, columns[table]); after != before[table] {
			t.Errorf("%s held\n%s\nand holds now\n%s", table, before[table], after)
		}
	}
	worksOnFirstRows(ctx, t, s)
	if version >= 2 {
		worksOnSecondRows(ctx, t, s)
	} else {
		worksWithoutSecondRows(ctx, t, s)
	}
	if version >= 3 {
		worksOnThirdRows(ctx, t, s)
	}
	worksAtLast(ctx, t, s)
}

// insert fills a database; tenants come first.
func insert(ctx context.Context, t *testing.T, db *sql.DB, rows map[string]string) {
	t.Helper()
	rows = maps.Clone(rows)
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

// worksOnFirstRows uses what the third schema added, with what was there
// before.
func worksOnFirstRows(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	if _, _, found, err := s.LoadMessage(ctx, "m1"); err != nil || !found {
		t.Errorf("the old message: found %v, %v", found, err)
	}
	entry := suppression.Entry{TenantID: "t1", Address: "A@example.com", Scope: suppression.All, Reason: suppression.Bounced}
	outcomes, err := s.RecordReports(ctx, time.UnixMilli(5), []events.Reported{{
		Mark: "mark", MessageID: "m1", Limit: 10, Suppress: &entry,
		Event: events.Event{Kind: events.Bounced, Bounce: events.Hard, Source: "f", At: time.UnixMilli(5)},
	}})
	check(t, err)
	if outcomes[0] != events.Hushed {
		t.Errorf("outcome %s", outcomes[0])
	}
	story, err := s.Story(ctx, "t1", "m1")
	check(t, err)
	if len(story.Events) != 3 || story.Events[1].Source != "" || story.Events[1].Bounce != "" || story.Delivery() != "bounced" {
		t.Errorf("events %+v", story.Events)
	}
	check(t, s.ReplaceConnector(ctx, routing.Record{ID: "c2", TenantID: "t1", FactoryID: "f", Config: []byte("x"), Version: "v2"}))
	old, found, err := s.ConnectorByID(ctx, "c1")
	check(t, err)
	if !found || old.TenantID != "t1" || old.Version != "v1" || len(old.Config) != 3 {
		t.Errorf("the connector that was replaced: %v %+v", found, old)
	}
}

// worksOnSecondRows uses what the second schema added.
func worksOnSecondRows(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	settings, err := s.TenantSettings(ctx, "t1")
	check(t, err)
	revision, err := s.TemplateRevision(ctx, "t1")
	check(t, err)
	list, err := s.ListTemplates(ctx, "t1", templates.Filter{})
	check(t, err)
	versions, err := s.TemplateVersions(ctx, "t1", "e1")
	check(t, err)
	partials, err := s.ListPartials(ctx, "t1")
	check(t, err)
	if settings != `{"languageInfo":{"fallbackLanguage":"de"}}` || revision != 7 || len(list) != 1 || list[0].Details.Subject != "s" ||
		len(versions) != 1 || len(partials) != 1 {
		t.Errorf("settings %s, revision %d, templates %+v, versions %+v, partials %+v", settings, revision, list, versions, partials)
	}
}

// worksOnThirdRows uses what the third schema added.
func worksOnThirdRows(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	old, found, err := s.ConnectorByID(ctx, "c0")
	check(t, err)
	entry, suppressed, err := s.Suppression(ctx, "t1", "b@example.com")
	check(t, err)
	if !found || old.Version != "v0" || !suppressed || entry.Detail != "d" {
		t.Errorf("retired %+v, suppressed %+v", old, entry)
	}
	outcomes, err := s.RecordReports(ctx, time.UnixMilli(5), []events.Reported{{
		Mark: "seen", MessageID: "m1", Limit: 10, Event: events.Event{Kind: events.Delivered, Source: "f", At: time.UnixMilli(5)},
	}})
	check(t, err)
	if outcomes[0] != events.Repeated {
		t.Errorf("a report that was seen: %s", outcomes[0])
	}
}

// worksAtLast uses what the fourth schema added, with what was there before.
func worksAtLast(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	at := time.UnixMilli(1_760_000_000_000)
	charges := []limits.Charge{{Name: limits.Recipient, Key: "k", Rule: limits.Rule{Limit: 1, Period: time.Hour}}}
	for i, refused := range []bool{false, true} {
		_, err := s.SaveMessage(ctx, outbox.Message{
			ID: fmt.Sprint("n", i), TenantID: "t1", Type: "Generic", To: "a@example.com", CreatedAt: at, Deadline: at.Add(time.Minute),
			Status: outbox.Accepted, Charges: charges,
		})
		if (err != nil) != refused {
			t.Errorf("mail %d on a limit of one: %v", i, err)
		}
	}
	keys, err := s.ListKeys(ctx, "t1")
	check(t, err)
	if len(keys) != 1 || keys[0].ID != "k1" {
		t.Errorf("keys %+v", keys)
	}
}

// worksWithoutSecondRows uses what the second schema added, with the tenant of
// the first one.
func worksWithoutSecondRows(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	settings, err := s.TenantSettings(ctx, "t1")
	check(t, err)
	revision, err := s.TemplateRevision(ctx, "t1")
	check(t, err)
	if settings != "{}" || revision != 0 {
		t.Errorf("settings %s, revision %d", settings, revision)
	}
	_, _, err = s.PutTemplates(ctx, "t1", []templates.Stored{{Language: "en", Type: "SignIn"}}, templates.Change{})
	check(t, err)
	list, err := s.ListTemplates(ctx, "t1", templates.Filter{})
	check(t, err)
	if len(list) != 1 {
		t.Errorf("templates %+v", list)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
