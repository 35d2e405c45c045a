package awsses

import (
	"cmp"
	"context"
	"crypto/x509"
	_ "embed" // for the guide and the logo
	"errors"
	"net/mail"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

// New returns the factory "aws-ses-mail".
func New() connector.Factory {
	getenv := os.Getenv //nolint:forbidigo // no settings: platforms tell a container so where its role is
	return newFactory(surroundings{getenv: getenv, metadata: metadataEndpoint})
}

// surroundings are what tests put in the place of the machine.
type surroundings struct {
	getenv   func(string) string
	metadata string         // where the machine's metadata is
	roots    *x509.CertPool // that certify Amazon SNS; nil means the system's
}

func newFactory(around surroundings) connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "aws-ses-mail",
		Target:      "aws-ses",
		Name:        map[string]string{"en": "Amazon SES"},
		Description: map[string]string{"en": "Send through Amazon Simple Email Service."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventAccepted, connector.EventDeferred, connector.EventDelivered, connector.EventBounced,
			connector.EventComplained, connector.EventRejected, connector.EventSuppressed,
		},
	}, settings{}, func(s settings, host connector.Host) (connector.Connector, error) { return open(s, host, around) })
}

// ses is the connector.
type ses struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	api          *sesv2.Client
	identity     *identity
	certificates *certificates
	settings     settings
}

func open(s settings, host connector.Host, around surroundings) (connector.Connector, error) {
	identity := newIdentity(s, host, around)
	client := providerapi.New(providerapi.Options{Host: host, Proxy: s.Proxy, Explain: explain, Secrets: identity.secrets})
	options := sesv2.Options{Region: string(s.Region), Credentials: identity, Retryer: aws.NopRetryer{}}
	if s.Endpoint != "" {
		options.BaseEndpoint = aws.String(s.URL(""))
	}
	return &ses{
		Sender:    providerapi.NewSender(providerapi.From{FromEmail: s.EmailAddress, FromName: s.FromName}, s.ReplyTo),
		Templates: providerapi.Templates(s.Templates), Client: client,
		api: sesv2.New(options), identity: identity,
		certificates: &certificates{client: client, roots: around.roots}, settings: s,
	}, nil
}

// Close implements io.Closer.
func (s *ses) Close() error { return errors.Join(s.Client.Close(), s.identity.close()) }

// Send implements connector.Connector. The API takes no idempotency key.
func (s *ses) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	if s.identity.source == nil {
		return connector.Receipt{}, errNotLent
	}
	if cmp.Or(m.From.Address, s.From.Address) == "" {
		return connector.Receipt{}, &connector.Error{
			Class:   connector.ConfigFault,
			Message: "neither the settings (emailAddress) nor the template (sendFrom) name a sender",
		}
	}
	ready, err := s.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	carrier := &carrier{client: s.Client, message: m}
	out, err := s.api.SendEmail(ctx, s.request(ready), func(o *sesv2.Options) { o.HTTPClient = carrier })
	switch {
	case carrier.err != nil:
		return connector.Receipt{}, carrier.err
	case carrier.answer == nil: // err says why
		return connector.Receipt{}, unsent(ctx, err)
	case err != nil || carrier.answer.Broken || aws.ToString(out.MessageId) == "":
		return connector.Receipt{}, providerapi.Unexpected(*carrier.answer)
	}
	return s.Receipt(m, aws.ToString(out.MessageId), ""), nil
}

// request makes the body of POST /v2/email/outbound-emails.
func (s *ses) request(m providerapi.Mail) *sesv2.SendEmailInput {
	message := &types.Message{
		Subject: utf8(m.Subject), Body: &types.Body{Text: utf8(m.Text)}, Headers: s.settings.sortedHeaders(),
	}
	if m.HTML != "" {
		message.Body.Html = utf8(m.HTML)
	}
	in := &sesv2.SendEmailInput{
		FromEmailAddress:                          aws.String(header(m.From)),
		FromEmailAddressIdentityArn:               given(s.settings.EmailAddressIdentityARN),
		Destination:                               &types.Destination{ToAddresses: []string{m.To}},
		FeedbackForwardingEmailAddress:            given(s.settings.FeedbackForwarding),
		FeedbackForwardingEmailAddressIdentityArn: given(s.settings.FeedbackForwardingIdentityARN),
		ConfigurationSetName:                      given(s.settings.ConfigurationSetName),
		Content:                                   &types.EmailContent{Simple: message},
		// The message's id comes back with each event that a configuration set
		// publishes. Values may hold what providerapi.Key does
		// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html).
		EmailTags: []types.MessageTag{{Name: aws.String("message_id"), Value: aws.String(providerapi.Key(m.ID))}},
	}
	if m.ReplyTo.Address != "" {
		in.ReplyToAddresses = []string{header(m.ReplyTo)}
	}
	if kind := m.Tag(); kind != "" {
		in.EmailTags = append(in.EmailTags, types.MessageTag{Name: aws.String("type"), Value: aws.String(kind)})
	}
	return in
}

// header writes a mailbox in 7-bit ASCII, with a name beyond it as encoded
// words (RFC 2047), which is how the API wants it.
func header(m connector.Mailbox) string {
	if m.Name == "" {
		return m.Address
	}
	return (&mail.Address{Name: m.Name, Address: m.Address}).String()
}

func utf8(text string) *types.Content {
	return &types.Content{Data: aws.String(text), Charset: aws.String("UTF-8")}
}

// given is nil for a key that is left out.
func given[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	return aws.String(string(s))
}
