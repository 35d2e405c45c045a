package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
)

// server is a process of postern serve.
type server struct {
	addr   string
	cmd    *exec.Cmd
	out    bytes.Buffer  // what it prints; complete after wait
	log    bytes.Buffer  // what it logs; complete after wait
	lines  chan logLine  // its log, as it is written
	logged chan struct{} // closed when the log has ended
}

// logLine is what tests look at in a line of the log.
type logLine struct{ Msg, Addr string }

// launch runs postern serve in dir, on a free port, and waits until it
// listens.
func launch(dir string, env []string, args ...string) (*server, error) {
	s := &server{lines: make(chan logLine, 1000), logged: make(chan struct{})}
	s.cmd = exec.Command("postern", append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout = dir, env, &s.out
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go s.follow(stderr)
	if line, ok := s.await("listening"); ok {
		s.addr = line.Addr
		return s, nil
	}
	return nil, fmt.Errorf("%w\n%s", s.wait(), s.log.String())
}

func (s *server) follow(stderr io.Reader) {
	defer close(s.logged)
	defer close(s.lines)
	scanner := bufio.NewScanner(io.TeeReader(stderr, &s.log))
	for scanner.Scan() {
		var line logLine
		if json.Unmarshal(scanner.Bytes(), &line) == nil {
			s.lines <- line
		}
	}
}

// await returns the next log line with a message; not ok when the log ends
// before.
func (s *server) await(message string) (logLine, bool) {
	for line := range s.lines {
		if line.Msg == message {
			return line, true
		}
	}
	return logLine{}, false
}

// wait waits for the process to end and returns how it did.
func (s *server) wait() error {
	<-s.logged
	return s.cmd.Wait()
}

// kill ends the process, if it still runs.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.wait()
}
