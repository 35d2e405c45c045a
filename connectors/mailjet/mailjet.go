package mailjet

import (
	"context"
	_ "embed" // for the guide and the logo
	"net/http"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	APIKey    connector.Secret `json:"apiKey" form:"Text,required" label:"API key" desc:"The public half of the key pair."`
	SecretKey connector.Secret `json:"secretKey" form:"Text,required" label:"Secret key" desc:"The secret half of the key pair."`
	providerapi.From
	providerapi.Wording
	providerapi.BasicAuth
	providerapi.Server
}

// New returns the factory "mailjet-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "mailjet-email",
		Target:      "mailjet",
		Name:        map[string]string{"en": "Mailjet"},
		Description: map[string]string{"en": "Send through Mailjet, an e-mail service in the EU."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventDeferred, connector.EventDelivered, connector.EventBounced, connector.EventComplained,
			connector.EventRejected, connector.EventSuppressed,
		},
	}, settings{Server: providerapi.Server{Endpoint: "https://api.mailjet.com"}}, open)
}

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue { return s.Server.Validate() }

// mailjet is the connector.
type mailjet struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	return &mailjet{
		Sender: providerapi.NewSender(s.From, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string {
				return []string{s.APIKey.Reveal(), s.SecretKey.Reveal(), s.WebhookPassword.Reveal()}
			},
		}),
		settings: s,
	}, nil
}

// emails is the body of POST /v3.1/send
// (https://dev.mailjet.com/email/reference/send-emails#v3_1_post_send).
type emails struct {
	Messages []email
}

// email is one mail. TemplateLanguage is left out, so that Mailjet sends
// "{{" as it stands.
type email struct {
	From        party
	To          []party
	ReplyTo     *party `json:",omitempty"`
	Subject     string
	TextPart    string
	HTMLPart    string            `json:",omitempty"`
	Headers     map[string]string `json:",omitempty"`
	CustomID    string
	TrackOpens  string
	TrackClicks string
}

type party struct {
	Email string
	Name  string `json:",omitempty"`
}

// untracked keeps links from being rewritten and pictures from being added:
// neither belongs into a mail that lets people in.
const untracked = "disabled"

// Send implements connector.Connector.
func (j *mailjet) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := j.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := email{
		From: party{mail.From.Address, mail.From.Name}, To: []party{{Email: mail.To}},
		Subject: mail.Subject, TextPart: mail.Text, HTMLPart: mail.HTML, Headers: j.settings.Headers,
		CustomID:   providerapi.Key(m.ID), // comes back with each event
		TrackOpens: untracked, TrackClicks: untracked,
	}
	if mail.ReplyTo.Address != "" {
		body.ReplyTo = &party{mail.ReplyTo.Address, mail.ReplyTo.Name}
	}
	login := &http.Request{Header: http.Header{}}
	login.SetBasicAuth(j.settings.APIKey.Reveal(), j.settings.SecretKey.Reveal())
	request, err := providerapi.JSON(j.settings.URL("/v3.1/send"), login.Header, emails{[]email{body}})
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := j.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	return j.receipt(m, answer)
}

// receipt reads an answer of 200, which may hold a refusal.
func (j *mailjet) receipt(m connector.Message, a providerapi.Answer) (connector.Receipt, error) {
	var said said
	if err := providerapi.Decode(a, &said); err != nil {
		return connector.Receipt{}, err
	}
	if len(said.Messages) != 1 {
		return connector.Receipt{}, providerapi.Unexpected(a)
	}
	switch one := said.Messages[0]; {
	case one.Status == "error":
		return connector.Receipt{}, j.Refused(m, a, said.refusal())
	case one.Status == "success" && len(one.To) == 1 && one.To[0].id() != "":
		return j.Receipt(m, one.To[0].id(), ""), nil
	}
	return connector.Receipt{}, providerapi.Unexpected(a)
}
