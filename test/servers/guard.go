//go:build unix

package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// guard is a shell that owns one server. It takes orders line by line on its
// standard input and answers each with one line. The end of its input, which
// comes when the test process closes the pipe, exits, panics or is killed,
// makes it stop the server and remove its folder.
//
// A parent-death signal would not do: Linux ties it to the thread that started
// the child, and Go ends threads at will.
type guard struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
	folder  string
}

// answerOK is what a guard's script prints when it did as ordered.
const answerOK = "ok"

// logName is the file in a guard's folder where its script writes what the
// commands said.
const logName = "guard.log"

// startGuard runs script with sh as the user that cred names (nil: the
// caller). The script gets folder as $1 and args after it.
func startGuard(script, folder string, cred *syscall.Credential, prefix []string, args ...string) (*guard, error) {
	line := append(append([]string{}, prefix...), "sh", "-c", script, "guard", folder)
	line = append(line, args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = "/"
	// Own session: an interrupt typed at the terminal ends the tests, and only
	// then, through the pipe, the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: cred}
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open the guard's input: %w", err)
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open the guard's output: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	return &guard{cmd: cmd, orders: orders, answers: bufio.NewScanner(answers), folder: folder}, nil
}

// order has the script do word and waits until it is done.
func (g *guard) order(word string) error {
	if _, err := io.WriteString(g.orders, word+"\n"); err != nil {
		return fmt.Errorf("%s: the guard is gone: %w%s", word, err, g.log())
	}
	if !g.answers.Scan() {
		return fmt.Errorf("%s: the guard ended%s", word, g.log())
	}
	if answer := g.answers.Text(); answer != answerOK {
		return fmt.Errorf("%s: %s%s", word, answer, g.log())
	}
	return nil
}

// end stops the server, removes its folder and waits for both.
func (g *guard) end() error {
	closeErr := g.orders.Close()
	for g.answers.Scan() { // to the end of the output
	}
	return errors.Join(closeErr, g.cmd.Wait())
}

// log returns the last lines of what the server's commands said.
func (g *guard) log() string {
	return tail(filepath.Join(g.folder, logName))
}

// tail returns the last 40 lines of a file, on lines of their own.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > 40 {
		lines = lines[len(lines)-40:]
	}
	return "\n" + strings.Join(lines, "\n")
}
