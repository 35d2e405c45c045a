package resend

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
	APIKey connector.Secret `json:"apiKey" form:"Text,required" label:"API key" placeholder:"re_…" desc:"A key with the permission \"Sending access\"."`
	providerapi.From
	providerapi.Wording
	WebhookSecret connector.Secret `json:"webhookSecret" form:"Text" label:"Webhook signing secret" placeholder:"whsec_…" desc:"Proves that events come from Resend. Without it events are refused."`
	providerapi.Server
}

// New returns the factory "resend-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "resend-email",
		Target:      "resend",
		Name:        map[string]string{"en": "Resend"},
		Description: map[string]string{"en": "Send through Resend, an e-mail API for developers."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventSent, connector.EventDeferred, connector.EventDelivered, connector.EventBounced,
			connector.EventComplained, connector.EventRejected, connector.EventSuppressed,
		},
	}, settings{Server: providerapi.Server{Endpoint: "https://api.resend.com"}}, open)
}

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	issues := s.Server.Validate()
	if _, err := newVerifier(s.WebhookSecret); s.WebhookSecret != "" && err != nil {
		issues = append(issues, providerapi.Invalid("must be the secret that the webhook's page shows, beginning with whsec_", "webhookSecret"))
	}
	return issues
}

// resend is the connector.
type resend struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	return &resend{
		Sender: providerapi.NewSender(s.From, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.APIKey.Reveal(), s.WebhookSecret.Reveal()} },
		}),
		settings: s,
	}, nil
}

// email is the body of POST /emails
// (https://resend.com/docs/api-reference/emails/send-email).
type email struct {
	From    string            `json:"from"`
	To      []string          `json:"to"`
	Subject string            `json:"subject"`
	HTML    string            `json:"html,omitempty"`
	Text    string            `json:"text"`
	ReplyTo string            `json:"reply_to,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Tags    []tag             `json:"tags,omitempty"`
}

type tag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Send implements connector.Connector.
func (r *resend) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := r.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := email{
		From: providerapi.Header(mail.From), To: []string{mail.To}, Subject: mail.Subject, HTML: mail.HTML, Text: mail.Text,
		Headers: r.settings.Headers,
		// The message's id comes back with each event.
		Tags: []tag{{"message_id", providerapi.Key(m.ID)}},
	}
	if mail.ReplyTo.Address != "" {
		body.ReplyTo = providerapi.Header(mail.ReplyTo)
	}
	if kind := mail.Tag(); kind != "" {
		body.Tags = append(body.Tags, tag{"type", kind})
	}
	header := providerapi.Bearer(r.settings.APIKey)
	header.Set("Idempotency-Key", providerapi.Key(m.ID))
	request, err := providerapi.JSON(r.settings.URL("/emails"), header, body)
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := r.Do(ctx, m, request)
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
	return r.Receipt(m, accepted.ID, ""), nil
}
