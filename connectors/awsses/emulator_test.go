package awsses

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
	"github.com/postern-mail/postern/test/servers"
)

// startEmulator starts the emulator of Amazon SES that package-lock.json pins
// and returns its URL. It ends with the pipe to it, however the test does.
func startEmulator(t *testing.T) string {
	t.Helper()
	const script = `process.stdin.resume().on("end", () => process.exit(0));
		require("aws-ses-v2-local").default({host: "127.0.0.1", port: 0}).then(s => console.log("http://127.0.0.1:" + s.address().port))`
	cmd := exec.CommandContext(t.Context(), "node", "-e", script)
	cmd.Env = append(cmd.Environ(), "NODE_PATH="+servers.NodeModules(t, "testdata/emulator"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // it was told to end
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the emulator does not start: %v\n%s", err, stderr.String())
	}
	return strings.TrimSpace(url)
}

// TestEmulator sends to an emulator that AWS's users test with, and looks at
// what it keeps.
func TestEmulator(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs node and npm")
	}
	url := startEmulator(t)
	opened := ct.Open(t, New(), config(url), connector.Host{})
	ids := map[string]string{}
	for name, m := range ct.Fixtures() {
		receipt, err := opened.Send(t.Context(), m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ids[receipt.ProviderID] = name
	}
	if len(ids) != len(ct.Fixtures()) {
		t.Errorf("%d ids", len(ids))
	}
	for _, kept := range stored(t, url) {
		m := ct.Fixtures()[ids[kept.MessageID]]
		to, from, replyTo := m.To, "no-reply@auth.example.com", "help@example.com"
		if ids[kept.MessageID] == "unicode" {
			to = "ann@xn--bcher-kva.example"
		}
		if m.From.Address != "" {
			from = m.From.Address
		}
		if m.ReplyTo.Address != "" {
			replyTo = m.ReplyTo.Address
		}
		if kept.Subject != m.Subject || kept.Body.HTML != m.HTML || kept.Body.Text != m.Text ||
			len(kept.Destination.To) != 1 || kept.Destination.To[0] != to || len(kept.ReplyTo) != 1 ||
			ct.ParseMailbox(t, kept.ReplyTo[0]).Address != replyTo || ct.ParseMailbox(t, kept.From).Address != from {
			t.Errorf("%s: the emulator keeps %+v", ids[kept.MessageID], kept)
		}
		delete(ids, kept.MessageID)
	}
	if len(ids) > 0 {
		t.Errorf("lost: %v", ids)
	}
}

// email is what the emulator keeps of a mail.
type email struct {
	MessageID   string `json:"messageId"`
	From        string
	ReplyTo     []string
	Destination struct{ To []string }
	Subject     string
	Body        struct{ HTML, Text string }
}

func stored(t *testing.T, url string) []email {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/store", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var store struct{ Emails []email }
	if err := json.NewDecoder(res.Body).Decode(&store); err != nil {
		t.Fatal(err)
	}
	return store.Emails
}
