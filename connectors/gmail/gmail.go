package gmail

import (
	"context"
	_ "embed" // for the guide and the logo
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/oauth"
	"github.com/postern-mail/postern/connector/providerapi"
	"github.com/postern-mail/postern/internal/mime"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

// sendScope lets the service account send, and read nothing.
const sendScope = "https://www.googleapis.com/auth/gmail.send"

type settings struct {
	Key serviceKey `json:"serviceAccountKey" form:"Json,required" label:"Service account key" placeholder:"{\"type\": \"service_account\", \"client_email\": \"…\", \"private_key\": \"…\", \"token_uri\": \"https://oauth2.googleapis.com/token\"}" desc:"The JSON file of a service account's key, as it is."`
	providerapi.From
	providerapi.Wording
	providerapi.Server
}

// New returns the factory "gmail-api-email".
func New() connector.Factory { return factory(time.Now) }

func factory(now func() time.Time) connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "gmail-api-email",
		Target:      "gmail",
		Name:        map[string]string{"en": "Gmail API"},
		Description: map[string]string{"en": "Send from a mailbox of Google Workspace through the Gmail API."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
	}, settings{Server: providerapi.Server{Endpoint: "https://gmail.googleapis.com"}},
		func(s settings, host connector.Host) (connector.Connector, error) { return open(s, host, now) })
}

// gmail is the connector.
type gmail struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
	now      func() time.Time
}

func open(s settings, host connector.Host, now func() time.Time) (connector.Connector, error) {
	key, err := oauth.ParseKey(s.Key.PrivateKey)
	if err != nil {
		return nil, err
	}
	sender := providerapi.NewSender(s.From, s.ReplyTo)
	tokens := oauth.New(oauth.Options{
		HTTP: providerapi.NewCarrier(host, s.Proxy), TokenURL: s.Key.TokenURI.Reveal(),
		// The account acts in the name of the user whose mailbox sends
		// (domain-wide delegation).
		Grant: oauth.Assertion{
			Key: key, KeyID: s.Key.PrivateKeyID.Reveal(), Issuer: s.Key.ClientEmail.Reveal(), Subject: sender.From.Address,
			Scope: sendScope, Audience: s.Key.TokenURI.Reveal(),
		},
	})
	return &gmail{
		Sender: sender, Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			HTTP: tokens.Transport(), Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string {
				return slices.Concat(tokens.Secrets(), []string{s.Key.PrivateKey.Reveal(), s.Key.PrivateKeyID.Reveal()})
			},
		}),
		settings: s, now: now,
	}, nil
}

// sending is the body of messages.send: a whole mail in base64url.
type sending struct {
	Raw string `json:"raw"`
}

// Send implements connector.Connector.
func (g *gmail) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := g.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	raw, err := mime.Build(mail.Message, mime.Options{
		From: mail.From, ReplyTo: mail.ReplyTo, Headers: g.settings.Headers, Date: g.now(),
		UTF8: mime.NeedsUTF8(mail.To) || mime.NeedsUTF8(mail.From.Address) || mime.NeedsUTF8(mail.ReplyTo.Address),
	})
	if err != nil {
		return connector.Receipt{}, unsendable(err)
	}
	body := sending{base64.URLEncoding.EncodeToString(raw)}
	request, err := providerapi.JSON(g.settings.URL("/gmail/v1/users/me/messages/send"), nil, body)
	if err != nil {
		return connector.Receipt{}, err
	}
	request.Encoded = body.Raw
	answer, err := g.Do(ctx, m, request)
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
	return g.Receipt(m, accepted.ID, ""), nil
}

// unsendable explains why a mail could not be made.
func unsendable(err error) *connector.Error {
	text := "its parts do not make a mail"
	if errors.Is(err, mime.ErrAddress) || errors.Is(err, mime.ErrHeader) {
		text = err.Error()
	}
	return &connector.Error{Class: connector.Permanent, Message: "the mail cannot be written: " + text}
}
