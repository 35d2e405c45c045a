//go:build unix

package servers_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/test/servers"
)

func TestPostgresGivesEachTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"first", "second", "third"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, servers.Postgres(t))
			// The same name everywhere: it fails in a shared database.
			if _, err := conn.Exec(t.Context(), "CREATE TABLE thing (owner text)"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), "INSERT INTO thing VALUES ($1)", name); err != nil {
				t.Fatal(err)
			}
			var count int
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM thing").Scan(&count); err != nil || count != 1 {
				t.Fatalf("%d rows, %v", count, err)
			}
		})
	}
}

func TestPostgresSettings(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, fsync string
		database    func(testing.TB) string
	}{
		{"quick", "off", servers.Postgres},
		{"durable", "on", servers.PostgresDurable},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, c.database(t))
			var fsync string
			var connections, version int
			err := conn.QueryRow(t.Context(), `SELECT current_setting('fsync'),
				current_setting('max_connections')::int, current_setting('server_version_num')::int`).
				Scan(&fsync, &connections, &version)
			if err != nil {
				t.Fatal(err)
			}
			if fsync != c.fsync || connections < 200 || version < 150000 {
				t.Errorf("fsync %s, %d connections, version %d", fsync, connections, version)
			}
		})
	}
}

func TestPostgresDropsTheDatabaseAtTheEnd(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("one test", func(t *testing.T) {
		// Left open on purpose: the drop must not wait for it.
		conn, err := pgx.Connect(t.Context(), servers.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		name = conn.Config().Database
	})
	conn := connect(t, servers.Postgres(t))
	var left int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("database %s is still there", name)
	}
}

func TestPostgresOnAServerThatRunsAlready(t *testing.T) {
	given := servers.Postgres(t) // before the variable says otherwise
	t.Setenv("POSTERN_TEST_POSTGRES", given)
	database := servers.Postgres(t)
	if database == given {
		t.Fatal("the given database itself is used")
	}
	there, here := connect(t, given).Config(), connect(t, database).Config()
	if here.Host != there.Host || here.Database == there.Database {
		t.Errorf("database %s on %s, want another one on %s", here.Database, here.Host, there.Host)
	}
}

func connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return conn
}
