package sendgrid

import (
	"context"
	_ "embed" // for the guide and the logo
	"encoding/json"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	APIKey connector.Secret `json:"apiKey" form:"Text,required" label:"API key" placeholder:"SG.…" desc:"A key with the permission \"Mail Send\"."`
	providerapi.From
	providerapi.Wording
	WebhookKey string `json:"webhookPublicKey" form:"Text" label:"Webhook verification key" placeholder:"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE…" desc:"The public key of the signed event webhook. Without it events are refused."`
	providerapi.Server
}

// New returns the factory "sendgrid-email-service".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "sendgrid-email-service",
		Target:      "sendgrid-mail",
		Name:        map[string]string{"en": "SendGrid"},
		Description: map[string]string{"en": "Send through Twilio SendGrid, a large e-mail service."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventAccepted, connector.EventDeferred, connector.EventDelivered, connector.EventBounced,
			connector.EventComplained, connector.EventRejected, connector.EventSuppressed,
		},
	}, settings{Server: providerapi.Server{Endpoint: "https://api.sendgrid.com"}}, open)
}

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	issues := s.Server.Validate()
	if _, err := parseKey(s.WebhookKey); s.WebhookKey != "" && err != nil {
		const wrong = "must be the verification key that the webhook's page shows: a public key in base64"
		issues = append(issues, providerapi.Invalid(wrong, "webhookPublicKey"))
	}
	return issues
}

// sendgrid is the connector.
type sendgrid struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	return &sendgrid{
		Sender: providerapi.NewSender(s.From, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.APIKey.Reveal()} },
		}),
		settings: s,
	}, nil
}

// email is the body of POST /v3/mail/send.
type email struct {
	Personalizations []personalization `json:"personalizations"`
	From             party             `json:"from"`
	ReplyTo          *party            `json:"reply_to,omitempty"`
	Subject          string            `json:"subject"`
	Content          []content         `json:"content"`
	Headers          map[string]string `json:"headers,omitempty"`
	Categories       []string          `json:"categories,omitempty"`
	CustomArgs       map[string]string `json:"custom_args"`
	Tracking         tracking          `json:"tracking_settings"`
}

type personalization struct {
	To []party `json:"to"`
}

type party struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

type content struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// tracking turns off what would rewrite links and add a picture: neither
// belongs into a mail that lets people in.
type tracking struct {
	Click struct {
		Enable bool `json:"enable"`
		Text   bool `json:"enable_text"`
	} `json:"click_tracking"`
	Open struct {
		Enable bool `json:"enable"`
	} `json:"open_tracking"`
}

// Send implements connector.Connector.
func (s *sendgrid) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := s.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := email{
		Personalizations: []personalization{{To: []party{{Email: mail.To}}}},
		From:             party{mail.From.Address, mail.From.Name}, Subject: mail.Subject,
		Content: []content{{"text/plain", mail.Text}}, // text comes first (RFC 2046 section 5.1.4)
		Headers: s.settings.Headers,
		// The message's id comes back with each event.
		CustomArgs: map[string]string{"message_id": providerapi.Key(m.ID)},
	}
	if mail.HTML != "" {
		body.Content = append(body.Content, content{"text/html", mail.HTML})
	}
	if mail.ReplyTo.Address != "" {
		body.ReplyTo = &party{mail.ReplyTo.Address, mail.ReplyTo.Name}
	}
	if kind := mail.Tag(); kind != "" {
		body.Categories = []string{kind}
	}
	request, err := providerapi.JSON(s.settings.URL("/v3/mail/send"), providerapi.Bearer(s.settings.APIKey), body)
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := s.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	return s.Receipt(m, answer.Header.Get("X-Message-Id"), ""), nil
}

// explain reads a refusal
// (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors).
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Errors []struct {
			Message string `json:"message"`
			Field   string `json:"field"`
		} `json:"errors"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	var r providerapi.Refusal
	var words []string
	for _, e := range refused.Errors {
		words = append(words, e.Message)
		switch {
		case a.Status != 400:
		case strings.HasPrefix(e.Field, "personalizations.0.to"):
			r.Class = connector.Recipient
		case strings.HasPrefix(e.Field, "from"):
			r.Class = connector.ConfigFault
		}
	}
	r.Words = strings.Join(words, " ")
	return r
}
