package smtp2go

import (
	"context"
	_ "embed" // for the guide and the logo
	"maps"
	"slices"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	APIKey     connector.Secret    `json:"apiKey" form:"Text,required" label:"API key" placeholder:"api-…" desc:"A key with the permission \"Emails\"."`
	Sender     providerapi.Mailbox `json:"sender" form:"Text,required" label:"From" placeholder:"no-reply@auth.example.com" desc:"The sender's address. SMTP2GO must know its domain."`
	SenderName providerapi.Line    `json:"senderName" form:"Text" label:"Sender name" placeholder:"Acme" desc:"The name in front of the sender's address."`
	providerapi.Wording
	providerapi.BasicAuth
	providerapi.Server
}

// New returns the factory "smtp2go-email-service".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "smtp2go-email-service",
		Target:      "smtp2go",
		Name:        map[string]string{"en": "SMTP2GO"},
		Description: map[string]string{"en": "Send through SMTP2GO, an e-mail service from New Zealand, over its HTTP API."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventAccepted, connector.EventDelivered, connector.EventBounced, connector.EventComplained,
			connector.EventRejected, connector.EventSuppressed,
		},
	}, settings{Server: providerapi.Server{Endpoint: "https://api.smtp2go.com"}}, open)
}

// smtp2go is the connector.
type smtp2go struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	from := providerapi.From{FromEmail: s.Sender, FromName: s.SenderName}
	return &smtp2go{
		Sender: providerapi.NewSender(from, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.APIKey.Reveal(), s.WebhookPassword.Reveal()} },
		}),
		settings: s,
	}, nil
}

// email is the body of POST /v3/email/send. Of the two bodies one is enough,
// and both make two parts
// (https://developers.smtp2go.com/reference/send-standard-email).
type email struct {
	APIKey  string   `json:"api_key"`
	To      []string `json:"to"`
	Sender  string   `json:"sender"`
	Subject string   `json:"subject"`
	HTML    string   `json:"html_body,omitempty"`
	Text    string   `json:"text_body"`
	Headers []header `json:"custom_headers"`
}

type header struct {
	Header string `json:"header"`
	Value  string `json:"value"`
}

// idHeader carries the message's id. It comes back with each event if the
// webhook names it.
const idHeader = "X-Postern-Message"

// Send implements connector.Connector. SMTP2GO has no idempotency key.
func (s *smtp2go) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := s.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := email{
		APIKey: s.settings.APIKey.Reveal(),
		To:     []string{mail.To}, Sender: providerapi.Header(mail.From), Subject: mail.Subject, HTML: mail.HTML, Text: mail.Text,
		Headers: s.headers(mail),
	}
	request, err := providerapi.JSON(s.settings.URL("/v3/email/send"), nil, body)
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := s.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	return s.accepted(m, answer)
}

func (s *smtp2go) headers(mail providerapi.Mail) []header {
	var headers []header
	if mail.ReplyTo.Address != "" {
		headers = append(headers, header{"Reply-To", providerapi.Header(mail.ReplyTo)})
	}
	for _, name := range slices.Sorted(maps.Keys(s.settings.Headers)) {
		headers = append(headers, header{name, s.settings.Headers[name]})
	}
	return append(headers, header{idHeader, providerapi.Key(mail.ID)})
}

// accepted reads the answer of a 200, which may still refuse the mail.
func (s *smtp2go) accepted(m connector.Message, answer providerapi.Answer) (connector.Receipt, error) {
	var said struct {
		Data struct {
			Succeeded int                `json:"succeeded"`
			Failed    int                `json:"failed"`
			Failures  []providerapi.Text `json:"failures"`
			EmailID   string             `json:"email_id"`
			ErrorCode string             `json:"error_code"`
		} `json:"data"`
	}
	if err := providerapi.Decode(answer, &said); err != nil {
		return connector.Receipt{}, err
	}
	switch d := said.Data; {
	case d.Failed > 0 || len(d.Failures) > 0 || d.ErrorCode != "":
		return connector.Receipt{}, s.Refused(m, answer, explain(answer))
	case d.Succeeded == 0 || d.EmailID == "":
		return connector.Receipt{}, providerapi.Unexpected(answer)
	default:
		return s.Receipt(m, d.EmailID, ""), nil
	}
}
