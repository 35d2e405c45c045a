package smtp

import (
	"context"
	_ "embed" // for the guide and the logo
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/redact"
	"github.com/postern-mail/postern/internal/mime"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

// New returns the factory "simple-mail-transfer-protocol".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:     "simple-mail-transfer-protocol",
		Target: "smtp",
		Name:   map[string]string{"en": "SMTP"},
		Description: map[string]string{
			"en": "Send through any mail server or e-mail service that speaks SMTP.",
		},
		Logo:   connector.DataURL(logo),
		Readme: readme,
	}, defaults(), open)
}

// mailer is the connector.
type mailer struct {
	from, replyTo connector.Mailbox
	headers       map[string]string
	templates     []connector.Template
	dkim          signer
	dialer        *dialer
	pool          *pool
	explainer     explainer
	secrets       func() []string
}

// open makes the connector of settings that passed Validate.
func open(s settings, host connector.Host) (connector.Connector, error) {
	dkim, err := newSigner(s.DKIM)
	if err != nil {
		return nil, err
	}
	var auth *credentials
	if s.Auth.kind() != authNone {
		if auth, err = newCredentials(s.Auth, host, s.Proxy); err != nil {
			return nil, err
		}
	}
	d, err := newDialer(s, host, auth)
	if err != nil {
		return nil, err
	}
	return &mailer{
		from: mailbox(s.FromEmail), replyTo: mailbox(s.ReplyTo),
		headers: s.Headers, templates: s.Templates,
		dkim: dkim, dialer: d, pool: newPool(s.Pool, d.open),
		explainer: explainer{
			address: d.address, port: s.Port, secure: s.Secure,
			greeting: d.greeting, idle: d.idle, connect: d.connecting,
		},
		secrets: secretsOf(s, auth),
	}, nil
}

// secretsOf returns the list of what no text may show; tokens join it later.
func secretsOf(s settings, auth *credentials) func() []string {
	fixed := append(s.Auth.secrets(), s.TLS.Key.Reveal(), s.DKIM.PrivateKey.Reveal(), s.Proxy.Reveal())
	fixed = slices.DeleteFunc(fixed, func(s string) bool { return s == "" })
	return func() []string {
		if auth == nil || auth.tokens == nil {
			return fixed
		}
		return slices.Concat(fixed, auth.tokens.Secrets())
	}
}

// Send implements connector.Connector.
func (c *mailer) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	e, err := c.compose(m)
	if err != nil {
		return connector.Receipt{}, unsendable(err)
	}
	words, unsigned, f := c.pool.send(ctx, e)
	r := redact.New(c.secrets()...).Of(m)
	switch {
	case f == nil:
		_, _, words = enhanced(words)
		answer := r.Words(words, redact.MaxAnswered)
		return connector.Receipt{ProviderID: queueID(answer), Answer: answer}, nil
	case errors.Is(f.err, errNoUTF8):
		return connector.Receipt{}, needsUTF8(m, c.from)
	}
	explained := c.explainer.explain(blame(ctx, f), r.Quoting(m, e.body()))
	if unsigned && f.stage >= stageMail {
		explained.Message += " (not signed in: the server offers no AUTH)"
	}
	return connector.Receipt{}, explained
}

// compose writes and signs a mail, once: should it need a second connection,
// it is the same to the byte.
func (c *mailer) compose(m connector.Message) (*envelope, error) {
	from, replyTo := c.from, c.replyTo
	if m.From.Name != "" {
		from.Name = m.From.Name
	}
	if m.From.Address != "" {
		from.Address = m.From.Address
	}
	if m.ReplyTo.Address != "" {
		replyTo = m.ReplyTo
	}
	utf8 := mime.NeedsUTF8(m.To) || mime.NeedsUTF8(from.Address) || mime.NeedsUTF8(replyTo.Address)
	// Build also makes sure that each address is one, fit for a command line.
	raw, err := mime.Build(m, mime.Options{
		From: from, ReplyTo: replyTo, Headers: c.headers, Date: time.Now(), UTF8: utf8,
	})
	if err != nil {
		return nil, err
	}
	if raw, err = c.dkim.sign(raw); err != nil {
		return nil, err
	}
	e := &envelope{from: from.Address, to: m.To, utf8: utf8}
	if !utf8 {
		if e.from, err = mime.ASCII(from.Address); err != nil {
			return nil, err
		}
		if e.to, err = mime.ASCII(m.To); err != nil {
			return nil, err
		}
	}
	e.content, err = content(raw)
	return e, err
}

// body returns what follows the header, as it goes over the wire.
func (e *envelope) body() string {
	_, body, _ := strings.Cut(string(e.content), "\r\n\r\n")
	return body
}

// ConfigTemplates implements connector.TemplateSource.
func (c *mailer) ConfigTemplates() []connector.Template { return slices.Clone(c.templates) }

// DefaultSender implements connector.Sender.
func (c *mailer) DefaultSender() (from, replyTo connector.Mailbox) { return c.from, c.replyTo }

// Check implements connector.Checker: it connects, encrypts and signs in as
// for a mail, and takes leave.
func (c *mailer) Check(ctx context.Context) error {
	s, f := c.dialer.open(ctx)
	if f != nil {
		return c.explainer.explain(blame(ctx, f), redact.New(c.secrets()...))
	}
	s.quit()
	return nil
}

// Close implements io.Closer.
func (c *mailer) Close() error {
	c.pool.close()
	c.dialer.auth.close()
	return nil
}

// queueForms find the id under which a server queued a mail in its words:
// Postfix and its kin, Exim, and the bare id of Amazon SES.
var queueForms = regexp.MustCompile(`(?i)(?:queued as |\bid=)([[:graph:]]{4,100}?)[.,;>)]?(?:\s|$)|^ok ([0-9a-z-]{20,100})$`)

func queueID(words string) string {
	m := queueForms.FindStringSubmatch(words)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}
