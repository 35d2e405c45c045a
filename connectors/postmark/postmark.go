package postmark

import (
	"context"
	_ "embed" // for the guide and the logo
	"maps"
	"net/http"
	"slices"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	ServerToken connector.Secret `json:"serverToken" form:"Text,required" label:"Server token" placeholder:"00000000-0000-0000-0000-000000000000" desc:"The API token of the Postmark server that sends."`
	providerapi.From
	ReplyTo       providerapi.Mailbox `json:"replyTo" form:"Text" label:"Reply to" placeholder:"Support <support@example.com>" desc:"Where answers go, if not to the sender."`
	MessageStream providerapi.Line    `json:"messageStream" form:"Text" label:"Message stream" placeholder:"outbound" desc:"Id of the transactional message stream, if not the default one."`
	Templates     aliases             `json:"templates" form:"Json,required" label:"Templates" placeholder:"[{\"usageType\": \"Generic\", \"templateAlias\": \"code\"}]" desc:"Alias of the template at Postmark for each template type; Generic serves the types that are not named."`
	Headers       providerapi.Headers `json:"headers" form:"Json" label:"Custom headers" placeholder:"{\"X-Team\": \"sign-in\"}" desc:"Further headers for every mail, as an object."`
	providerapi.BasicAuth
	providerapi.Server
}

// aliases are the templates at Postmark. The first one of a type wins.
type aliases []alias

type alias struct {
	UsageType     connector.TemplateType `json:"usageType" form:",required"`
	TemplateAlias string                 `json:"templateAlias" form:",required"`
}

// Validate implements connector.Validator.
func (a alias) Validate() []connector.Issue {
	if a.UsageType.Valid() {
		return nil
	}
	return []connector.Issue{providerapi.Invalid("is not a template type", "usageType")}
}

// of returns the alias for a type, else that for Generic, else "".
func (list aliases) of(kind connector.TemplateType) string {
	for _, wanted := range []connector.TemplateType{kind, connector.Generic} {
		for _, one := range list {
			if one.UsageType == wanted {
				return one.TemplateAlias
			}
		}
	}
	return ""
}

// New returns the factory "postmark-mail".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "postmark-mail",
		Target:      "postmark",
		Name:        map[string]string{"en": "Postmark"},
		Description: map[string]string{"en": "Send through Postmark, from templates that are kept there."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventDeferred, connector.EventDelivered, connector.EventBounced, connector.EventComplained,
			connector.EventRejected, connector.EventSuppressed,
		},
		Wording: connector.WordingProvider,
	}, settings{Server: providerapi.Server{Endpoint: "https://api.postmarkapp.com"}}, open)
}

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue { return s.Server.Validate() }

// postmark is the connector.
type postmark struct {
	providerapi.Sender
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	return &postmark{
		Sender: providerapi.NewSender(s.From, s.ReplyTo),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.ServerToken.Reveal(), s.WebhookPassword.Reveal()} },
		}),
		settings: s,
	}, nil
}

// email is the body of POST /email/withTemplate
// (https://postmarkapp.com/developer/api/templates-api#email-with-template).
type email struct {
	From          string            `json:"From"`
	To            string            `json:"To"`
	ReplyTo       string            `json:"ReplyTo,omitempty"`
	TemplateAlias string            `json:"TemplateAlias"`
	TemplateModel map[string]any    `json:"TemplateModel"`
	MessageStream string            `json:"MessageStream,omitempty"`
	Tag           string            `json:"Tag,omitempty"`
	Metadata      map[string]string `json:"Metadata"`
	Headers       []header          `json:"Headers,omitempty"`
	TrackOpens    bool              `json:"TrackOpens"`
	TrackLinks    string            `json:"TrackLinks"`
}

type header struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// Send implements connector.Connector.
func (p *postmark) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := p.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	chosen := p.settings.Templates.of(m.Type)
	if chosen == "" {
		return connector.Receipt{}, &connector.Error{
			Class: connector.Permanent, Message: connector.ErrTemplateNotFound.Error(), Err: connector.ErrTemplateNotFound,
		}
	}
	request, err := providerapi.JSON(p.settings.URL("/email/withTemplate"), http.Header{
		"Accept":                  {"application/json"},
		"X-Postmark-Server-Token": {p.settings.ServerToken.Reveal()},
	}, p.email(mail, chosen))
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := p.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	var accepted said
	if err := providerapi.Decode(answer, &accepted); err != nil {
		return connector.Receipt{}, err
	}
	if accepted.MessageID == "" || accepted.ErrorCode != 0 {
		return connector.Receipt{}, providerapi.Unexpected(answer)
	}
	return p.Receipt(m, accepted.MessageID, accepted.Message), nil
}

func (p *postmark) email(mail providerapi.Mail, template string) email {
	body := email{
		From: providerapi.Header(mail.From), To: mail.To,
		TemplateAlias: template, TemplateModel: mail.Payload,
		MessageStream: string(p.settings.MessageStream), Tag: mail.Tag(),
		// The message's id comes back with each event.
		Metadata:   map[string]string{"message_id": providerapi.Key(mail.ID)},
		TrackLinks: "None", // links are not rewritten, and no picture is added
	}
	if body.TemplateModel == nil {
		body.TemplateModel = map[string]any{}
	}
	if mail.ReplyTo.Address != "" {
		body.ReplyTo = providerapi.Header(mail.ReplyTo)
	}
	for _, name := range slices.Sorted(maps.Keys(p.settings.Headers)) {
		body.Headers = append(body.Headers, header{name, p.settings.Headers[name]})
	}
	return body
}

// said is an answer
// (https://postmarkapp.com/developer/api/overview#error-codes).
type said struct {
	ErrorCode int
	Message   string
	MessageID string
}

// explain reads a refusal.
func explain(a providerapi.Answer) providerapi.Refusal {
	var refused said
	if providerapi.Decode(a, &refused) != nil {
		return providerapi.Refusal{}
	}
	return providerapi.Refusal{Class: classOf(refused), Words: refused.Message}
}
