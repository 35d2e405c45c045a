package connectortest

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
)

func TestParseMail(t *testing.T) {
	t.Parallel()
	raw := strings.ReplaceAll(`From: =?UTF-8?B?Wm/Dqw==?= <a@example.com>
To: b@example.com
Reply-To: "S, T" <s@example.com>
Subject: =?UTF-8?B?0JrQvtC0?= 1
Content-Type: multipart/alternative; boundary=x

--x
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

caf=C3=A9 and so=
 on
--x
Content-Type: text/html; charset=UTF-8
Content-Transfer-Encoding: base64

PHA+Y2Fmw6k8L3A+
--x--
`, "\n", "\r\n")
	got, err := ParseMail([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	got.Header = nil
	want := Mail{
		From:    connector.Mailbox{Name: "Zoë", Address: "a@example.com"},
		ReplyTo: connector.Mailbox{Name: "S, T", Address: "s@example.com"},
		To:      "b@example.com", Subject: "Код 1", Text: "café and so on", HTML: "<p>café</p>",
	}
	if got.From != want.From || got.ReplyTo != want.ReplyTo || got.To != want.To ||
		got.Subject != want.Subject || got.Text != want.Text || got.HTML != want.HTML {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestParseMailRefuses(t *testing.T) {
	t.Parallel()
	head := "From: a@example.com\r\nTo: b@example.com\r\n"
	for name, raw := range map[string]string{
		"no header":       "nothing",
		"no media type":   head + "\r\nx",
		"two senders":     head + "From: c@example.com\r\nContent-Type: text/plain\r\n\r\nx",
		"an attachment":   head + "Content-Type: application/pdf\r\n\r\nx",
		"a broken sender": "From: @@\r\nContent-Type: text/plain\r\n\r\nx",
		"broken base64":   head + "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
	} {
		if got, err := ParseMail([]byte(raw)); err == nil {
			t.Errorf("%s: %+v, want an error", name, got)
		}
	}
}
