//go:build unix

package test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// managementKey is the API key of every node started here.
const managementKey = "test-key-0123456789abcdef"

// nodeOptions say how to start a node.
type nodeOptions struct {
	data     string   // data folder
	database string   // PostgreSQL's URL; "" is SQLite
	env      []string // further variables
}

// node is one running process of postern serve.
type node struct {
	*client

	cmd   *exec.Cmd
	log   *record
	ended chan struct{} // closed when the process is gone
	err   error         // how it went; valid after ended
}

// startNode starts a node and waits until it is ready. It is killed with the
// test unless it has ended before.
func startNode(t testing.TB, o nodeOptions) *node {
	t.Helper()
	n := launch(t, o)
	n.awaitReady(t)
	return n
}

// launch starts a node without waiting for it.
func launch(t testing.TB, o nodeOptions) *node {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", o.data}
	if o.database != "" {
		args = append(args, "--database", o.database)
	}
	n := &node{cmd: exec.Command(program, args...), log: &record{}, ended: make(chan struct{})}
	n.cmd.Dir = t.TempDir() // where no settings file lies
	n.cmd.Env = append(clean(os.Environ()), append([]string{
		"POSTERN_API_KEY=" + managementKey,
		"POSTERN_ALLOW_PRIVATE_NETWORKS=true",
		"POSTERN_ALLOW_RESERVED_DOMAINS=true",
	}, o.env...)...)
	output, err := n.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go func() {
		defer close(n.ended)
		n.log.follow(output, listening)
		n.err = n.cmd.Wait() // after the last line: Wait closes the pipe
	}()
	t.Cleanup(func() {
		n.kill(t)
		if n.log.contains("WARNING: DATA RACE") {
			t.Error("the race detector has found something")
		}
		if t.Failed() {
			t.Logf("log of process %d:\n%s", n.cmd.Process.Pid, n.log)
		}
	})
	select {
	case addr := <-listening:
		n.client = newClient(t, addr)
	case <-n.ended:
		t.Fatalf("postern ended: %v", n.err)
	}
	return n
}

// clean returns the environment without settings of Postern.
func clean(env []string) []string {
	var out []string
	for _, variable := range env {
		if !strings.HasPrefix(variable, "POSTERN_") {
			out = append(out, variable)
		}
	}
	return out
}

func (n *node) awaitReady(t testing.TB) {
	t.Helper()
	await(t, "the node is ready", func() bool {
		select {
		case <-n.ended:
			t.Fatalf("postern ended: %v", n.err)
		default:
		}
		a, err := n.try(http.MethodGet, "/readyz", nil)
		return err == nil && a.status == http.StatusOK
	})
}

// kill ends the process at once (SIGKILL) and waits until it is gone.
func (n *node) kill(t testing.TB) {
	t.Helper()
	if err := n.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("kill: %v", err)
	}
	<-n.ended
}

// stop ends the process as an operator does (SIGTERM) and waits until it is
// gone. It must go in order.
func (n *node) stop(t testing.TB) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stop: %v", err)
	}
	<-n.ended
	if n.err != nil {
		t.Errorf("after SIGTERM postern ended with: %v", n.err)
	}
}

// record keeps a process's log.
type record struct {
	mu    sync.Mutex
	lines []string
}

// follow reads the log to its end and sends the address from the line that
// says where the process listens.
func (r *record) follow(output io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r.mu.Lock()
		r.lines = append(r.lines, lines.Text())
		r.mu.Unlock()
		var entry struct{ Msg, Addr string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "listening" {
			select {
			case listening <- entry.Addr:
			default:
			}
		}
	}
}

// contains reports whether any line of the log holds text.
func (r *record) contains(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// String returns the last lines, without the reading requests that tests make
// while they wait.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, line := range r.lines {
		if !strings.Contains(line, `"method":"GET"`) {
			lines = append(lines, line)
		}
	}
	const shown = 40
	return strings.Join(lines[max(0, len(lines)-shown):], "\n")
}
