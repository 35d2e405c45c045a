package providerapi

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/mime"
)

// Sender is who mails come from and where answers go, as the settings say. It
// implements connector.Sender for the connector that embeds it.
type Sender struct {
	From    connector.Mailbox
	ReplyTo connector.Mailbox
}

// NewSender reads the sender out of settings.
func NewSender(f From, replyTo Mailbox) Sender {
	s := Sender{From: f.FromEmail.Parse(), ReplyTo: replyTo.Parse()}
	s.From.Name = cmp.Or(string(f.FromName), s.From.Name)
	return s
}

// DefaultSender implements connector.Sender.
func (s Sender) DefaultSender() (from, replyTo connector.Mailbox) { return s.From, s.ReplyTo }

// Templates are a connector's wordings. They implement
// connector.TemplateSource for the connector that embeds them.
type Templates []connector.Template

// ConfigTemplates implements connector.TemplateSource.
func (t Templates) ConfigTemplates() []connector.Template {
	return append([]connector.Template(nil), t...)
}

// Mail is a message ready for a provider's API: one valid recipient, the
// sender resolved, and no control character in anything that becomes a header.
type Mail struct {
	connector.Message

	From    connector.Mailbox
	ReplyTo connector.Mailbox // its Address is empty for none
}

// Mail makes a message ready. Domains are in their ASCII form (RFC 5890),
// which every provider takes. The error is a *connector.Error of the class
// Permanent: an address that is none does not become one.
func (s Sender) Mail(m connector.Message) (Mail, error) {
	out := Mail{Message: m, From: s.From, ReplyTo: s.ReplyTo}
	out.From.Name = cmp.Or(m.From.Name, s.From.Name)
	out.From.Address = cmp.Or(m.From.Address, s.From.Address)
	if m.ReplyTo.Address != "" {
		out.ReplyTo = m.ReplyTo
	}
	out.Subject = oneLine(m.Subject)
	for _, part := range []struct {
		what    string
		mailbox *connector.Mailbox
	}{
		{"the recipient", &connector.Mailbox{Address: m.To}}, {"the sender", &out.From}, {"reply-to", &out.ReplyTo},
	} {
		if part.mailbox.Address == "" && part.what == "reply-to" {
			continue
		}
		addr, err := address.Parse(part.mailbox.Address)
		if err != nil {
			return Mail{}, &connector.Error{Class: connector.Permanent, Message: part.what + " is not one e-mail address"}
		}
		if ascii, err := mime.ASCII(addr); err == nil {
			addr = ascii // else its local part is in UTF-8, and the provider has the last word
		}
		part.mailbox.Address, part.mailbox.Name = addr, oneLine(part.mailbox.Name)
		if part.what == "the recipient" {
			out.To = addr
		}
	}
	return out, nil
}

// Header writes a mailbox as a header has it: `"Acme, Inc." <a@example.com>`.
// Names stay in UTF-8: providers' APIs take JSON and encode themselves.
func Header(m connector.Mailbox) string {
	switch {
	case m.Name == "":
		return m.Address
	case strings.ContainsAny(m.Name, `()<>[]:;@\,."`):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(m.Name) + `" <` + m.Address + ">"
	default:
		return m.Name + " <" + m.Address + ">"
	}
}

// oneLine removes what would break a line, and white space around the rest.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	return strings.TrimSpace(s)
}

// Key is an idempotency key made of a message's id: the same for each attempt,
// and fit for a header.
func Key(messageID string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	if len(messageID) <= 64 && !strings.ContainsFunc(messageID, func(r rune) bool { return !plain(r) }) {
		return messageID
	}
	sum := sha256.Sum256([]byte(messageID))
	return hex.EncodeToString(sum[:16])
}

// Tag is the template type as a tag for the provider's statistics; "" for a
// type that is none.
func (m Mail) Tag() string {
	if m.Type.Valid() {
		return string(m.Type)
	}
	return ""
}
