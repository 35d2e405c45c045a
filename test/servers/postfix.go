//go:build unix

package servers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Mailboxes of every Postfix made here.
const (
	// OpenDomain takes mail for every address, except those whose local part
	// begins with "unknown": 550 5.1.1.
	OpenDomain = "inbox.test"
	// ListedDomain has one mailbox only, ListedAddress; all others are refused
	// with 550 5.1.1.
	ListedDomain = "example.net"
	// ListedAddress is the one mailbox of ListedDomain.
	ListedAddress = "known@" + ListedDomain
)

// PostfixServer is a running Postfix that takes mail on two ports of the loopback
// interface, from authenticated clients over TLS only, for OpenDomain and
// ListedDomain. Mail for anywhere else is refused: nothing leaves the machine.
type PostfixServer struct {
	// Host is where it listens, an address that its certificate names, as it
	// does "localhost".
	Host string
	// Port speaks STARTTLS (submission).
	Port int
	// TLSPort speaks TLS from the first byte (submissions).
	TLSPort int
	// User and Password pass SMTP AUTH: PLAIN, LOGIN, CRAM-MD5, SCRAM.
	User, Password string
	// CA is the PEM of the authority that signed its certificate.
	CA string

	folder string
	guard  *guard
	policy *policy
}

// PostfixOption changes how a Postfix is set up.
type PostfixOption func(*postfixSettings)

type postfixSettings struct {
	sizeLimit, messageRate int
}

// SizeLimit refuses messages of more than so many bytes (552 5.3.4, RFC 1870).
func SizeLimit(bytes int) PostfixOption {
	return func(s *postfixSettings) { s.sizeLimit = bytes }
}

// MessageRate takes so many messages a minute from one client and answers
// 450 4.7.1 to more.
func MessageRate(perMinute int) PostfixOption {
	return func(s *postfixSettings) { s.messageRate = perMinute }
}

// Postfix starts a Postfix of its own for a test and ends it with the test.
// It shares nothing but the programs with the one that the machine may run.
//
// It needs root, by being it or through sudo without a password. With -short
// the test is skipped; without root or the programs it fails and says what is
// missing.
func Postfix(t testing.TB, options ...PostfixOption) *PostfixServer {
	t.Helper()
	if testing.Short() {
		t.Skip("a real Postfix is left out with -short")
	}
	prefix := asRoot(t)
	requirePrograms(t)
	settings := postfixSettings{sizeLimit: 10 << 20}
	for _, option := range options {
		option(&settings)
	}
	p := &PostfixServer{Host: "127.0.0.1", User: "mailer", Password: rand.Text(), policy: startPolicy(t)}
	authority := NewAuthority(t, postfixName, "localhost", p.Host)
	p.CA = authority.CA
	var err error
	if p.folder, err = os.MkdirTemp("", "postern-postfix-"); err != nil {
		t.Fatalf("make a folder for Postfix: %v", err)
	}
	owner := mailboxOwner(t)
	p.write(t, "tls/chain.pem", string(authority.keyPEM)+string(authority.certificatePEM))
	p.write(t, "config/mailboxes", mailboxMap)
	p.write(t, "config/main.cf", mainCF(p.folder, p.policy.listener.Addr().String(), owner, settings))
	p.write(t, "config/master.cf.in", masterCF(p.Host))
	p.write(t, "config/sasl/smtpd.conf", saslConf(p.folder))
	if p.guard, err = startGuard(postfixScript, p.folder, nil, prefix,
		owner.Uid+":"+owner.Gid, postfixName, p.User, p.Password); err != nil {
		t.Fatalf("Postfix for tests: %v", err)
	}
	t.Cleanup(func() { p.end(t) })
	p.choosePorts(t)
	return p
}

// choosePorts starts the server on free ports. Another process may take one
// between the choice and the start; then others are tried.
func (p *PostfixServer) choosePorts(t testing.TB) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		p.Port, p.TLSPort = freePort(t), freePort(t)
		err := p.start()
		if err == nil {
			return
		}
		if attempt == 5 || !strings.Contains(err.Error(), "Address already in use") {
			t.Fatalf("Postfix for tests: %v%s", err, p.Log())
		}
	}
}

// Refuse makes the server answer RCPT TO address with reply, which begins with
// a code ("450 4.2.0 Greylisted", "552 5.2.2 Mailbox full"), for the next so
// many times, or below zero until told otherwise.
func (p *PostfixServer) Refuse(t testing.TB, address, reply string, times int) {
	t.Helper()
	if err := p.policy.set(address, reply, times); err != nil {
		t.Fatalf("Refuse: %v", err)
	}
}

// Stop ends the server. Its ports, mailboxes and queue stay as they are.
func (p *PostfixServer) Stop(t testing.TB) {
	t.Helper()
	if err := p.guard.order("stop"); err != nil {
		t.Fatalf("stop Postfix: %v", err)
	}
}

// Start starts the server again after Stop, on the same ports.
func (p *PostfixServer) Start(t testing.TB) {
	t.Helper()
	if err := p.start(); err != nil {
		t.Fatalf("start Postfix: %v%s", err, p.Log())
	}
}

func (p *PostfixServer) start() error {
	return p.guard.order(fmt.Sprintf("start %d %d", p.Port, p.TLSPort))
}

// Log returns the last lines of the server's own log.
func (p *PostfixServer) Log() string { return tail(filepath.Join(p.folder, "log", "maillog")) }

func (p *PostfixServer) end(t testing.TB) {
	if t.Failed() {
		t.Logf("Postfix's log:%s", p.Log())
	}
	if err := p.guard.end(); err != nil {
		t.Errorf("end Postfix: %v", err)
	}
}

func (p *PostfixServer) write(t testing.TB, name, content string) {
	t.Helper()
	path := filepath.Join(p.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
	// Postfix waits for settings younger than some seconds, lest somebody is
	// still writing them.
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatalf("date %s: %v", name, err)
	}
}

// asRoot returns what to put before a command to run it as root.
func asRoot(t testing.TB) []string {
	t.Helper()
	if os.Geteuid() == 0 {
		return nil
	}
	prefix := []string{"sudo", "-n", "--"}
	if err := exec.Command(prefix[0], append(prefix[1:], "true")...).Run(); err != nil {
		t.Fatalf("a real Postfix needs root: run the tests as root or as a user whose sudo asks for no password, or leave it out with -short (%v)", err)
	}
	return prefix
}

// requirePrograms fails the test when Postfix or the SASL tools are missing.
func requirePrograms(t testing.TB) {
	t.Helper()
	for _, program := range []string{"postfix", "saslpasswd2"} {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		// Often not in an ordinary user's PATH.
		if _, err := os.Stat("/usr/sbin/" + program); err != nil {
			t.Fatalf("a real Postfix needs the program %s: run scripts/install-test-tools (Debian packages postfix, sasl2-bin, libsasl2-modules, libsasl2-modules-db)", program)
		}
	}
}

// mailboxOwner returns the user that mail is written as: ourselves, or for
// root, as whom Postfix refuses to deliver, nobody.
func mailboxOwner(t testing.TB) *user.User {
	t.Helper()
	owner, err := user.Current()
	if err == nil && owner.Uid == "0" {
		owner, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatalf("find whom to deliver mail as: %v", err)
	}
	return owner
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Fatalf("free a port: %v", err)
	}
	return number
}
