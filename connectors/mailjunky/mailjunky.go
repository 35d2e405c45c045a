package mailjunky

import (
	"context"
	_ "embed" // for the guide and the logo

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	APIKey connector.Secret `json:"apiKey" form:"Text,required" label:"API key" placeholder:"mj_live_…" desc:"A key that may send mails."`
	providerapi.From
	providerapi.Wording
	providerapi.Server
}

// New returns the factory "mailjunky-email-service".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "mailjunky-email-service",
		Target:      "mailjunky",
		Name:        map[string]string{"en": "MailJunky"},
		Description: map[string]string{"en": "Send through MailJunky, an e-mail API with workflows."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
	}, settings{Server: providerapi.Server{Endpoint: "https://mailjunky.ai"}}, open)
}

// mailjunky is the connector.
type mailjunky struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	return &mailjunky{
		Sender: providerapi.NewSender(s.From, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.APIKey.Reveal()} },
		}),
		settings: s,
	}, nil
}

// email is the body of POST /api/v1/emails/send. The documentation
// (https://mailjunky.ai/docs) shows the first five fields, MailJunky's own
// clients the others (https://github.com/swmcc/mailjunky-python).
type email struct {
	From    string            `json:"from"`
	To      string            `json:"to"`
	Subject string            `json:"subject"`
	HTML    string            `json:"html,omitempty"`
	Text    string            `json:"text"`
	ReplyTo []string          `json:"reply_to,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Tags    []string          `json:"tags,omitempty"`
}

// Send implements connector.Connector. No idempotency key is documented.
func (j *mailjunky) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := j.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := email{
		From: providerapi.Header(mail.From), To: mail.To, Subject: mail.Subject, HTML: mail.HTML, Text: mail.Text,
		Headers: j.settings.Headers,
	}
	if mail.ReplyTo.Address != "" {
		body.ReplyTo = []string{providerapi.Header(mail.ReplyTo)}
	}
	if kind := mail.Tag(); kind != "" {
		body.Tags = []string{kind}
	}
	request, err := providerapi.JSON(j.settings.URL("/api/v1/emails/send"), providerapi.Bearer(j.settings.APIKey), body)
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := j.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	var accepted struct {
		ID string `json:"id"`
	}
	if err := providerapi.Decode(answer, &accepted); err != nil {
		return connector.Receipt{}, err
	}
	if accepted.ID == "" {
		return connector.Receipt{}, providerapi.Unexpected(answer)
	}
	return j.Receipt(m, accepted.ID, ""), nil
}

// explain reads a refusal's words, which MailJunky's clients look for in two
// fields. What its codes are is not documented, so the status alone decides.
func explain(a providerapi.Answer) providerapi.Refusal {
	return providerapi.Refusal{Words: providerapi.JSONWords(a.Body, "code", "message")}
}
