package connectortest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// Mail is one mail as it arrived, whatever way it came. A double of an HTTP
// API fills it from the request; ParseMail does from RFC 5322 text.
type Mail struct {
	From    connector.Mailbox
	ReplyTo connector.Mailbox // zero for none
	To      string
	Subject string
	// HTML and Text have LF line ends; HTML is empty for a plain-text mail.
	HTML, Text string
	// Type and Payload are what the provider renders from, where it does.
	Type    connector.TemplateType
	Payload map[string]any
	// Header holds all header fields where the way knows them, else nil.
	Header textproto.MIMEHeader
}

// ParseMail reads an RFC 5322 message with one text part, or a
// multipart/alternative of two.
func ParseMail(raw []byte) (Mail, error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, fmt.Errorf("parse the mail: %w", err)
	}
	m := Mail{Header: textproto.MIMEHeader(msg.Header)}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return Mail{}, fmt.Errorf("parse the subject: %w", err)
	}
	if m.From, err = mailbox(msg.Header, "From"); err != nil {
		return Mail{}, err
	}
	if m.ReplyTo, err = mailbox(msg.Header, "Reply-To"); err != nil {
		return Mail{}, err
	}
	to, err := mailbox(msg.Header, "To")
	if err != nil {
		return Mail{}, err
	}
	m.To = to.Address
	err = m.part(m.Header, msg.Body)
	return m, err
}

// mailbox reads a header with one mailbox; an absent header has none.
func mailbox(h mail.Header, key string) (connector.Mailbox, error) {
	values := textproto.MIMEHeader(h).Values(key)
	switch len(values) {
	case 0:
		return connector.Mailbox{}, nil
	case 1:
		a, err := mail.ParseAddress(values[0])
		if err != nil {
			return connector.Mailbox{}, fmt.Errorf("parse %s: %w", key, err)
		}
		return connector.Mailbox{Name: a.Name, Address: a.Address}, nil
	default:
		return connector.Mailbox{}, fmt.Errorf("the mail has %d headers %s", len(values), key)
	}
}

// part reads one part, or the parts within it.
func (m *Mail) part(h textproto.MIMEHeader, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("parse Content-Type: %w", err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		return m.parts(multipart.NewReader(body, params["boundary"]))
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read the %s part: %w", kind, err)
	}
	plain := strings.ReplaceAll(string(text), "\r\n", "\n")
	switch kind {
	case "text/plain":
		m.Text = plain
	case "text/html":
		m.HTML = plain
	default:
		return fmt.Errorf("a part of type %s", kind)
	}
	return nil
}

func (m *Mail) parts(r *multipart.Reader) error {
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the parts: %w", err)
		}
		if err := m.part(p.Header, p); err != nil {
			return err
		}
	}
}

// ParseMailbox reads a mailbox as a provider does, "" being none.
func ParseMailbox(t testing.TB, s string) connector.Mailbox {
	t.Helper()
	if s == "" {
		return connector.Mailbox{}
	}
	a, err := mail.ParseAddress(s)
	if err != nil {
		t.Errorf("%q is no mailbox: %v", s, err)
		return connector.Mailbox{}
	}
	return connector.Mailbox{Name: a.Name, Address: a.Address}
}
