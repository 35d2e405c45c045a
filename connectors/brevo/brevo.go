package brevo

import (
	"context"
	_ "embed" // for the guide and the logo
	"mime"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	APIKey connector.Secret `json:"apiKey" form:"Text,required" label:"API key" placeholder:"xkeysib-…" desc:"An API key of version 3, not an SMTP key."`
	providerapi.From
	providerapi.Wording
	providerapi.BasicAuth
	providerapi.Server
}

// New returns the factory "brevo-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "brevo-email",
		Target:      "brevo",
		Name:        map[string]string{"en": "Brevo"},
		Description: map[string]string{"en": "Send through Brevo, an e-mail service from France, formerly Sendinblue."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventAccepted, connector.EventDeferred, connector.EventDelivered, connector.EventBounced,
			connector.EventComplained, connector.EventRejected,
		},
	}, settings{Server: providerapi.Server{Endpoint: "https://api.brevo.com"}}, open)
}

// brevo is the connector.
type brevo struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	return &brevo{
		Sender: providerapi.NewSender(s.From, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.APIKey.Reveal(), s.WebhookPassword.Reveal()} },
		}),
		settings: s,
	}, nil
}

// email is the body of POST /v3/smtp/email
// (https://developers.brevo.com/reference/send-transac-email).
type email struct {
	Sender  party             `json:"sender"`
	To      []party           `json:"to"`
	Subject string            `json:"subject"`
	HTML    string            `json:"htmlContent,omitempty"`
	Text    string            `json:"textContent"`
	ReplyTo *party            `json:"replyTo,omitempty"`
	Headers map[string]string `json:"headers"`
	Tags    []string          `json:"tags,omitempty"`
}

type party struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

// maxName is how long a name may be, in characters.
const maxName = 70

// newParty cuts a name that would have the mail refused.
func newParty(m connector.Mailbox) party {
	name := []rune(m.Name)
	return party{m.Address, strings.TrimSpace(string(name[:min(len(name), maxName)]))}
}

// literal keeps Brevo from reading content as its template language
// (https://help.brevo.com/hc/en-us/articles/360000946299), in which a name
// with {% in it could keep a mail from going out. It parts the marks that open
// something, with a character that takes no room; before # it is a blank, for
// style sheets have that pair too. The language has no way to write its marks
// that is known to hold in mails without parameters, nor is it known whether it
// is read in those.
func literal(text string) string {
	const joiner = "\u2060"
	part := strings.NewReplacer("{{", "{"+joiner+"{", "{%", "{"+joiner+"%", "{#", "{ #")
	return part.Replace(part.Replace(text)) // once more for the marks that overlapped
}

// Names in the headers of a mail that Brevo reads itself.
const (
	// customHeader comes back with each event.
	customHeader = "X-Mailin-custom"
	// keyHeader has Brevo send a mail once within half an hour. It counts within
	// the body and in this spelling alone
	// (https://developers.brevo.com/docs/heterogenous-versions-batch-emails).
	keyHeader = "idempotencyKey"
)

// Send implements connector.Connector.
func (b *brevo) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := b.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := email{
		Sender: newParty(mail.From), To: []party{{Email: mail.To}},
		Subject: literal(mail.Subject), HTML: literal(mail.HTML), Text: literal(mail.Text),
		Headers: b.headers(m),
	}
	if mail.ReplyTo.Address != "" {
		replyTo := newParty(mail.ReplyTo)
		body.ReplyTo = &replyTo
	}
	if kind := mail.Tag(); kind != "" {
		body.Tags = []string{kind}
	}
	request, err := providerapi.JSON(b.settings.URL("/v3/smtp/email"), http.Header{"Api-Key": {b.settings.APIKey.Reveal()}}, body)
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := b.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	var accepted struct {
		MessageID string `json:"messageId"`
	}
	if err := providerapi.Decode(answer, &accepted); err != nil {
		return connector.Receipt{}, err
	}
	if accepted.MessageID == "" {
		return connector.Receipt{}, providerapi.Unexpected(answer)
	}
	return b.Receipt(m, plainID(accepted.MessageID), ""), nil
}

// headers are those of the settings as Brevo wants them, names with capitals
// and values in ASCII (it does not encode what is not), and its own.
func (b *brevo) headers(m connector.Message) map[string]string {
	headers := make(map[string]string, len(b.settings.Headers)+2)
	for name, value := range b.settings.Headers {
		headers[textproto.CanonicalMIMEHeaderKey(name)] = mime.QEncoding.Encode("utf-8", value)
	}
	delete(headers, textproto.CanonicalMIMEHeaderKey(customHeader))
	headers[customHeader], headers[keyHeader] = providerapi.Key(m.ID), providerapi.Key(m.ID)
	return headers
}

// plainID removes the angle brackets that the API writes around an id and
// examples of events leave out.
func plainID(id string) string { return strings.Trim(id, "<>") }
