package smtp

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

// allMechanisms is every way to sign in by password, strongest last.
func allMechanisms() []string {
	return []string{"LOGIN", "PLAIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	for i, mechanism := range allMechanisms() {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			// The server offers this one and all that are weaker.
			server := ct.NewSMTPServer(t, ct.SMTPOptions{Auth: allMechanisms()[:i+1], User: user, Pass: secret})
			mustSend(t, opened(t, server.Host, server.Port, object{"auth": login()}))
			if mails := server.Mails(); len(mails) != 1 || mails[0].Mechanism != mechanism {
				t.Errorf("mails %+v, want one, signed in by %s", mails, mechanism)
			}
			wrong := object{"type": "login", "user": user, "pass": "not the " + secret}
			e := fails(t, opened(t, server.Host, server.Port, object{"auth": wrong}), ct.Sample())
			if e.Class != connector.ConfigFault || e.Status != 535 || e.Enhanced != "5.7.8" {
				t.Errorf("a wrong password: class %s, status %d %s (%v)", e.Class, e.Status, e.Enhanced, e)
			}
		})
	}
}

// TestNoSignInNeeded: empty credentials are none, and a server without AUTH
// gets the mail all the same, as from nodemailer.
func TestNoSignInNeeded(t *testing.T) {
	t.Parallel()
	for _, auth := range []object{{"user": "", "pass": ""}, {"type": "login"}, {}, login()} {
		server := ct.NewSMTPServer(t, ct.SMTPOptions{})
		mustSend(t, opened(t, server.Host, server.Port, object{"auth": auth}))
	}
	server := ct.NewScriptServer(t, ct.Script{Acts: map[ct.Stage]ct.Act{ct.StageRcpt: ct.Say("550 5.7.1 relaying denied")}})
	e := fails(t, opened(t, server.Host, server.Port, object{"auth": login()}), ct.Sample())
	if !strings.Contains(e.Message, "not signed in") {
		t.Errorf("%q does not say why", e.Message)
	}
}

func TestSignInIsMissing(t *testing.T) {
	t.Parallel()
	server := ct.NewSMTPServer(t, ct.SMTPOptions{Auth: []string{"PLAIN"}, User: user, Pass: secret})
	e := fails(t, opened(t, server.Host, server.Port, nil), ct.Sample())
	if e.Class != connector.ConfigFault || e.Status != 530 {
		t.Errorf("class %s, status %d (%v); want config, 530", e.Class, e.Status, e)
	}
}

// remote is a connection that claims to lead to another machine.
type remote struct{ net.Conn }

func (remote) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 587}
}

func dialRemote(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := dialPlainly(ctx, network, address)
	return remote{conn}, err
}

// TestPasswordStaysOffPlainLines: over a line that others can read, nothing is
// sent that tells the password, unless the settings say so.
func TestPasswordStaysOffPlainLines(t *testing.T) {
	t.Parallel()
	host := connector.Host{Dial: dialRemote}
	for name, c := range map[string]struct {
		server ct.SMTPOptions
		more   object
		ok     bool
	}{
		"PLAIN":              {ct.SMTPOptions{Auth: []string{"PLAIN", "LOGIN"}}, nil, false},
		"LOGIN":              {ct.SMTPOptions{Auth: []string{"LOGIN"}}, nil, false},
		"PLAIN, ignoreTLS":   {ct.SMTPOptions{Auth: []string{"PLAIN"}}, object{"ignoreTLS": true}, true},
		"PLAIN over TLS":     {ct.SMTPOptions{Auth: []string{"PLAIN"}, TLS: ct.StartTLS}, nil, true},
		"SCRAM tells nobody": {ct.SMTPOptions{Auth: []string{"SCRAM-SHA-256", "PLAIN"}}, nil, true},
		"CRAM tells nobody":  {ct.SMTPOptions{Auth: []string{"CRAM-MD5", "PLAIN"}}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.server.User, c.server.Pass = user, secret
			server := ct.NewSMTPServer(t, c.server)
			more := object{"auth": login(), "tls": object{"ca": server.CA.PEM}}
			maps.Copy(more, c.more)
			conn := ct.Open(t, New(), config(t, server.Host, server.Port, more), host)
			if c.ok {
				mustSend(t, conn)
				return
			}
			if e := fails(t, conn, ct.Sample()); e.Class != connector.ConfigFault || !strings.Contains(e.Message, "not encrypted") {
				t.Errorf("class %s (%v), want config", e.Class, e)
			}
		})
	}
	t.Run("token", func(t *testing.T) {
		t.Parallel()
		server := ct.NewSMTPServer(t, ct.SMTPOptions{Auth: []string{"XOAUTH2"}, User: user, Pass: secret})
		auth := object{"user": user, "accessToken": secret}
		conn := ct.Open(t, New(), config(t, server.Host, server.Port, object{"auth": auth}), host)
		if e := fails(t, conn, ct.Sample()); e.Class != connector.ConfigFault {
			t.Errorf("class %s (%v), want config", e.Class, e)
		}
	})
}

func TestSCRAMIsBounded(t *testing.T) {
	t.Parallel()
	for challenge, want := range map[string]error{
		"r=abc,s=QUJD,i=1000000000":           errIterations,
		"r=abc,s=QUJD,i=99999999999999999999": errIterations,
		"r=abc,s=QUJD,i=0":                    errIterations,
		"r=abc,s=QUJD,i=-5":                   errIterations,
		"r=abc,s=QUJD,i=x":                    errIterations,
		"v=i=1000000000":                      nil,
	} {
		c := &credentials{user: user, pass: secret}
		_, err := c.exchange("SCRAM-SHA-256", "", "").Next([]byte(challenge), true)
		if errors.Is(err, errIterations) != (want != nil) {
			t.Errorf("%s: %v, want %v", challenge, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	server := ct.NewSMTPServer(t, ct.SMTPOptions{TLS: ct.StartTLS, Auth: []string{"PLAIN"}, User: user, Pass: secret})
	check := func(auth object) error {
		more := object{"auth": auth, "tls": object{"ca": server.CA.PEM}}
		checker, ok := opened(t, server.Host, server.Port, more).(connector.Checker)
		if !ok {
			t.Fatal("no connector.Checker")
		}
		return checker.Check(t.Context())
	}
	if err := check(login()); err != nil {
		t.Errorf("Check: %v", err)
	}
	err := check(object{"user": user, "pass": "not the " + secret})
	if e := ct.CheckError(t, err, secret); e.Class != connector.ConfigFault {
		t.Errorf("class %s (%v), want config", e.Class, e)
	}
	if n := len(server.Mails()); n != 0 {
		t.Errorf("Check sent %d mails", n)
	}
}
