//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postern-mail/postern/connector/connectortest"
)

// TestMain lets the tests run the program under a name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mailer": main})
}

const managementKey = "a-key-for-the-example"

// The whole way of a code through the connector of one's own: the program
// starts, is told to use it, is asked for a code, hands it to the provider,
// and finds it right.
func TestCodeThroughPigeon(t *testing.T) {
	t.Parallel()
	mails := make(chan connectortest.Request, 10)
	provider := connectortest.NewProvider(t, func(r connectortest.Request) connectortest.Answer {
		mails <- r
		return connectortest.Answer{Body: `{"id": "p-1"}`}
	})
	base := serve(t)

	call(t, http.MethodPost, base+"/api/connectors", `{"connectorId": "pigeon-email", "config": {
		"apiKey": "pigeon_0123456789abcdef", "fromEmail": "no-reply@auth.example.com", "endpoint": "`+provider.URL+`"}}`, http.StatusOK)
	call(t, http.MethodPost, base+"/api/verification-codes", `{"email": "ann@example.com"}`, http.StatusNoContent)

	sent := <-mails // hangs, and so fails, if nothing comes
	var mail struct{ To, Text string }
	if err := json.Unmarshal(sent.Body, &mail); err != nil || mail.To != "ann@example.com" || sent.Path != "/v1/emails" {
		t.Fatalf("the provider got %s %s", sent.Path, sent.Body)
	}
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(mail.Text)
	call(t, http.MethodPost, base+"/api/verification-codes/verify", `{"email": "ann@example.com", "verificationCode": "`+code+`"}`, http.StatusNoContent)
}

// Commands know the connector too.
func TestListShowsPigeon(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "mailer", "connectors", "list").Output()
	if err != nil || !strings.Contains(string(out), "\npigeon-email ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// serve starts the program and returns the base URL of its API. It is stopped
// with the test, and must end well.
func serve(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("mailer", "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir())
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "POSTERN_API_KEY="+managementKey,
		"POSTERN_ALLOW_PRIVATE_NETWORKS=true", "POSTERN_ALLOW_RESERVED_DOMAINS=true")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening, ended := make(chan string, 1), make(chan string, 1)
	go func() {
		var all strings.Builder
		scanner := bufio.NewScanner(io.TeeReader(log, &all))
		for scanner.Scan() {
			var line struct{ Msg, Addr string }
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line.Msg == "listening" {
				listening <- line.Addr
			}
		}
		ended <- all.String()
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		text := <-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended: %v", err)
		}
		if t.Failed() {
			t.Logf("its log:\n%s", text)
		}
	})
	select {
	case addr := <-listening:
		return "http://" + addr
	case text := <-ended:
		ended <- text
		t.Fatalf("the program does not listen:\n%s", text)
		return ""
	}
}

// call calls the API and wants this status.
func call(t *testing.T, method, url, body string, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+managementKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, url, res.StatusCode, want, answer)
	}
}
