package builtin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/connectortest"
)

// TestSuite runs what every connector promises.
func TestSuite(t *testing.T) {
	t.Parallel()
	kept := &connectortest.Inbox{}
	connectortest.Run(t, connectortest.Case{
		Factory: New(),
		Config: json.RawMessage(`{"senderName":"Acme Inc.","companyInformation":"Acme Inc., Springfield",` +
			`"appLogo":"https://cdn.example.com/logo.png","fromEmail":"no-reply@acme.example","delivery":"inbox"}`),
		Host:   connector.Host{Inbox: kept},
		Sender: connector.Mailbox{Name: "Acme Inc.", Address: "no-reply@acme.example"},
		Arrived: func(t testing.TB, to string) []connectortest.Mail {
			t.Helper()
			var arrived []connectortest.Mail
			for _, m := range kept.Mails() {
				if m.To != to {
					continue
				}
				mail, err := connectortest.ParseMail(m.Raw)
				if err != nil {
					t.Fatal(err)
				}
				arrived = append(arrived, mail)
			}
			return arrived
		},
		Faults: []connectortest.Fault{
			{Name: "no inbox", Want: connector.ConfigFault},
			{
				Name: "the inbox fails", Want: connector.Temporary,
				Host: connector.Host{Inbox: &connectortest.Inbox{Refuse: errors.New("disk full at /secret/path")}},
			},
		},
	})
}

func open(t *testing.T, config string, host connector.Host) connector.Connector {
	t.Helper()
	c, err := New().Open(json.RawMessage(config), host)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func code() connector.Message {
	return connector.Message{
		ID: "m1", Type: connector.SignIn, To: "ann@example.com", Subject: "Your code",
		HTML: "<p>123456</p>", Text: "123456",
	}
}

func TestSendKeepsTheMail(t *testing.T) {
	t.Parallel()
	full := `{"senderName":"Acme Inc.","fromEmail":"codes@acme.example","companyInformation":"","appLogo":"","delivery":"inbox"}`
	tests := []struct {
		name, config string
		change       func(*connector.Message)
		from, reply  string
	}{
		{"no settings", ``, func(*connector.Message) {}, "<no-reply@postern.localhost>", ""},
		{"empty settings", `{"senderName":"","fromEmail":"","delivery":""}`, func(*connector.Message) {}, "<no-reply@postern.localhost>", ""},
		{"all settings", full, func(*connector.Message) {}, `"Acme Inc." <codes@acme.example>`, ""},
		{"another name", full, func(m *connector.Message) { m.From.Name = "Ann" }, `"Ann" <codes@acme.example>`, ""},
		{"another sender", full, func(m *connector.Message) {
			m.From = connector.Mailbox{Name: "Ann", Address: "a@b.example"}
			m.ReplyTo = connector.Mailbox{Address: "r@b.example"}
		}, `"Ann" <a@b.example>`, "<r@b.example>"},
		{"a UTF-8 recipient", ``, func(m *connector.Message) { m.To = "änn@bücher.example" }, "<no-reply@postern.localhost>", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kept, m := &connectortest.Inbox{}, code()
			tt.change(&m)
			receipt, err := open(t, tt.config, connector.Host{Inbox: kept}).Send(t.Context(), m)
			if err != nil || receipt.ProviderID != m.ID || len(kept.Mails()) != 1 {
				t.Fatalf("got %+v, %v; kept %d", receipt, err, len(kept.Mails()))
			}
			got := kept.Mails()[0]
			if got.MessageID != m.ID || got.To != m.To || got.Subject != m.Subject {
				t.Errorf("kept %+v", got)
			}
			read, err := mail.ReadMessage(bytes.NewReader(got.Raw))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"From": tt.from, "To": "<" + m.To + ">", "Reply-To": tt.reply} {
				list, _ := read.Header.AddressList(name)
				if len(list) == 0 && want == "" {
					continue
				}
				if len(list) != 1 || list[0].String() != (*mustParse(t, want)).String() {
					t.Errorf("%s is %v, want %s", name, list, want)
				}
			}
		})
	}
}

func mustParse(t *testing.T, s string) *mail.Address {
	t.Helper()
	a, err := mail.ParseAddress(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return a
}

func TestSendFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full at /secret/path")
	bad := code()
	bad.To = "a@example.com\r\nBcc: b@example.com"
	tests := []struct {
		name string
		host connector.Host
		m    connector.Message
		want connector.Class
	}{
		{"no inbox", connector.Host{}, code(), connector.ConfigFault},
		{"broken inbox", connector.Host{Inbox: &connectortest.Inbox{Refuse: broken}}, code(), connector.Temporary},
		{"slow inbox", connector.Host{Inbox: &connectortest.Inbox{Refuse: context.DeadlineExceeded}}, code(), connector.Temporary},
		{"bad recipient", connector.Host{Inbox: &connectortest.Inbox{}}, bad, connector.Permanent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, `{}`, tt.host).Send(t.Context(), tt.m)
			if ce, ok := errors.AsType[*connector.Error](err); !ok || ce.Class != tt.want {
				t.Fatalf("got %v, want the class %s", err, tt.want)
			}
			for _, hush := range []string{"123456", "secret", "\r", "\n"} {
				if strings.Contains(err.Error(), hush) {
					t.Errorf("the error shows %q: %v", hush, err)
				}
			}
		})
	}
}

func TestSettingsRefused(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{"senderName":"acme.com"}`:                      "senderName must not hold a web",
		`{"companyInformation":"See https://x"}`:         "companyInformation must not hold a web",
		`{"appLogo":"logo.png"}`:                         "appLogo must be a web address",
		`{"appLogo":"javascript:alert(1)"}`:              "appLogo must be a web address",
		`{"appLogo":"data:image/png;base64,AA=="}`:       "appLogo must be a web address",
		`{"appLogo":"https:///logo.png"}`:                "appLogo must be a web address",
		`{"appLogo":"https://user:pass@x.example/logo"}`: "appLogo must be a web address",
		`{"fromEmail":"Acme <a@example.com>"}`:           "fromEmail must be one e-mail address",
		`{"fromEmail":"a@example.com,b@example.com"}`:    "fromEmail must be one e-mail address",
		`{"delivery":"direct"}`:                          "delivery direct is not available yet",
		`{"delivery":"pigeon"}`:                          "delivery must be one of inbox, direct",
		`{"template":[]}`:                                "template is not a known key",
	} {
		err := New().Check(json.RawMessage(config))
		if err == nil || !strings.Contains(err.Error(), ": "+want) {
			t.Errorf("%s: got %v, want %s", config, err, want)
		}
	}
}

func TestBranding(t *testing.T) {
	t.Parallel()
	c := open(t, `{"senderName":"Acme","companyInformation":"Acme Inc., Springfield","appLogo":"https://cdn.example.com/l.png"}`, connector.Host{})
	name, company, logo := c.(connector.Branded).Branding()
	if name != "Acme" || company != "Acme Inc., Springfield" || logo != "https://cdn.example.com/l.png" {
		t.Errorf("got %q, %q, %q", name, company, logo)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	m := New().Metadata()
	if m.ID != "postern-email" || m.Target != "postern-email" || m.Wording != connector.WordingBuiltin {
		t.Errorf("got %+v", m)
	}
	if m.Name["en"] == "" || m.Description["en"] == "" || !strings.HasPrefix(m.Readme, "# ") ||
		!strings.HasPrefix(m.Logo, "data:image/svg+xml;base64,") {
		t.Error("the metadata is not complete")
	}
}

func TestHoldsLink(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "Acme", "Acme Inc.", "Acme, Inc. & Co. KG", "St. Gallen", "St.Gallen", "Dr. Oetker", "Dr.Oetker", "J.R.R. Tolkien", "e.V.", "Sport e.V. 1860",
		"S.p.A.", "S.A.", "B.V.", "d.o.o.", "sp. z o.o.", "U.S.A.", "z.B. wir", "No.1", "Version 2.0", "1.2.3", "Node.js", "Wait...it works", "Wait…it works",
		"Smith & Sons (est. 1901)", "Müller GmbH", "株式会社アクメ", "收到。中国", "شركة", "@acme", "#1 in town", "24/7", "A.B.", "-", ".", "..", "a.", ".a",
		"1 Main St., Springfield, IL 62701", "Tel. +41 71 123 45 67", "Acme. Com", "C++", "10:30", "Acme\nSpringfield", "www", "Awww. nice",
	} {
		if holdsLink(s) {
			t.Errorf("%q is taken for a link", s)
		}
	}
	for _, s := range []string{
		"acme.com", "Acme.COM", "Visit acme.com!", "(acme.com)", "acme.com/login", "acme.co.uk", "sub.acme.io", "https://x", "http://localhost", "HTTPS://ACME",
		"ftp://x", "www.acme", "WWW.acme.x", "Acme www.acme.test", "info@acme.com", "mailto:info@acme.com", "acme.com.", "acme.com:8080", "acme.com?x", "acme.com#x",
		"münchen.de", "пример.рф", "例え.中国", "acme\u200b.com", "acme.\u00adcom", "ａｃｍｅ．ｃｏｍ", "acme․com", "1.2.3.4", "1.2.3.4/x", "x-y.online",
		"acme.com.Please", "Booking.com", "a.de", "acme_x.net", "javascript://x", "acme.com\u2028",
	} {
		if !holdsLink(s) {
			t.Errorf("%q passes", s)
		}
	}
}

func FuzzHoldsLink(f *testing.F) {
	f.Add("acme.com", "St. Gallen")
	f.Fuzz(func(t *testing.T, before, after string) {
		if !holdsLink(before + " https://x.example " + after) {
			t.Errorf("a URL passes between %q and %q", before, after)
		}
	})
}
