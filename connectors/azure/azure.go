package azure

import (
	"context"
	_ "embed" // for the guide and the logo
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

// sendPath is the operation with the version of the API that it is written for.
const sendPath = "/emails:send?api-version=2023-03-31"

// settings name the endpoint themselves: each resource has its own.
type settings struct {
	Endpoint      string              `json:"endpoint" form:"Text,required" label:"Endpoint" placeholder:"https://acme.europe.communication.azure.com" desc:"The endpoint of your Communication Services resource, from its page Keys."`
	AccessKey     connector.Secret    `json:"accessKey" form:"Text,required" label:"Access key" desc:"The primary or secondary key from the same page."`
	SenderAddress providerapi.Mailbox `json:"senderAddress" form:"Text,required" label:"Sender address" placeholder:"DoNotReply@auth.example.com" desc:"A MailFrom address of a connected domain. Its display name is set in Azure."`
	providerapi.Wording
	providerapi.BasicAuth
	Proxy connector.Secret `json:"proxy" form:"Text" label:"Proxy" placeholder:"http://proxy.example.com:3128" desc:"Reach the API through this proxy (http, https or socks5; user and password may be in it), for a fixed IP address. By default the one in HTTPS_PROXY, if any."`
}

// New returns the factory "azure-communication-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "azure-communication-email",
		Target:      "azure",
		Name:        map[string]string{"en": "Azure Communication Services"},
		Description: map[string]string{"en": "Send through Azure Communication Services, Microsoft's e-mail service for applications."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events:      []connector.EventKind{connector.EventDelivered, connector.EventBounced, connector.EventSuppressed},
	}, settings{}, open)
}

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	issues := s.server().Validate()
	if _, err := newSigner(s.AccessKey); err != nil {
		issues = append(issues, providerapi.Invalid("must be a key of the resource, in base64", "accessKey"))
	}
	if s.SenderAddress.Parse().Name != "" {
		issues = append(issues, providerapi.Invalid("must be an address alone: its display name is set in Azure", "senderAddress"))
	}
	return issues
}

func (s settings) server() providerapi.Server {
	return providerapi.Server{Endpoint: s.Endpoint, Proxy: s.Proxy}
}

// azure is the connector.
type azure struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
	signer   signer
	now      func() time.Time
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	key, err := newSigner(s.AccessKey)
	if err != nil {
		return nil, err
	}
	return &azure{
		Sender:    providerapi.NewSender(providerapi.From{FromEmail: s.SenderAddress}, s.ReplyTo),
		Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.AccessKey.Reveal(), s.WebhookPassword.Reveal()} },
		}),
		settings: s, signer: key, now: time.Now,
	}, nil
}

// email is the body of POST /emails:send.
type email struct {
	SenderAddress string            `json:"senderAddress"`
	Recipients    recipients        `json:"recipients"`
	Content       content           `json:"content"`
	ReplyTo       []party           `json:"replyTo,omitempty"`
	Headers       map[string]string `json:"headers,omitempty"`
	// TrackingDisabled turns off what would rewrite links and add a picture.
	TrackingDisabled bool `json:"userEngagementTrackingDisabled"`
}

type recipients struct {
	To []party `json:"to"`
}

type content struct {
	Subject   string `json:"subject"`
	PlainText string `json:"plainText"`
	HTML      string `json:"html,omitempty"`
}

type party struct {
	Address     string `json:"address"`
	DisplayName string `json:"displayName,omitempty"`
}

// Send implements connector.Connector.
func (a *azure) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := a.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	body := email{
		SenderAddress: mail.From.Address, Recipients: recipients{[]party{{Address: mail.To}}},
		Content: content{mail.Subject, mail.Text, mail.HTML}, Headers: a.settings.Headers, TrackingDisabled: true,
	}
	if mail.ReplyTo.Address != "" {
		body.ReplyTo = []party{{mail.ReplyTo.Address, mail.ReplyTo.Name}}
	}
	request, err := providerapi.JSON(a.settings.server().URL(sendPath), nil, body)
	if err != nil {
		return connector.Receipt{}, err
	}
	// A second request with the id of an operation starts no second one.
	request.Header.Set("Operation-Id", operationID(m.ID))
	if err := a.signer.sign(request, a.now()); err != nil {
		return connector.Receipt{}, err
	}
	answer, err := a.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	var accepted struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	if err := providerapi.Decode(answer, &accepted); err != nil {
		return connector.Receipt{}, err
	}
	if accepted.ID == "" {
		return connector.Receipt{}, providerapi.Unexpected(answer)
	}
	return a.Receipt(m, accepted.ID, accepted.Status), nil
}

// operationID is a message's id if it is a UUID, which Azure asks for, or a
// UUID made of it (RFC 9562 section 5.5). Delivery reports name it.
func operationID(messageID string) string {
	if id, err := uuid.Parse(messageID); err == nil {
		return id.String()
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(messageID)).String()
}
