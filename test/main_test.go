//go:build unix

package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/test/servers"
)

// patience is how long anything may take that a test waits for. It bounds a
// broken test; no promise is measured with it.
const patience = 90 * time.Second

// binary builds the program once for all tests and returns its path.
var binary = sync.OnceValues(build)

// buildFolder is where build puts the program. TestMain removes it.
var buildFolder = filepath.Join(os.TempDir(), fmt.Sprintf("postern-test-%d", os.Getpid()))

func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(buildFolder); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// build makes the program, with the race detector when the tests have it.
func build() (string, error) {
	path := filepath.Join(buildFolder, "postern")
	args := []string{"build", "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "-race" && setting.Value == "true" {
				args = append(args, "-race")
			}
		}
	}
	out, err := exec.Command("go", append(args, "../cmd/postern")...).CombinedOutput()
	if err != nil {
		return "", errors.Join(fmt.Errorf("build: %w", err), errors.New(string(out)))
	}
	return path, nil
}

// database is one of the two that Postern runs on.
type database struct {
	name string
	// create returns the URL of a new one; "" is SQLite in the data folder.
	create func(t testing.TB) string
}

func databases() []database {
	return []database{
		{"SQLite", func(testing.TB) string { return "" }},
		{"PostgreSQL", servers.Postgres},
	}
}

// await returns when condition holds, and fails the test when that takes too
// long.
func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	given := time.NewTimer(patience)
	defer given.Stop()
	for !condition() {
		select {
		case <-again.C:
		case <-given.C:
			t.Fatalf("in %v it did not come to this: %s", patience, what)
		}
	}
}
