package sparkpost

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
	APIKey connector.Secret `json:"apiKey" form:"Text,required" label:"API key" desc:"A key with the permission \"Transmissions: Read/Write\"."`
	Region string           `json:"region" form:"Select" label:"Region" options:"us=United States|eu=European Union" desc:"Where the account is. An endpoint takes its place."`
	providerapi.From
	providerapi.Wording
	providerapi.BasicAuth
	providerapi.Server
}

// New returns the factory "sparkpost-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "sparkpost-email",
		Target:      "sparkpost",
		Name:        map[string]string{"en": "SparkPost"},
		Description: map[string]string{"en": "Send through SparkPost, a large e-mail service that belongs to Bird."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventAccepted, connector.EventDeferred, connector.EventDelivered, connector.EventBounced,
			connector.EventComplained, connector.EventRejected, connector.EventSuppressed,
		},
	}, settings{Region: "us"}, open)
}

// sparkpost is the connector.
type sparkpost struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	if s.Endpoint == "" {
		s.Endpoint = endpoint(s.Region)
	}
	return &sparkpost{
		Sender: providerapi.NewSender(s.From, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.APIKey.Reveal(), s.WebhookPassword.Reveal()} },
		}),
		settings: s,
	}, nil
}

// endpoint is where a region's API is
// (https://developers.sparkpost.com/api/#header-endpoints).
func endpoint(region string) string {
	if region == "eu" {
		return "https://api.eu.sparkpost.com"
	}
	return "https://api.sparkpost.com"
}

// transmission is the body of POST /api/v1/transmissions
// (https://developers.sparkpost.com/api/transmissions/).
type transmission struct {
	Options          options           `json:"options"`
	Recipients       []recipient       `json:"recipients"`
	Content          content           `json:"content"`
	Campaign         string            `json:"campaign_id,omitempty"`
	Metadata         map[string]string `json:"metadata"`
	SubstitutionData map[string]string `json:"substitution_data,omitempty"`
}

// options turn off what would rewrite links and add a picture: neither belongs
// into a mail that lets people in.
type options struct {
	Transactional bool `json:"transactional"`
	OpenTracking  bool `json:"open_tracking"`
	ClickTracking bool `json:"click_tracking"`
}

type recipient struct {
	Address party `json:"address"`
}

type party struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

type content struct {
	From    party             `json:"from"`
	Subject string            `json:"subject"`
	HTML    string            `json:"html,omitempty"`
	Text    string            `json:"text"`
	ReplyTo string            `json:"reply_to,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// Send implements connector.Connector.
func (s *sparkpost) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := s.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := transmission{
		Options:    options{Transactional: true},
		Recipients: []recipient{{Address: party{Email: mail.To}}},
		Campaign:   mail.Tag(),
		// The message's id comes back with each event.
		Metadata: map[string]string{"message_id": providerapi.Key(m.ID)},
	}
	body.Content, body.SubstitutionData = s.content(mail)
	request, err := providerapi.JSON(
		s.settings.URL("/api/v1/transmissions"), http.Header{"Authorization": {s.settings.APIKey.Reveal()}}, body)
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := s.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	return s.accepted(m, answer)
}

// content writes a mail, and the values of the placeholders in it.
func (s *sparkpost) content(mail providerapi.Mail) (content, map[string]string) {
	var b braces
	c := content{
		From:    party{mail.From.Address, b.literal(mail.From.Name)},
		Subject: b.literal(mail.Subject), HTML: b.literal(mail.HTML), Text: b.literal(mail.Text),
	}
	if mail.ReplyTo.Address != "" {
		c.ReplyTo = b.literal(providerapi.Header(mail.ReplyTo))
	}
	for name, value := range s.settings.Headers {
		if c.Headers == nil {
			c.Headers = map[string]string{}
		}
		c.Headers[name] = b.literal(value)
	}
	return c, b.values()
}

// accepted reads the answer of a 200, which may still refuse the recipient.
func (s *sparkpost) accepted(m connector.Message, answer providerapi.Answer) (connector.Receipt, error) {
	var said struct {
		Results struct {
			ID       string `json:"id"`
			Accepted int    `json:"total_accepted_recipients"`
			Rejected int    `json:"total_rejected_recipients"`
		} `json:"results"`
	}
	if err := providerapi.Decode(answer, &said); err != nil {
		return connector.Receipt{}, err
	}
	switch r := said.Results; {
	case r.Accepted == 0 && r.Rejected > 0:
		// There is one recipient, so it is the one that was rejected.
		refusal := explain(answer)
		refusal.Class = connector.Recipient
		return connector.Receipt{}, s.Refused(m, answer, refusal)
	case r.Accepted == 0 || r.ID == "":
		return connector.Receipt{}, providerapi.Unexpected(answer)
	default:
		return s.Receipt(m, r.ID, ""), nil
	}
}
