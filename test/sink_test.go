//go:build unix

package test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// sink is an SMTP server that takes every mail and remembers each delivery.
type sink struct {
	host string
	port int

	mu         sync.Mutex
	epoch      int
	sessions   int
	deliveries map[string][]delivery // by message id
	codes      map[string]string     // by recipient, of the newest mail
	broken     []error
}

// delivery is one time that the sink took a message.
type delivery struct{ epoch int }

// startSink starts a sink and stops it with the test.
func startSink(t testing.TB) *sink {
	t.Helper()
	s := &sink{deliveries: map[string][]delivery{}, codes: map[string]string{}}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sessions++
		return &sinkSession{sink: s}, nil
	}))
	server.Domain = "sink.test"
	server.EnableSMTPUTF8 = true
	server.MaxRecipients = 1
	server.ErrorLog = log.New(io.Discard, "", 0) // of connections that the tests break
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.host = host
	if s.port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the sink: %v", err)
		}
		_ = listener.Close() // the server does not know it before it serves
		if err := <-served; err != nil {
			t.Errorf("the sink ended with: %v", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, err := range s.broken {
			t.Errorf("a mail that the sink got: %v", err)
		}
	})
	return s
}

// config returns the settings of a connector that sends to the sink.
func (s *sink) config() map[string]any {
	return map[string]any{
		"host": s.host, "port": s.port, "auth": map[string]any{},
		"fromEmail": "Postern <no-reply@postern.test>",
	}
}

// kills tells the sink that the process that sends to it was killed: once its
// connections are gone, what comes is another process's.
func (s *sink) kills(t testing.TB) {
	t.Helper()
	await(t, "the killed process's connections are gone", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sessions == 0
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
}

// delivered returns how often each message came.
func (s *sink) delivered() map[string][]delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]delivery, len(s.deliveries))
	for id, list := range s.deliveries {
		all[id] = append([]delivery(nil), list...)
	}
	return all
}

// has reports whether a message came.
func (s *sink) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.deliveries[id]) > 0
}

// missing returns how many of these messages have not come.
func (s *sink) missing(ids []string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, id := range ids {
		if len(s.deliveries[id]) == 0 {
			n++
		}
	}
	return n
}

// code returns the code of the newest mail to a recipient, "" when there is
// none.
func (s *sink) code(to string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codes[to]
}

func (s *sink) take(to string, raw []byte) error {
	l, err := readLetter(raw)
	if err != nil {
		return fmt.Errorf("%w in:\n%s", err, raw)
	}
	messageID, err := l.header.MessageID()
	if err != nil {
		return fmt.Errorf("Message-ID: %w", err)
	}
	id, domain, _ := strings.Cut(messageID, "@")
	if domain != "postern.test" {
		return fmt.Errorf("Message-ID %q is not under the sender's domain", messageID)
	}
	code, ok := findCode(l.text)
	if !ok {
		return fmt.Errorf("no code in:\n%s", l.text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries[id] = append(s.deliveries[id], delivery{s.epoch})
	s.codes[to] = code
	return nil
}

// sinkSession is one connection.
type sinkSession struct {
	sink *sink
	to   string
}

func (s *sinkSession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(r); err != nil {
		return err // the sender broke off: not a delivery
	}
	if err := s.sink.take(s.to, raw.Bytes()); err != nil {
		s.sink.mu.Lock()
		defer s.sink.mu.Unlock()
		s.sink.broken = append(s.sink.broken, err)
	}
	return nil
}

func (s *sinkSession) Reset() { s.to = "" }

func (s *sinkSession) Logout() error {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.sessions--
	return nil
}
