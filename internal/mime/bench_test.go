package mime

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/postern-mail/postern/connector"
)

// bigMail is a mail with 10 KB of HTML and a short text part.
func bigMail() (connector.Message, Options) {
	row := `<tr><td style="padding: 24px; font-family: sans-serif">Your code is <b>123456</b>, it is valid for ten minutes.</td></tr>` + "\n"
	m := connector.Message{
		ID: "0198c9c3-3f4e-7a51-9d0f-0a4cf3f0d0ce", To: "ann@example.com", Subject: "Your code: 123456",
		HTML: strings.Repeat(row, 10<<10/len(row)), Text: strings.Repeat("Your code is 123456.\n", 20),
	}
	return m, Options{From: connector.Mailbox{Name: "Acme", Address: "no-reply@example.com"}, Date: time.Unix(1e9, 0)}
}

func BenchmarkBuild(b *testing.B) {
	m, o := bigMail()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(m, o); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGoMail writes the same mail with go-mail, as the measure for
// having a writer of our own.
func BenchmarkGoMail(b *testing.B) {
	m, o := bigMail()
	b.ReportAllocs()
	for b.Loop() {
		msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary(boundaryOf(m.ID)[2:]))
		if err := msg.FromFormat(o.From.Name, o.From.Address); err != nil {
			b.Fatal(err)
		}
		if err := msg.To(m.To); err != nil {
			b.Fatal(err)
		}
		msg.Subject(m.Subject)
		msg.SetDateWithValue(o.Date)
		msg.SetMessageIDWithValue(m.ID + "@example.com")
		msg.SetGenHeader("Auto-Submitted", "auto-generated")
		msg.SetGenHeader("X-Auto-Response-Suppress", "OOF, AutoReply")
		msg.SetBodyString(mail.TypeTextPlain, m.Text)
		msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
		var out bytes.Buffer
		out.Grow(16 << 10)
		if _, err := msg.WriteTo(&out); err != nil {
			b.Fatal(err)
		}
	}
}
