//go:build unix

package test

import (
	"context"
	"fmt"
	"testing"

	"github.com/postern-mail/postern/test/servers"
)

// postfixConfig returns the settings of a connector that sends through server
// with STARTTLS and AUTH, as an administrator would enter them.
func postfixConfig(server *servers.PostfixServer, password string) map[string]any {
	return map[string]any{
		"host": server.Host, "port": server.Port, "secure": false, "requireTLS": true,
		"auth":      map[string]any{"user": server.User, "pass": password},
		"tls":       map[string]any{"ca": server.CA},
		"fromEmail": "Postern <no-reply@postern.test>",
	}
}

// fetchCode reads the code from the mailbox of address.
func fetchCode(t *testing.T, server *servers.PostfixServer, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m := server.WaitFor(t, ctx, address)
	if m.From != "no-reply@postern.test" {
		t.Errorf("envelope sender %q", m.From)
	}
	return codeIn(t, wantProperMail(t, m.Raw, "", address).text)
}

// Codes through a real mail server, on both databases.
func TestThroughPostfix(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			server := servers.Postfix(t)
			n := startNode(t, nodeOptions{data: t.TempDir(), database: db.create(t)})
			n.useSMTP(t, postfixConfig(server, server.Password))

			addresses := []string{servers.ListedAddress, "o'hara+tag@inbox.test", "grüße@inbox.test"}
			for i := range 10 {
				addresses = append(addresses, fmt.Sprintf("user%d@inbox.test", i))
			}
			ids := make([]string, len(addresses))
			for i, address := range addresses {
				ids[i] = n.askCode(t, address)
			}
			for i, address := range addresses {
				code := fetchCode(t, server, address)
				n.wantVerified(t, address, code)
				n.wantRefused(t, address, code, "verification_code.not_found")
				n.awaitStatus(t, ids[i], "sent")
				if mails := server.Read(t, address); len(mails) != 1 {
					t.Errorf("%d mails for %s", len(mails), address)
				}
			}
			if n.log.contains(server.Password) {
				t.Error("the password is in the log")
			}
		})
	}
}

func TestImplicitTLS(t *testing.T) {
	t.Parallel()
	server := servers.Postfix(t)
	n := startNode(t, nodeOptions{data: t.TempDir()})
	config := postfixConfig(server, server.Password)
	config["port"], config["secure"] = server.TLSPort, true
	delete(config, "requireTLS")
	n.useSMTP(t, config)
	n.askCode(t, "ann@inbox.test")
	n.wantVerified(t, "ann@inbox.test", fetchCode(t, server, "ann@inbox.test"))
}

// What a mail server refuses ends in the class that says what to do about it.
func TestPostfixRefuses(t *testing.T) {
	t.Parallel()
	server := servers.Postfix(t)
	server.Refuse(t, "closed@inbox.test", "550 5.2.1 Mailbox disabled", -1)
	server.Refuse(t, "full@inbox.test", "552 5.2.2 Mailbox full", 1)
	server.Refuse(t, "policy@inbox.test", "550 5.7.1 Not from you", -1)
	server.Refuse(t, "grey@inbox.test", "450 4.2.0 Greylisted", 1)
	n := startNode(t, nodeOptions{data: t.TempDir()})
	n.useSMTP(t, postfixConfig(server, server.Password))

	cases := []struct {
		address, outcome, enhanced string // of the first attempt
		status                     int
		end                        string // of the message
	}{
		{"unknown@inbox.test", "recipient", "5.1.1", 550, "failed"},
		{"stranger@example.net", "recipient", "5.1.1", 550, "failed"},
		{"closed@inbox.test", "recipient", "5.2.1", 550, "failed"},
		{"policy@inbox.test", "permanent", "5.7.1", 550, "failed"},
		{"grey@inbox.test", "temporary", "4.2.0", 450, "sent"},
		// Emptied before the code expires, perhaps (RFC 3463 section 3.3).
		{"full@inbox.test", "temporary", "5.2.2", 552, "sent"},
	}
	for _, c := range cases {
		t.Run(c.address, func(t *testing.T) {
			t.Parallel()
			m := n.awaitStatus(t, n.askCode(t, c.address), c.end)
			first := m.Attempts[0]
			if first.Outcome != c.outcome || first.EnhancedStatus != c.enhanced || first.Status != c.status {
				t.Errorf("first attempt %+v, want %s %d %s", first, c.outcome, c.status, c.enhanced)
			}
			if c.end == "sent" {
				n.wantVerified(t, c.address, fetchCode(t, server, c.address))
			} else if len(m.Attempts) != 1 {
				t.Errorf("%d attempts at what was refused for good", len(m.Attempts))
			}
		})
	}
}

// A wrong password is a matter of the settings: the message waits, and goes out
// when somebody has mended them.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := servers.Postfix(t)
	n := startNode(t, nodeOptions{data: t.TempDir()})
	n.useSMTP(t, postfixConfig(server, "wrong-"+server.Password))

	id := n.askCode(t, "ann@inbox.test")
	m := n.awaitAttempt(t, id)
	if first := m.Attempts[0]; first.Outcome != "config" || first.Status != 535 {
		t.Errorf("first attempt %+v, want config, 535", first)
	}
	if m.Status != "accepted" {
		t.Errorf("status %s, want accepted", m.Status)
	}
	if n.log.contains(server.Password) {
		t.Error("the password is in the log")
	}

	n.useSMTP(t, postfixConfig(server, server.Password))
	n.awaitStatus(t, id, "sent")
	n.wantVerified(t, "ann@inbox.test", fetchCode(t, server, "ann@inbox.test"))
}

// A certificate that nobody vouches for stops the mail before the password is
// shown.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	server := servers.Postfix(t)
	n := startNode(t, nodeOptions{data: t.TempDir()})
	config := postfixConfig(server, server.Password)
	config["tls"] = map[string]any{"ca": servers.NewAuthority(t, server.Host).CA}
	n.useSMTP(t, config)

	m := n.awaitAttempt(t, n.askCode(t, "ann@inbox.test"))
	if first := m.Attempts[0]; first.Outcome == "sent" || m.Status == "sent" {
		t.Errorf("sent all the same: %+v", m)
	}
	if mails := server.Read(t, "ann@inbox.test"); len(mails) != 0 {
		t.Errorf("%d mails arrived", len(mails))
	}
}

// A mail server that is away for a while costs time and nothing else.
func TestPostfixDownAndUpAgain(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			server := servers.Postfix(t)
			n := startNode(t, nodeOptions{data: t.TempDir(), database: db.create(t)})
			n.useSMTP(t, postfixConfig(server, server.Password))
			// A connection from before is kept, and breaks.
			n.awaitStatus(t, n.askCode(t, "before@inbox.test"), "sent")
			server.Stop(t)

			id := n.askCode(t, "ann@inbox.test")
			if first := n.awaitAttempt(t, id).Attempts[0]; first.Outcome != "temporary" {
				t.Errorf("first attempt %+v, want temporary", first)
			}
			server.Start(t)
			m := n.awaitStatus(t, id, "sent")
			if len(m.Attempts) < 2 {
				t.Errorf("%d attempts", len(m.Attempts))
			}
			n.wantVerified(t, "ann@inbox.test", fetchCode(t, server, "ann@inbox.test"))
			if mails := server.Read(t, "ann@inbox.test"); len(mails) != 1 {
				t.Errorf("%d mails, want one", len(mails))
			}
		})
	}
}
