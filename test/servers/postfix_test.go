//go:build unix

package servers_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-mail/postern/test/servers"
)

const sender = "sender@elsewhere.test"

func TestPostfix(t *testing.T) {
	t.Parallel()
	server := servers.Postfix(t)

	t.Run("delivers mail sent with STARTTLS and AUTH", func(t *testing.T) {
		t.Parallel()
		deliver(t, server, signIn(t, server), "ann@inbox.test")
	})
	t.Run("delivers mail sent with implicit TLS", func(t *testing.T) {
		t.Parallel()
		conn, err := tls.Dial("tcp", address(server.Host, server.TLSPort), trust(t, server))
		if err != nil {
			t.Fatal(err)
		}
		client := greet(t, conn)
		if err := client.Auth(plain(server, server.Password)); err != nil {
			t.Fatal(err)
		}
		deliver(t, server, client, "implicit@inbox.test")
	})
	t.Run("delivers to the listed mailbox", func(t *testing.T) {
		t.Parallel()
		deliver(t, server, signIn(t, server), servers.ListedAddress)
	})
	t.Run("keeps mailboxes apart", func(t *testing.T) {
		t.Parallel()
		deliver(t, server, signIn(t, server), "one@inbox.test")
		if mails := server.Read(t, "other@inbox.test"); len(mails) != 0 {
			t.Errorf("%d mails in a mailbox that none was sent to", len(mails))
		}
	})
	t.Run("has no other mailbox", func(t *testing.T) {
		t.Parallel()
		for _, to := range []string{"unknown@inbox.test", "unknown2@inbox.test", "stranger@example.net"} {
			wantReply(t, offer(signIn(t, server), to), 550, "5.1.1")
		}
	})
	t.Run("lets no mail out", func(t *testing.T) {
		t.Parallel()
		wantReply(t, offer(signIn(t, server), "someone@example.com"), 554, "5.7.1")
	})
	t.Run("refuses a wrong password", func(t *testing.T) {
		t.Parallel()
		client := startTLS(t, server)
		wantReply(t, client.Auth(plain(server, "wrong")), 535, "5.7.8")
	})
	t.Run("refuses mail without AUTH", func(t *testing.T) {
		t.Parallel()
		wantReply(t, offer(startTLS(t, server), "ann@inbox.test"), 554, "5.7.1")
	})
	t.Run("wants TLS before anything else", func(t *testing.T) {
		t.Parallel()
		client := dial(t, server)
		if offered, _ := client.Extension("AUTH"); offered {
			t.Error("AUTH is offered without TLS")
		}
		wantReply(t, offer(client, "ann@inbox.test"), 530, "5.7.0")
	})
	t.Run("offers every mechanism", func(t *testing.T) {
		t.Parallel()
		_, mechanisms := startTLS(t, server).Extension("AUTH")
		for _, want := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"} {
			if !strings.Contains(" "+mechanisms+" ", " "+want+" ") {
				t.Errorf("%s is not among %q", want, mechanisms)
			}
		}
		// The secret must be stored in a form that serves challenges too.
		if err := startTLS(t, server).Auth(smtp.CRAMMD5Auth(server.User, server.Password)); err != nil {
			t.Error(err)
		}
	})
	t.Run("answers as told, so often", func(t *testing.T) {
		t.Parallel()
		server.Refuse(t, "Grey@inbox.test", "450 4.2.0 Greylisted", 2)
		for range 2 {
			wantReply(t, offer(signIn(t, server), "grey@inbox.test"), 450, "4.2.0")
		}
		deliver(t, server, signIn(t, server), "grey@inbox.test")

		server.Refuse(t, "full@inbox.test", "552 5.2.2 Mailbox full", -1)
		for range 3 {
			wantReply(t, offer(signIn(t, server), "full@inbox.test"), 552, "5.2.2")
		}
	})
}

func TestPostfixSizeLimit(t *testing.T) {
	t.Parallel()
	server := servers.Postfix(t, servers.SizeLimit(20_000))
	wantReply(t, send(signIn(t, server), "ann@inbox.test", strings.Repeat("0123456789\r\n", 2_000)), 552, "5.3.4")
}

func TestPostfixMessageRate(t *testing.T) {
	t.Parallel()
	server := servers.Postfix(t, servers.MessageRate(2))
	client := signIn(t, server)
	for range 2 {
		if err := send(client, "ann@inbox.test", "Subject: quick\r\n\r\none\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	wantReply(t, send(client, "ann@inbox.test", "Subject: quick\r\n\r\none\r\n"), 450, "4.7.1")
}

func TestPostfixStopsAndStartsAgain(t *testing.T) {
	t.Parallel()
	server := servers.Postfix(t)
	deliver(t, server, signIn(t, server), "before@inbox.test")
	for range 2 {
		server.Stop(t)
		if conn, err := net.Dial("tcp", address(server.Host, server.Port)); err == nil {
			_ = conn.Close()
			t.Fatal("it still listens")
		}
		server.Start(t)
	}
	deliver(t, server, signIn(t, server), "after@inbox.test")
	if mails := server.Read(t, "before@inbox.test"); len(mails) != 1 {
		t.Errorf("%d mails from before", len(mails))
	}
}

// deliver sends one mail and reads it from the mailbox.
func deliver(t *testing.T, server *servers.PostfixServer, client *smtp.Client, to string) {
	t.Helper()
	subject := "for " + to
	body := fmt.Sprintf("From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\n\r\nThe text.\r\n", sender, to, subject)
	if err := send(client, to, body); err != nil {
		t.Fatal(err)
	}
	m := server.WaitFor(t, t.Context(), to)
	got, err := m.Header.Subject()
	if err != nil || got != subject || m.From != sender || m.To != to || m.Text != "The text.\n" {
		t.Errorf("subject %q (%v), from %q, to %q, text %q", got, err, m.From, m.To, m.Text)
	}
}

// offer names sender and recipient and returns the first refusal.
func offer(client *smtp.Client, to string) error {
	if err := client.Mail(sender); err != nil {
		return err
	}
	return client.Rcpt(to)
}

func send(client *smtp.Client, to, body string) error {
	if err := offer(client, to); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(body)); err != nil {
		return err
	}
	return w.Close()
}

func wantReply(t *testing.T, err error, code int, enhanced string) {
	t.Helper()
	reply, ok := errors.AsType[*textproto.Error](err)
	if !ok || reply.Code != code || !strings.HasPrefix(reply.Msg, enhanced+" ") {
		t.Errorf("answer %v, want %d %s", err, code, enhanced)
	}
}

// signIn opens a connection over which mail may be sent.
func signIn(t *testing.T, server *servers.PostfixServer) *smtp.Client {
	t.Helper()
	client := startTLS(t, server)
	if err := client.Auth(plain(server, server.Password)); err != nil {
		t.Fatal(err)
	}
	return client
}

func startTLS(t *testing.T, server *servers.PostfixServer) *smtp.Client {
	t.Helper()
	client := dial(t, server)
	if err := client.StartTLS(trust(t, server)); err != nil {
		t.Fatal(err)
	}
	return client
}

func dial(t *testing.T, server *servers.PostfixServer) *smtp.Client {
	t.Helper()
	conn, err := net.Dial("tcp", address(server.Host, server.Port))
	if err != nil {
		t.Fatal(err)
	}
	return greet(t, conn)
}

func greet(t *testing.T, conn net.Conn) *smtp.Client {
	t.Helper()
	client, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		t.Fatal(err)
	}
	// The server may have closed it already.
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func trust(t *testing.T, server *servers.PostfixServer) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(server.CA)) {
		t.Fatal("CA is not a PEM certificate")
	}
	return &tls.Config{RootCAs: roots, ServerName: server.Host, MinVersion: tls.VersionTLS12}
}

func plain(server *servers.PostfixServer, password string) smtp.Auth {
	return smtp.PlainAuth("", server.User, password, "localhost")
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
