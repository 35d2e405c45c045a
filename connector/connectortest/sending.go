package connectortest

import (
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// concurrentSends is how many mails the suite sends at once.
const concurrentSends = 32

// send proves that mails arrive as they were given.
func (c Case) send(t *testing.T, opened connector.Connector) {
	for name, change := range map[string]func(*connector.Message){
		"HTML and text": func(*connector.Message) {},
		"text only":     func(m *connector.Message) { m.HTML = "" },
		"Unicode": func(m *connector.Message) {
			m.Subject = "Ваш код — 您的验证码 🔑 " + strings.Repeat("ÄÖÜ ", 30) + "end"
			m.From.Name = "Zoë “Søren” 株式会社"
			m.HTML = "<p>Žluťoučký kůň — 漢字 🔑</p>\n"
			m.Text = "Žluťoučký kůň — 漢字 🔑\n"
		},
		"dots and long lines": func(m *connector.Message) {
			m.Text = ".\n..\n.leading\n\n.\nQUIT\n" + strings.Repeat("long ", 600) + "\nFrom here\n"
			m.HTML = "<p>\n.\n</p>\n<p>" + strings.Repeat("0123456789", 300) + "</p>\n"
		},
		"quotes in the name": func(m *connector.Message) { m.From.Name = `Ann "Ace", Example (Ltd.) <x>; \` },
		"sender's name":      func(m *connector.Message) { m.From.Name = "Other Name" },
		"sender's address":   func(m *connector.Message) { m.From.Address = "other@example.org" },
		"sender": func(m *connector.Message) {
			m.From = connector.Mailbox{Name: "Other", Address: "other@example.org"}
		},
		"reply-to": func(m *connector.Message) {
			m.ReplyTo = connector.Mailbox{Name: "Support", Address: "support@example.org"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := Sample()
			change(&m)
			if _, err := opened.Send(t.Context(), m); err != nil {
				t.Fatalf("Send: %v", err)
			}
			arrived := c.Arrived(t, m.To)
			if len(arrived) != 1 {
				t.Fatalf("%d mails arrived, want 1", len(arrived))
			}
			c.same(t, arrived[0], m)
		})
	}
}

// same compares what arrived with what was sent.
func (c Case) same(t *testing.T, got Mail, m connector.Message) {
	t.Helper()
	want := c.Sender
	if m.From.Name != "" && !c.lacks(SenderName) {
		want.Name = m.From.Name
	}
	if m.From.Address != "" && !c.lacks(SenderAddress) {
		want.Address = m.From.Address
	}
	equal(t, "From", got.From, want)
	equal(t, "To", got.To, m.To)
	equal(t, "Subject", got.Subject, m.Subject)
	if m.ReplyTo.Address != "" && !c.lacks(ReplyTo) {
		equal(t, "Reply-To", got.ReplyTo, m.ReplyTo)
	}
	equal(t, "HTML", trimmed(got.HTML), trimmed(m.HTML))
	if m.HTML == "" || !c.lacks(TextPart) {
		equal(t, "text", trimmed(got.Text), trimmed(m.Text))
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// trimmed removes what line ends may do to the end of a body.
func trimmed(body string) string { return strings.TrimRight(body, "\r\n") }

// concurrent proves that mails sent at once arrive once each.
func (c Case) concurrent(t *testing.T, opened connector.Connector) {
	messages := make([]connector.Message, concurrentSends)
	var sends sync.WaitGroup
	for i := range messages {
		messages[i] = Sample()
		sends.Go(func() {
			if _, err := opened.Send(t.Context(), messages[i]); err != nil {
				t.Errorf("Send: %v", err)
			}
		})
	}
	sends.Wait()
	for _, m := range messages {
		arrived := c.Arrived(t, m.To)
		if len(arrived) != 1 {
			t.Fatalf("%d mails arrived, want 1", len(arrived))
		}
		c.same(t, arrived[0], m) // not somebody else's
	}
}

// injection proves that no field of a message reaches beyond itself: a mail
// is refused for good, or arrives without what was smuggled in.
func (c Case) injection(t *testing.T, opened connector.Connector) {
	for field, set := range map[string]func(*connector.Message, string){
		"ID":           func(m *connector.Message, s string) { m.ID += s },
		"To":           func(m *connector.Message, s string) { m.To += s },
		"To, before":   func(m *connector.Message, s string) { m.To = s + m.To },
		"From.Name":    func(m *connector.Message, s string) { m.From.Name = "Ann" + s },
		"From.Address": func(m *connector.Message, s string) { m.From.Address = "ann@example.com" + s },
		"ReplyTo.Name": func(m *connector.Message, s string) {
			m.ReplyTo = connector.Mailbox{Name: "Ann" + s, Address: "ann@example.com"}
		},
		"ReplyTo.Address":  func(m *connector.Message, s string) { m.ReplyTo.Address = "ann@example.com" + s },
		"Subject":          func(m *connector.Message, s string) { m.Subject += s },
		"Locale":           func(m *connector.Message, s string) { m.Locale += s },
		"IP":               func(m *connector.Message, s string) { m.IP = "192.0.2.1" + s },
		"Type":             func(m *connector.Message, s string) { m.Type += connector.TemplateType(s) },
		"HTML":             func(m *connector.Message, s string) { m.HTML = s + m.HTML + s },
		"Text":             func(m *connector.Message, s string) { m.Text = s + m.Text + s },
		"To, as a list":    func(m *connector.Message, _ string) { m.To += ",victim@example.org" },
		"To, as a command": func(m *connector.Message, _ string) { m.To += "> NOTIFY=NEVER" },
		"To, with a name":  func(m *connector.Message, _ string) { m.To = "Ann <" + m.To + ">" },
	} {
		for _, end := range []string{"\r\n", "\n", "\r", "\x00", "\r\n.\r\n", "\n.\n", "\r.\r"} {
			smuggled := end + "X-Smuggled: yes" + end + "Bcc: victim@example.org" + end + end +
				"RCPT TO:<victim@example.org>" + end
			m := Sample()
			to := m.To
			set(&m, smuggled)
			_, err := opened.Send(t.Context(), m)
			if err != nil {
				if e := CheckError(t, err, c.hidden(m)[0]); e.Class != connector.Permanent && e.Class != connector.Recipient {
					t.Errorf("%s with %q: class %s (%v), want permanent or recipient", field, end, e.Class, e)
				}
			}
			c.notSmuggled(t, field+" with "+strings.ToValidUTF8(end, "?"), to, err != nil)
		}
	}
	if n := len(c.Arrived(t, "victim@example.org")); n > 0 {
		t.Errorf("%d mails reached somebody else", n)
	}
}

func (c Case) notSmuggled(t *testing.T, what, to string, refused bool) {
	t.Helper()
	arrived := c.Arrived(t, to)
	if refused && len(arrived) > 0 || len(arrived) > 1 {
		t.Errorf("%q: refused %v, %d mails arrived", what, refused, len(arrived))
	}
	for _, got := range arrived {
		for _, name := range []string{"X-Smuggled", "Bcc", "Cc"} {
			if len(got.Header.Values(name)) > 0 {
				t.Errorf("%q: the header %s was smuggled in", what, name)
			}
		}
		for _, address := range []string{got.From.Address, got.ReplyTo.Address, got.To} {
			if _, err := mail.ParseAddress(address); address != "" && err != nil {
				t.Errorf("%q: the address %q is none", what, address)
			}
		}
		if strings.ContainsAny(got.Subject+got.From.Name+got.ReplyTo.Name, "\r\n\x00") {
			t.Errorf("%q: a line end came through", what)
		}
	}
}
