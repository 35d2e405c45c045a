package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout is how long a service may take until it is ready.
	startTimeout = 30 * time.Second
	// stopTimeout is how long it may take to go.
	stopTimeout = 20 * time.Second
	// askAgain is how long to wait between two looks at whether it is ready.
	askAgain = 2 * time.Millisecond
	// portTries is how often a start is tried again on another port.
	portTries = 3
)

// service is a process that is measured.
type service struct {
	pid    int // 0: not known
	addr   string
	apiKey string
	ready  time.Duration // from its start until it was ready

	cmd   *exec.Cmd // nil: somebody else's
	ended chan struct{}
	log   string // file
}

// serviceOptions say how to start one.
type serviceOptions struct {
	program  string
	environ  []string
	data     string // folder
	database string // PostgreSQL's URL; "": SQLite
	logLevel string
}

// startService starts a service and waits until it is ready. Ending ctx asks
// it to stop.
func startService(ctx context.Context, o serviceOptions) (*service, error) {
	var err error
	for range portTries {
		var s *service
		if s, err = startOnce(ctx, o); err == nil || !errors.Is(err, errPortTaken) {
			return s, err
		}
	}
	return nil, err
}

var errPortTaken = errors.New("the port was taken meanwhile")

func startOnce(ctx context.Context, o serviceOptions) (*service, error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s := &service{
		addr: addr, apiKey: "bench-" + rand.Text(), ended: make(chan struct{}),
		log: filepath.Join(o.data, "postern.log"),
	}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, fmt.Errorf("start the service: %w", err)
	}
	defer log.Close() // the child has its own
	s.cmd = exec.CommandContext(ctx, o.program, "serve", "--addr", addr, "--data", o.data, "--log-level", o.logLevel)
	s.cmd.Dir = o.data // where no settings file lies
	s.cmd.Stderr = log
	s.cmd.Env = append(withoutSettings(o.environ),
		"POSTERN_API_KEY="+s.apiKey, "POSTERN_ALLOW_PRIVATE_NETWORKS=true", "POSTERN_ALLOW_RESERVED_DOMAINS=true",
		"POSTERN_LOG_FORMAT=json")
	if o.database != "" {
		s.cmd.Env = append(s.cmd.Env, "POSTERN_DATABASE="+o.database) // not an argument: everybody can see those
	}
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = stopTimeout
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the service: %w", err)
	}
	s.pid = s.cmd.Process.Pid
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait() // ProcessState has it
	}()
	if err := s.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.ready = time.Since(begin)
	return s, nil
}

// freeAddr finds a port that nobody listens on.
func freeAddr(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return addr, nil
}

// withoutSettings takes Postern's settings out of an environment.
func withoutSettings(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		if !strings.HasPrefix(variable, "POSTERN_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func (s *service) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c := newClient(s.addr, s.apiKey)
	defer c.close()
	for !c.ready(ctx) {
		select {
		case <-s.ended:
			return s.obituary()
		case <-ctx.Done():
			return fmt.Errorf("the service did not become ready: %w%s", ctx.Err(), s.lastWords())
		case <-time.After(askAgain):
		}
	}
	return nil
}

// obituary says why the service is gone.
func (s *service) obituary() error {
	words := s.lastWords()
	if strings.Contains(words, "another program does") {
		return errPortTaken
	}
	if strings.Contains(words, secretsMissing) {
		return errors.New("the database is in use: give the benchmark an empty one, for example from createdb")
	}
	return fmt.Errorf("the service ended: %s%s", s.cmd.ProcessState, words)
}

// secretsMissing is part of what the service says when its database was made
// with another data folder's keys.
const secretsMissing = "the database is in use"

// lastWords are the last lines of the log.
func (s *service) lastWords() string {
	const shown = 2 << 10
	log, err := os.ReadFile(s.log)
	if err != nil || len(log) == 0 {
		return ""
	}
	return "\n" + strings.TrimSpace(string(log[max(0, len(log)-shown):]))
}

// stop asks the service to end, and waits for it; a process of somebody
// else's it leaves alone.
func (s *service) stop() error {
	if s.cmd == nil {
		return nil
	}
	select {
	case <-s.ended:
		return nil // said already
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = s.cmd.Process.Kill() // no such signal on this system
	}
	t := time.NewTimer(stopTimeout)
	defer t.Stop()
	select {
	case <-s.ended:
	case <-t.C:
		_ = s.cmd.Process.Kill() // gone already otherwise
		<-s.ended
		return fmt.Errorf("the service did not stop within %s and was killed", stopTimeout)
	}
	if !s.cmd.ProcessState.Success() {
		return s.obituary()
	}
	return nil
}
