//go:build unix

package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// oldestPostgres is the oldest major version that Postern supports.
const oldestPostgres = 15

// externalPostgres names the variable with the URL of a server to use instead
// of one started here.
const externalPostgres = "POSTERN_TEST_POSTGRES"

// One cluster of each sort serves the whole test process: making one takes a
// second, a database in it some 50 ms. They end with the process (see guard).
var (
	quickCluster   = sync.OnceValues(func() (*cluster, error) { return startCluster("off") })
	durableCluster = sync.OnceValues(func() (*cluster, error) { return startCluster("on") })
)

// cluster is a running server. Its guard is kept here because the pipe to it
// must stay open: once nobody refers to it, the runtime closes it.
type cluster struct {
	url   string
	guard *guard
}

// Postgres returns the URL of a new, empty database on a real PostgreSQL
// server (15 or later, 300 connections). The database is dropped when the test
// ends, also when connections to it are still open.
//
// The server does not wait for the disk (fsync is off): killing Postern loses
// nothing, only a crash of the machine would. PostgresDurable waits.
//
// When POSTERN_TEST_POSTGRES holds a postgres:// URL, the database is made on
// that server instead. With -short the test is skipped; without the programs
// it fails and says what to install.
func Postgres(t testing.TB) string {
	t.Helper()
	return newDatabase(t, quickCluster)
}

// PostgresDurable is Postgres on a server with fsync on, for tests of what a
// crash of the database leaves and for honest figures.
func PostgresDurable(t testing.TB) string {
	t.Helper()
	return newDatabase(t, durableCluster)
}

func newDatabase(t testing.TB, start func() (*cluster, error)) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a real PostgreSQL is left out with -short")
	}
	admin := os.Getenv(externalPostgres)
	if admin == "" {
		c, err := start()
		if err != nil {
			t.Fatalf("PostgreSQL for tests: %v", err)
		}
		admin = c.url
	}
	database, err := url.Parse(admin)
	if err != nil || !strings.HasPrefix(database.Scheme, "postgres") {
		t.Fatalf("%s must be a postgres:// URL", externalPostgres)
	}
	name := "postern_" + strings.ToLower(rand.Text())
	// template0 is never connected to, so that copying it never has to wait.
	execute(t, admin, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	t.Cleanup(func() { execute(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	database.Path = "/" + name
	return database.String()
}

// execute runs one statement on a connection of its own.
func execute(t testing.TB, database, statement string) {
	t.Helper()
	// Not the test's context: it is over when cleanups run.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatalf("connect to PostgreSQL: %v", err)
	}
	_, err = conn.Exec(ctx, statement)
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// clusterScript makes a cluster in $1 with the programs in $2 and the settings
// $3, and runs it until its input ends.
const clusterScript = `
folder=$1 bin=$2 settings=$3
make() {
	"$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync &&
	printf '%s\n' "$settings" >>"$folder/data/postgresql.conf" &&
	"$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w -t 60 start
}
while read -r order; do
	if make >>"$folder/guard.log" 2>&1 </dev/null; then echo ok; else echo 'it did not start'; fi
done
"$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$folder"
`

// startCluster makes and starts a cluster whose URL is that of its
// administration database. It listens on a socket in its own folder only, so
// that no port can be taken and nobody else can reach it.
func startCluster(fsync string) (*cluster, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	cred, err := postgresUser()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "postern-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if cred != nil {
		if err := os.Chown(folder, int(cred.Uid), int(cred.Gid)); err != nil {
			return nil, fmt.Errorf("hand over the folder: %w", err)
		}
	}
	settings := strings.Join([]string{
		"listen_addresses = ''",
		"unix_socket_directories = '" + folder + "'",
		"max_connections = 300",
		"fsync = " + fsync,
		"full_page_writes = " + fsync,
		"wal_level = minimal",
		"max_wal_senders = 0",
		"shared_buffers = '64MB'",
	}, "\n")
	g, err := startGuard(clusterScript, folder, cred, nil, bin, settings)
	if err != nil {
		return nil, err
	}
	if err := g.order("start"); err != nil {
		return nil, errors.Join(fmt.Errorf("%w%s", err, tail(filepath.Join(folder, "server.log"))), g.end())
	}
	return &cluster{url: "postgres://postgres@/postgres?host=" + url.QueryEscape(folder), guard: g}, nil
}

// postgresUser returns whom to run the server as: nil (ourselves), or for
// root, whom PostgreSQL refuses, an unprivileged user.
func postgresUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return credential(u)
		}
	}
	return nil, errors.New("it refuses to run as root, and there is neither a user postgres nor nobody to run it as")
}

// credential turns a user of the system into what a child process takes.
func credential(u *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// postgresPrograms returns the folder of the newest PostgreSQL server programs.
func postgresPrograms() (string, error) {
	var folders []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
		"/usr/pgsql-*/bin",          // the PostgreSQL project's RPMs
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("%s: %w", pattern, err)
		}
		folders = append(folders, found...)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if program, err := filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(program))
		}
	}
	best, newest := "", 0
	for _, folder := range folders {
		if v := postgresVersion(filepath.Join(folder, "postgres")); v > newest {
			best, newest = folder, v
		}
	}
	if newest < oldestPostgres {
		return "", fmt.Errorf("there are no server programs (initdb, pg_ctl, postgres) of version %d or later "+
			"in PATH or /usr/lib/postgresql: run scripts/install-test-tools, or set %s to the URL of a running server",
			oldestPostgres, externalPostgres)
	}
	return best, nil
}

// postgresVersion returns the major version of a postgres program, 0 when it
// is none.
func postgresVersion(program string) int {
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		return 0
	}
	// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "… 19beta1"
	m := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if m == nil {
		return 0
	}
	major, err := strconv.Atoi(string(m[1]))
	if err != nil {
		return 0
	}
	return major
}
