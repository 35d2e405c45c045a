package mime

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
)

// Options is what a mail needs beside the message.
type Options struct {
	// From is the sender, with the message's overrides already applied.
	From connector.Mailbox
	// ReplyTo is where answers go; none when its Address is empty.
	ReplyTo connector.Mailbox
	// Headers are further headers; CheckHeader says which may be set.
	Headers map[string]string
	// Date is the Date header; the present time when zero.
	Date time.Time
	// UTF8 says that the line takes addresses in UTF-8 (RFC 6531). Texts are
	// written as encoded words all the same: every reader knows those.
	UTF8 bool
}

// Build writes m as a complete mail with CRLF line ends: a text part and an
// HTML part as alternatives (RFC 2046 section 5.1.4), or the only one there
// is. Two builds of one message with the same options are the same to the
// byte, so a second attempt sends the same mail.
//
// Control characters are removed from the subject and display names; an
// address or a further header that holds one is refused (ErrAddress,
// ErrHeader), as is an address that the line cannot carry (ErrNeedsUTF8).
func Build(m connector.Message, o Options) ([]byte, error) {
	h := header{out: make([]byte, 0, 1024+(len(m.HTML)+len(m.Text))*5/4)}
	if err := h.addresses(m.To, o); err != nil {
		return nil, err
	}
	id, err := messageID(m.ID, o.From.Address)
	if err != nil {
		return nil, err
	}
	if o.Date.IsZero() {
		o.Date = time.Now()
	}
	h.text("Subject", m.Subject)
	h.raw("Date", o.Date.Format(time.RFC1123Z))
	h.raw("Message-ID", id)
	h.raw("MIME-Version", "1.0")
	// No out-of-office note answers a code (RFC 3834; Exchange has its own).
	h.raw("Auto-Submitted", "auto-generated")
	h.raw("X-Auto-Response-Suppress", "OOF, AutoReply")
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if err := CheckHeader(name, o.Headers[name]); err != nil {
			return nil, err
		}
		h.custom(name, o.Headers[name])
	}
	return appendBodies(h.out, m), nil
}

// addresses writes From, To and Reply-To.
func (h *header) addresses(to string, o Options) error {
	if err := h.mailbox("From", o.From, o.UTF8); err != nil {
		return err
	}
	if err := h.mailbox("To", connector.Mailbox{Address: to}, o.UTF8); err != nil {
		return err
	}
	if o.ReplyTo.Address == "" {
		return nil
	}
	return h.mailbox("Reply-To", o.ReplyTo, o.UTF8)
}

// messageID returns <id@domain> with the sender's domain (RFC 5322 section
// 3.6.4), so that answers and bounces can be matched to the message.
func messageID(id, sender string) (string, error) {
	if id == "" {
		return "", errors.New("the message has no id")
	}
	if strings.ContainsFunc(id, func(r rune) bool { return !nameChar(r) }) || len(id) > 64 {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:16])
	}
	_, domain, _ := cutAddress(sender)
	domain, err := asciiDomain(domain)
	if err != nil {
		return "", fmt.Errorf("the sender: %w", err)
	}
	return "<" + id + "@" + domain + ">", nil
}

// appendBodies ends the header and writes what follows.
func appendBodies(out []byte, m connector.Message) []byte {
	switch {
	case m.HTML == "":
		return endLine(appendPart(out, "text/plain", m.Text))
	case m.Text == "":
		return endLine(appendPart(out, "text/html", m.HTML))
	}
	boundary := boundaryOf(m.ID)
	out = append(out, "Content-Type: multipart/alternative;\r\n boundary=\""+boundary+"\"\r\n"...)
	out = append(out, "\r\n--"+boundary+"\r\n"...)
	out = appendPart(out, "text/plain", m.Text)
	out = append(out, "\r\n--"+boundary+"\r\n"...)
	out = appendPart(out, "text/html", m.HTML)
	return append(out, "\r\n--"+boundary+"--\r\n"...)
}

// boundaryOf derives the boundary from the message's id. No part can hold it:
// quoted-printable never writes "=_", base64 never "_".
func boundaryOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "=_" + hex.EncodeToString(sum[:16])
}

// appendPart writes the header and the body of one part.
func appendPart(out []byte, mediaType, body string) []byte {
	if !utf8.ValidString(body) {
		body = strings.ToValidUTF8(body, "\uFFFD")
	}
	out = append(out, "Content-Type: "+mediaType+"; charset=utf-8\r\n"...)
	if quotedIsShorter(body) {
		out = append(out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n"...)
		return appendQuoted(out, body)
	}
	out = append(out, "Content-Transfer-Encoding: base64\r\n\r\n"...)
	return appendBase64(out, body)
}

// endLine makes the last line of a mail end.
func endLine(out []byte) []byte {
	if strings.HasSuffix(string(out[max(0, len(out)-2):]), "\r\n") {
		return out
	}
	return append(out, "\r\n"...)
}

// NeedsUTF8 reports whether a mail from or to this address can only travel a
// line that takes UTF-8 addresses (RFC 6531). A domain alone does not need it:
// it has an ASCII form.
func NeedsUTF8(addr string) bool {
	local, _, _ := cutAddress(addr)
	return !isASCII(local)
}

// ASCII returns the address with its domain as A-labels (RFC 5890), as SMTP
// without SMTPUTF8 needs it, or ErrNeedsUTF8 when that is not enough.
func ASCII(addr string) (string, error) {
	local, domain, ok := cutAddress(addr)
	if !ok {
		return "", ErrAddress
	}
	if !isASCII(local) {
		return "", ErrNeedsUTF8
	}
	domain, err := asciiDomain(domain)
	if err != nil {
		return "", err
	}
	return local + "@" + domain, nil
}

func cutAddress(addr string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return addr, "", false
	}
	return addr[:at], addr[at+1:], at > 0 && at < len(addr)-1
}

// wireAddress checks one address and returns it as it goes over the line.
func wireAddress(addr string, utf8OK bool) (string, error) {
	addr, err := address.Parse(addr)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrAddress, err)
	}
	if utf8OK {
		return addr, nil
	}
	return ASCII(addr)
}
