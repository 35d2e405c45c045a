package connectortest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Stage is a point of an SMTP session at which a server can refuse or
// misbehave.
type Stage string

// The stages, in their order.
const (
	StageGreeting Stage = "greeting"
	StageHello    Stage = "hello"
	StageStartTLS Stage = "starttls"
	StageAuth     Stage = "auth"
	StageMail     Stage = "mail"
	StageRcpt     Stage = "rcpt"
	StageData     Stage = "data"    // the command
	StageContent  Stage = "content" // while the mail comes in
	StageEnd      Stage = "end"     // after the final dot
	StageQuit     Stage = "quit"
)

// TLSMode is how a server speaks TLS.
type TLSMode int

// The ways to speak TLS.
const (
	NoTLS TLSMode = iota
	StartTLS
	ImplicitTLS
)

// SMTPOptions say what an SMTPServer does.
type SMTPOptions struct {
	TLS TLSMode
	// Name is the name in the server's certificate; 127.0.0.1 when empty.
	Name string
	// ClientCert makes the server want a certificate of its own CA.
	ClientCert bool
	// MaxTLS is the newest version of TLS that the server speaks; 0 for any.
	MaxTLS uint16
	// Auth lists the mechanisms on offer: PLAIN, LOGIN, CRAM-MD5,
	// SCRAM-SHA-1, SCRAM-SHA-256, XOAUTH2. None: no AUTH.
	Auth []string
	// User and Pass are what AUTH takes; Pass is the token of XOAUTH2.
	User, Pass string
	// Token, if set, decides instead of Pass which tokens XOAUTH2 takes.
	Token func(token string) bool
	// UTF8 offers SMTPUTF8.
	UTF8 bool
	// Refuse holds the replies of the stages that fail: hello, auth, mail,
	// rcpt and end. "550 5.1.1 no such user", for example.
	Refuse map[Stage]string
	// Forget drops the mails that arrive, for benchmarks.
	Forget bool
}

// SMTPMail is one mail that an SMTPServer took.
type SMTPMail struct {
	From, To   string // of the envelope
	UTF8       bool   // SMTPUTF8 was asked for
	Body       string // the BODY parameter
	TLS        bool
	Hello      string // what EHLO said
	Mechanism  string // of AUTH, or ""
	Connection int    // 1 for the first one
	Raw        []byte
}

// SMTPServer is a real mail server on loopback that keeps what it gets.
type SMTPServer struct {
	Host string
	Port int
	// CA issued the server's certificate.
	CA *CA

	options     SMTPOptions
	connections atomic.Int64
	taken       atomic.Int64
	mu          sync.Mutex
	mails       []SMTPMail
}

// NewSMTPServer starts a server; it ends with the test.
func NewSMTPServer(t testing.TB, o SMTPOptions) *SMTPServer {
	t.Helper()
	s := &SMTPServer{Host: "127.0.0.1", CA: NewCA(t), options: o}
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain = "mx.example.test"
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = o.UTF8
	server.MaxLineLength = 2000
	server.ErrorLog = log.New(io.Discard, "", 0) // broken lines are what the tests are about
	plain, err := net.Listen("tcp", net.JoinHostPort(s.Host, "0"))
	must(t, err)
	_, port, err := net.SplitHostPort(plain.Addr().String())
	must(t, err)
	s.Port, err = strconv.Atoi(port)
	must(t, err)
	listener := plain
	if o.TLS != NoTLS {
		config := s.tls(t)
		if o.TLS == ImplicitTLS {
			listener = tls.NewListener(plain, config)
		} else {
			server.TLSConfig = config
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends by Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		_ = plain.Close()
		<-done
	})
	return s
}

func (s *SMTPServer) tls(t testing.TB) *tls.Config {
	name := s.options.Name
	if name == "" {
		name = s.Host
	}
	cert, _, _ := s.CA.Issue(t, name)
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: s.options.MaxTLS}
	if s.options.ClientCert {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, s.CA.pool()
	}
	return config
}

// Mails returns what arrived, oldest first.
func (s *SMTPServer) Mails() []SMTPMail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Taken returns how many mails arrived, forgotten ones included.
func (s *SMTPServer) Taken() int { return int(s.taken.Load()) }

// Connections returns how many connections reached EHLO; with STARTTLS each
// counts twice.
func (s *SMTPServer) Connections() int { return int(s.connections.Load()) }

// Arrived returns the mails to one address, for Case.Arrived.
func (s *SMTPServer) Arrived(t testing.TB, to string) []Mail {
	t.Helper()
	var found []Mail
	for _, m := range s.Mails() {
		if m.To != to {
			continue
		}
		parsed, err := ParseMail(m.Raw)
		must(t, err)
		found = append(found, parsed)
	}
	return found
}

func (s *SMTPServer) session(c *smtp.Conn) (smtp.Session, error) {
	n := s.connections.Add(1)
	if err := s.refusal(StageHello); err != nil {
		return nil, err
	}
	_, encrypted := c.TLSConnectionState()
	return &smtpSession{server: s, mail: SMTPMail{TLS: encrypted, Connection: int(n), Hello: c.Hostname()}}, nil
}

// refusal returns the reply for a stage as an error, or nil.
func (s *SMTPServer) refusal(at Stage) error {
	reply, ok := s.options.Refuse[at]
	if !ok {
		return nil
	}
	code, words, _ := strings.Cut(reply, " ")
	e := &smtp.SMTPError{EnhancedCode: smtp.NoEnhancedCode, Message: words}
	e.Code, _ = strconv.Atoi(code)
	if first, rest, _ := strings.Cut(words, " "); strings.Count(first, ".") == 2 {
		var x smtp.EnhancedCode
		if _, err := fmt.Sscanf(first, "%d.%d.%d", &x[0], &x[1], &x[2]); err == nil {
			e.EnhancedCode, e.Message = x, rest
		}
	}
	return e
}

// smtpSession is one connection of an SMTPServer.
type smtpSession struct {
	server *SMTPServer
	mail   SMTPMail // what is known of the next one
	authed bool
}

func (s *smtpSession) AuthMechanisms() []string { return s.server.options.Auth }

func (s *smtpSession) Auth(mechanism string) (sasl.Server, error) {
	if err := s.server.refusal(StageAuth); err != nil {
		return nil, err
	}
	if !slices.Contains(s.server.options.Auth, mechanism) {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	s.mail.Mechanism = mechanism
	return s.server.mechanism(mechanism, &s.authed)
}

func (s *smtpSession) Mail(from string, o *smtp.MailOptions) error {
	if len(s.server.options.Auth) > 0 && !s.authed {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.mail.From, s.mail.UTF8, s.mail.Body = from, o.UTF8, string(o.Body)
	return s.server.refusal(StageMail)
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	return s.server.refusal(StageRcpt)
}

func (s *smtpSession) Data(r io.Reader) error {
	s.server.taken.Add(1)
	if s.server.options.Forget {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return errors.New("broken off")
	}
	if err := s.server.refusal(StageEnd); err != nil {
		return err
	}
	m := s.mail
	m.Raw = raw
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, m)
	return nil
}

func (s *smtpSession) Reset()        {}
func (s *smtpSession) Logout() error { return nil }
