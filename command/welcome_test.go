package command

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/config"
)

const firstGreeting = `
Postern is ready. Your API key, shown this once:

  postern_abc

# Ask for a code:
curl -i http://127.0.0.1:3001/api/verification-codes \
  -H 'Content-Type: application/json' -d '{"email":"ann@example.com"}' \
  -H 'Authorization: Bearer postern_abc'

# The mail is in the inbox, until you set up a connector;
# /api/inbox/{id} shows one whole, with the code:
curl http://127.0.0.1:3001/api/inbox \
  -H 'Authorization: Bearer postern_abc'

`

const laterGreeting = `
Postern is ready at http://127.0.0.1:3001

  data      /srv/my data (SQLite)
  inbox     http://127.0.0.1:3001/api/inbox
  API       http://127.0.0.1:3001/api/openapi.json
  figures   http://127.0.0.1:3001/metrics
  new key   postern keys create --name laptop --data '/srv/my data'

# Ask for a code:
curl -i http://127.0.0.1:3001/api/verification-codes \
  -H 'Content-Type: application/json' -d '{"email":"ann@example.com"}' \
  -H "Authorization: Bearer $POSTERN_API_KEY"

# The mail is in the inbox, until you set up a connector;
# /api/inbox/{id} shows one whole, with the code:
curl http://127.0.0.1:3001/api/inbox \
  -H "Authorization: Bearer $POSTERN_API_KEY"

`

func TestGreeting(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:3001"
	if got := greeting(config.Settings{Data: "./data"}, url, "postern_abc", false); got != firstGreeting {
		t.Errorf("first start: got %s", got)
	}
	if got := greeting(config.Settings{Data: "/srv/my data"}, url, "", false); got != laterGreeting {
		t.Errorf("later start: got %s", got)
	}
	on := greeting(config.Settings{Data: "./data"}, url, "postern_abc", true)
	if !strings.Contains(on, "\x1b[1;32mpostern_abc\x1b[0m") {
		t.Errorf("the key does not stand out: %q", on)
	}
	for line := range strings.Lines(on) {
		if strings.Contains(line, "\x1b") && strings.Contains(line, "curl") {
			t.Errorf("colours in what is to be pasted: %q", line)
		}
	}
}

// A real key leaves each line within 80 columns, so that a terminal of the
// usual width breaks none.
func TestGreetingFitsATerminal(t *testing.T) {
	t.Parallel()
	key := "postern_" + strings.Repeat("x", 43)
	for line := range strings.Lines(greeting(config.Settings{Data: "./data"}, "http://127.0.0.1:3001", key, false)) {
		if n := len(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestLocalURL(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:3001": "http://127.0.0.1:3001",
		"0.0.0.0:80":     "http://127.0.0.1:80",
		"[::]:80":        "http://127.0.0.1:80",
		"[::1]:3001":     "http://[::1]:3001",
		"192.0.2.7:3001": "http://192.0.2.7:3001",
	} {
		at, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := localURL(at); got != want {
			t.Errorf("%s is reached at %s, want %s", addr, got, want)
		}
	}
}

// A shell reads back each word as it was.
func TestShellWord(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh")
	}
	for _, word := range []string{"", "./data", "/srv/my data", "it's", "$HOME", "~", "a;b", "`x`", "ünï", "--x=*", "a\\b", "\"q\""} {
		got, err := exec.Command(shell, "-c", "printf %s "+shellWord(word)).Output()
		if err != nil || string(got) != word {
			t.Errorf("%q comes back as %q (%v)", word, got, err)
		}
	}
	if got := shellWord("/var/lib/postern-1.0"); got != "/var/lib/postern-1.0" {
		t.Errorf("a plain path is quoted: %s", got)
	}
}
