package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const testKey = "a-key-for-these-tests"

// startServer runs postern serve on a new data folder.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	env := []string{"PATH=" + os.Getenv("PATH"), "POSTERN_API_KEY=" + testKey}
	s, err := launch(t.TempDir(), env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

// request is one whose body is sent in two parts, so that it is under way
// between them.
type request struct {
	conn net.Conn
	rest string
}

// beginRequest asks for a code, and sends all but the end of the body.
func beginRequest(t *testing.T, s *server) *request {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	const begin, rest = `{"email":`, `"ann@example.com"}`
	head := fmt.Sprintf("POST /api/verification-codes HTTP/1.1\r\nHost: postern\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", testKey, len(begin)+len(rest))
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	// The server says so when it begins to read the body: it is under way.
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	answer := make([]byte, len(goOn))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != goOn {
		t.Fatalf("the server does not read the body: %q, %v", answer, err)
	}
	if _, err := io.WriteString(conn, begin); err != nil {
		t.Fatal(err)
	}
	return &request{conn: conn, rest: rest}
}

// end sends the rest and returns the answer's status.
func (r *request) end(t *testing.T) int {
	t.Helper()
	if _, err := io.WriteString(r.conn, r.rest); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(r.conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func (s *server) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func (s *server) mustLog(t *testing.T, message string) {
	t.Helper()
	if _, ok := s.await(message); !ok {
		t.Fatalf("%v without the line %q:\n%s", s.wait(), message, s.log.String())
	}
}

func TestStopWaitsForRequestsUnderWay(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := startServer(t, "--shutdown-timeout", "1m")
			r := beginRequest(t, s)
			s.signal(t, sig)
			s.mustLog(t, "stopping; a second signal ends at once")
			if got := r.end(t); got != http.StatusNoContent {
				t.Errorf("the request under way got %d, want 204", got)
			}
			s.mustLog(t, "stopped")
			if err := s.wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
			if conn, err := net.Dial("tcp", s.addr); err == nil {
				_ = conn.Close()
				t.Error("it still listens")
			}
		})
	}
}

func TestStopDoesNotWaitLongerThanItMay(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--shutdown-timeout", "100ms")
	beginRequest(t, s)
	s.signal(t, syscall.SIGTERM)
	s.mustLog(t, "requests are cut short: the time to stop is over")
	if err := s.wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--shutdown-timeout", "1h")
	beginRequest(t, s)
	s.signal(t, syscall.SIGTERM)
	s.mustLog(t, "stopping; a second signal ends at once")
	s.signal(t, syscall.SIGTERM)
	var ended *exec.ExitError
	if err := s.wait(); !errors.As(err, &ended) {
		t.Fatalf("it ended with %v", err)
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, not by the signal", ended)
	}
}

func TestListeningBeyondThisMachineWarnsOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--addr", "0.0.0.0:0")
	s.signal(t, syscall.SIGTERM)
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(s.log.String(), `"level":"WARN"`); got != 1 || !strings.Contains(s.log.String(), "without TLS") {
		t.Errorf("%d warnings, want one that there is no TLS:\n%s", got, s.log.String())
	}
	local := startServer(t)
	local.signal(t, syscall.SIGTERM)
	if err := local.wait(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(local.log.String(), "WARN") {
		t.Errorf("a warning on loopback:\n%s", local.log.String())
	}
}

// The listener refuses headers over 64 KiB, whatever the handler would do.
func TestHugeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	req, err := http.NewRequest(http.MethodGet, "http://"+s.addr+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ size, want int }{
		{60 << 10, http.StatusOK},
		{80 << 10, http.StatusRequestHeaderFieldsTooLarge},
	} {
		req.Header.Set("X-Filler", strings.Repeat("x", test.size))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != test.want {
			t.Errorf("a header of %d bytes: status %d, want %d", test.size, res.StatusCode, test.want)
		}
	}
}
