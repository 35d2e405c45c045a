package pigeon

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

// settings are what a tenant fills in. Form, documentation, decoding and
// masking are made from the tags; the embedded structs are keys that many
// connectors have.
type settings struct {
	APIKey connector.Secret `json:"apiKey" form:"Text,required" label:"API key" placeholder:"pigeon_…" desc:"A key that may send mails."`
	providerapi.From
	providerapi.Wording
	WebhookSecret connector.Secret `json:"webhookSecret" form:"Text" label:"Webhook secret" desc:"Proves that events come from Pigeon. Without it events are refused."`
	providerapi.Server
}

// Validate implements connector.Validator: rules beyond types and required
// keys. Messages say what a value must be, and never repeat it.
func (s settings) Validate() []connector.Issue {
	issues := s.Server.Validate()
	if !strings.HasPrefix(s.APIKey.Reveal(), "pigeon_") {
		issues = append(issues, providerapi.Invalid("must begin with pigeon_", "apiKey"))
	}
	return issues
}

// New returns the factory "pigeon-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "pigeon-email",
		Target:      "pigeon",
		Name:        map[string]string{"en": "Pigeon"},
		Description: map[string]string{"en": "Send through Pigeon."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventDelivered, connector.EventBounced, connector.EventComplained,
		},
	}, settings{Server: providerapi.Server{Endpoint: "https://api.pigeon.example"}}, open)
}

// service is the connector: Pigeon with one tenant's settings.
type service struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

// open makes the connector. It does no network I/O.
func open(s settings, host connector.Host) (connector.Connector, error) {
	return &service{
		Sender: providerapi.NewSender(s.From, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.APIKey.Reveal(), s.WebhookSecret.Reveal()} },
		}),
		settings: s,
	}, nil
}

// email is the body of POST /v1/emails. Cite the page of your provider's
// documentation here.
type email struct {
	From      mailbox           `json:"from"`
	To        string            `json:"to"`
	ReplyTo   *mailbox          `json:"replyTo,omitempty"`
	Subject   string            `json:"subject"`
	HTML      string            `json:"html,omitempty"`
	Text      string            `json:"text"`
	Headers   map[string]string `json:"headers,omitempty"`
	Tag       string            `json:"tag,omitempty"`
	Reference string            `json:"reference"`
}

type mailbox struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// Send implements connector.Connector. It makes one attempt: the queue
// decides whether there is another one.
func (s *service) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := s.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := email{
		From: mailbox(mail.From), To: mail.To, Subject: mail.Subject, HTML: mail.HTML, Text: mail.Text,
		Headers: s.settings.Headers, Tag: mail.Tag(),
		Reference: providerapi.Key(m.ID), // comes back with each event
	}
	if mail.ReplyTo.Address != "" {
		body.ReplyTo = (*mailbox)(&mail.ReplyTo)
	}
	header := providerapi.Bearer(s.settings.APIKey)
	header.Set("Idempotency-Key", providerapi.Key(m.ID))
	request, err := providerapi.JSON(s.settings.URL("/v1/emails"), header, body)
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := s.Do(ctx, m, request)
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
	return s.Receipt(m, accepted.ID, ""), nil
}

// explain reads a refusal: the provider's words, and what they mean where the
// status does not say it. A class decides what happens next: see
// connector.Class.
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(a.Body, &refused) != nil {
		return providerapi.Refusal{}
	}
	r := providerapi.Refusal{Words: strings.TrimSpace(refused.Error.Code + " " + refused.Error.Message)}
	switch refused.Error.Code {
	case "unknown_sender":
		r.Class = connector.ConfigFault
	case "no_such_recipient":
		r.Class = connector.Recipient
	case "out_of_credit":
		r.Class = connector.Throttled
	}
	return r
}
