package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
)

// TestMain removes what buildOnce made.
func TestMain(m *testing.M) {
	code := m.Run()
	if folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

var (
	folder    string
	buildOnce = sync.OnceValues(func() (path string, err error) {
		if folder, err = os.MkdirTemp("", "postern-bench-test-"); err != nil {
			return "", err
		}
		path = filepath.Join(folder, "postern")
		build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "../../cmd/postern")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return path, err
	})
)

// program builds postern.
func program(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("building the program is left out with -short")
	}
	path, err := buildOnce()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return path
}

// small is a benchmark that is over soon.
func small(o Options) Options {
	o.Count, o.Callers, o.WarmUp, o.Verify = 50, 4, 5, 1000
	o.Rate, o.SlowRate, o.Duration = 100, 50, 200*time.Millisecond
	o.Environ = os.Environ()
	return o
}

// The whole thing, on a small scale: every code is accepted, comes once and is
// right, and nothing is left behind.
func TestMeasureTheService(t *testing.T) {
	t.Parallel()
	o := small(Options{Program: program(t), DataParent: t.TempDir()})
	var told []string
	o.Progress = func(p Progress) { told = append(told, p.What) }
	r, err := Measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Sound() {
		t.Errorf("the report is not sound: %+v", r.Runs)
	}
	counts := map[Part]int{Delivery: 10, Accept: 20, Throughput: 50}
	if len(r.Runs) != len(counts) {
		t.Errorf("%d runs", len(r.Runs))
	}
	for _, run := range r.Runs {
		if run.Count != counts[run.Part] || run.Verified != run.Count || run.PerSecond <= 0 || run.Accept.P50 <= 0 || run.Whole.P50 <= 0 {
			t.Errorf("%+v", run)
		}
	}
	want := 4 // figures that need no /proc
	if _, err := usageOf(os.Getpid()); err == nil {
		want = 6
	}
	if len(r.Figures) != want || len(r.Starts) != starts || r.Database != sqliteName {
		t.Errorf("%d starts on %s, figures %+v", len(r.Starts), r.Database, r.Figures)
	}
	for _, f := range r.Figures {
		if f.Measured < 0 || f.Name == "" || f.Unit == "" {
			t.Errorf("%+v", f)
		}
	}
	if all := strings.Join(told, " "); !strings.Contains(all, "starting") || !strings.Contains(all, string(Throughput)) {
		t.Errorf("told of %s", all)
	}
	if left, err := os.ReadDir(o.DataParent); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A service that runs already keeps running, with the connector that it had.
func TestMeasureARunningService(t *testing.T) {
	t.Parallel()
	s, err := startService(t.Context(), serviceOptions{
		program: program(t), environ: os.Environ(), data: t.TempDir(), logLevel: "warn",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	admin := newClient(s.addr, s.apiKey)
	defer admin.close()
	var before, after []usedConnector
	if err := admin.call(t.Context(), http.MethodGet, "/api/connectors", nil, &before); err != nil {
		t.Fatal(err)
	}
	o := small(Options{URL: "http://" + s.addr, APIKey: connector.Secret(s.apiKey), PID: s.pid, Only: []Part{Throughput}})
	r, err := Measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Sound() || len(r.Runs) != 1 || r.Runs[0].Verified != 50 {
		t.Errorf("%+v", r.Runs)
	}
	if err := admin.call(t.Context(), http.MethodGet, "/api/connectors", nil, &after); err != nil {
		t.Fatal(err)
	}
	if len(before) != 1 || len(after) != 1 || after[0].FactoryID != before[0].FactoryID || string(after[0].Config) != string(before[0].Config) {
		t.Errorf("connectors %s before and %s after", before, after)
	}
}

func TestMeasureSaysWhyAServiceDidNotStart(t *testing.T) {
	t.Parallel()
	o := small(Options{Program: program(t), DataParent: t.TempDir(), LogLevel: "loud"})
	if _, err := Measure(t.Context(), o); err == nil || !strings.Contains(err.Error(), "loud") {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(o.DataParent); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A connector that somebody set up is not taken out of service.
func TestMeasureLeavesOtherConnectorsAlone(t *testing.T) {
	t.Parallel()
	f := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		_, _ = w.Write([]byte(`[{"connectorId":"simple-mail-transfer-protocol","id":"x","config":{}}]`))
	}))
	defer f.Close()
	_, err := Measure(t.Context(), small(Options{URL: f.URL, APIKey: "key"}))
	if err == nil || !strings.Contains(err.Error(), "simple-mail-transfer-protocol") {
		t.Errorf("%v", err)
	}
}

func TestWithoutSettings(t *testing.T) {
	t.Parallel()
	got := withoutSettings([]string{"PATH=/bin", "POSTERN_DATABASE=postgres://production", "HOME=/"})
	if strings.Join(got, " ") != "PATH=/bin HOME=/" {
		t.Errorf("%q", got)
	}
}
