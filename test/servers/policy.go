//go:build unix

package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// policy answers Postfix's question for each recipient what to do with it
// (Postfix SMTPD_POLICY_README), so that a test changes the answer while the
// server runs.
type policy struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu    sync.Mutex
	rules map[string]*rule // by address in lower case
	open  map[net.Conn]struct{}
}

// rule is an answer to give some more times; below zero, for ever.
type rule struct {
	reply string
	times int
}

func startPolicy(t testing.TB) *policy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for Postfix's policy questions: %v", err)
	}
	p := &policy{listener: listener, rules: map[string]*rule{}, open: map[net.Conn]struct{}{}}
	p.serving.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *policy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.mu.Lock()
		p.open[conn] = struct{}{}
		p.mu.Unlock()
		p.serving.Go(func() { p.serve(conn) })
	}
}

func (p *policy) close() {
	// Errors of closing mean that it was closed already.
	_ = p.listener.Close()
	p.mu.Lock()
	for conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.serving.Wait()
}

// serve answers requests: lines of name=value, ended by an empty one.
func (p *policy) serve(conn net.Conn) {
	defer func() {
		p.mu.Lock()
		delete(p.open, conn)
		p.mu.Unlock()
		_ = conn.Close()
	}()
	recipient := ""
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "recipient="); ok {
			recipient = value
		}
		if lines.Text() != "" {
			continue
		}
		if _, err := fmt.Fprintf(conn, "action=%s\n\n", p.answer(recipient)); err != nil {
			return
		}
		recipient = ""
	}
}

func (p *policy) answer(recipient string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rules[strings.ToLower(recipient)]
	if r == nil || r.times == 0 {
		return "DUNNO"
	}
	r.times--
	return r.reply
}

func (p *policy) set(address, reply string, times int) error {
	if len(reply) < 4 || reply[0] != '4' && reply[0] != '5' || reply[3] != ' ' {
		return errors.New(`the answer must begin with a 4yz or 5yz code, like "450 4.2.0 Try later"`)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules[strings.ToLower(address)] = &rule{reply: reply, times: times}
	return nil
}
