package disposable_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/disposable"
)

// desk is a file that is followed, with its clock and its log.
type desk struct {
	t      *testing.T
	file   string
	now    time.Time
	log    bytes.Buffer
	source *disposable.Source
}

func newDesk(t *testing.T, text string) *desk {
	t.Helper()
	d := &desk{t: t, file: filepath.Join(t.TempDir(), "domains.txt"), now: time.Unix(1_700_000_000, 0)}
	d.write(text)
	source, err := disposable.Open(d.file, func() time.Time { return d.now }, slog.New(slog.NewTextHandler(&d.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d.source = source
	return d
}

// write changes the file, as of the clock.
func (d *desk) write(text string) {
	d.t.Helper()
	if err := os.WriteFile(d.file, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Chtimes(d.file, d.now, d.now); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) expect(domain string, want bool) {
	d.t.Helper()
	if got := d.source.Holds(domain); got != want {
		d.t.Errorf("Holds(%q) = %t, want %t", domain, got, want)
	}
}

func (d *desk) warnings(want int) {
	d.t.Helper()
	if got := strings.Count(d.log.String(), "level=WARN"); got != want {
		d.t.Errorf("%d warnings, want %d:\n%s", got, want, d.log.String())
	}
}

func TestSourceWithoutFileIsBuiltIn(t *testing.T) {
	t.Parallel()
	source, err := disposable.Open("", time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if !source.Holds("mailinator.com") || source.Holds("gmail.com") {
		t.Error("not the built-in list")
	}
}

func TestSourceTakesTheFileAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "a.com\n")
	d.expect("a.com", true)
	d.expect("mailinator.com", false)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	bad := filepath.Join(folder, "bad.txt")
	if err := os.WriteFile(bad, []byte("a.com\nsecret!\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(folder, "none.txt"): "none.txt",
		folder:                            "not a regular file",
		bad:                               bad + ": line 2: must be one domain, such as example.com",
	} {
		_, err := disposable.Open(file, time.Now, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}

func TestSourceFollowsItsFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "a.com\n")
	d.now = d.now.Add(time.Second)
	d.write("b.com\n") // of one size with the first
	d.now = d.now.Add(58 * time.Second)
	d.expect("b.com", false) // not yet due
	d.now = d.now.Add(time.Second)
	d.expect("b.com", true)
	d.expect("a.com", false)

	modified := d.now.Add(-59 * time.Second)
	d.write("a.com\nb.com\n") // as old as the last, and longer
	if err := os.Chtimes(d.file, modified, modified); err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(time.Minute)
	d.expect("a.com", true)

	d.now = d.now.Add(-time.Hour) // the clock is set back
	d.write("c.com\n")
	d.expect("c.com", true)
	d.warnings(0)
}

func TestSourceKeepsTheListWhenTheFileBreaks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "a.com\n")
	look := func() {
		d.now = d.now.Add(time.Minute)
		d.expect("a.com", true)
	}
	d.write("secret!\n")
	look()
	look()
	d.warnings(1)
	if strings.Contains(d.log.String(), "secret") {
		t.Error("the log shows what the file holds")
	}

	if err := os.Remove(d.file); err != nil {
		t.Fatal(err)
	}
	look()
	look()
	d.warnings(2)

	d.write("a.com\nb.com\n")
	look()
	d.expect("b.com", true)
	d.write("secret!\n")
	look()
	d.warnings(3) // what was mended is told again when it breaks
}

func TestSourceServesManyAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "a.com\nb.com\n")
	var clock sync.Mutex
	now := d.now
	source, err := disposable.Open(d.file, func() time.Time {
		clock.Lock()
		defer clock.Unlock()
		now = now.Add(10 * time.Second)
		return now
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() {
			for range 500 {
				if !source.Holds("a.com") {
					t.Error("a.com is on every version of the list")
					return
				}
			}
		})
	}
	next := filepath.Join(filepath.Dir(d.file), "next.txt")
	for i := range 50 {
		// Renamed into place, as an operator's script would.
		if err := os.WriteFile(next, []byte("a.com\n"+strings.Repeat("c.com\n", i)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, d.file); err != nil {
			t.Fatal(err)
		}
	}
	askers.Wait()
}
