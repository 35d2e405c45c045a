package builtin

import (
	"context"
	_ "embed" // readme.md and logo.svg
	"errors"
	"net/url"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/mime"
)

// ID is the factory's id.
const ID = "postern-email"

// defaultFrom is the sender when the settings name none. The domain is one
// that no mail ever leaves or reaches (RFC 6761 section 6.3).
const defaultFrom = "no-reply@postern.localhost"

// How mails are delivered.
const (
	deliveryInbox  = "inbox"
	deliveryDirect = "direct"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	SenderName         string `json:"senderName" form:"Text" label:"Sender name" placeholder:"Acme" desc:"The name in front of the sender's address, and in the built-in templates. Without web addresses."`
	CompanyInformation string `json:"companyInformation" form:"Text" label:"Company information" placeholder:"Acme Inc., 1 Main Street, Springfield" desc:"A line at the foot of the built-in templates. Without web addresses."`
	AppLogo            string `json:"appLogo" form:"Text" label:"App logo" placeholder:"https://cdn.example.com/logo.png" desc:"The address of a picture at the head of the built-in templates: PNG or JPEG, 40 pixels high or more."`
	FromEmail          string `json:"fromEmail" form:"Text" label:"From" placeholder:"no-reply@example.com" desc:"The sender's address, without a name."`
	Delivery           string `json:"delivery" form:"Select" label:"Delivery" options:"inbox=Keep in the built-in inbox|direct=Straight to the recipient's mail server" desc:"Mails in the built-in inbox are seen in the console and at GET /api/inbox; none leaves this machine."`
}

// New returns the factory.
func New() connector.Factory {
	defaults := settings{Delivery: deliveryInbox, FromEmail: defaultFrom}
	return connector.New(metadata(), defaults, func(s settings, host connector.Host) (connector.Connector, error) {
		if s.FromEmail == "" {
			s.FromEmail = defaultFrom
		}
		return &builtin{settings: s, inbox: host.Inbox}, nil
	})
}

func metadata() connector.Metadata {
	return connector.Metadata{
		ID:     ID,
		Target: ID,
		Name:   map[string]string{"en": "Built-in e-mail"},
		Description: map[string]string{
			"en": "Keeps mails in the built-in inbox. Nothing to set up: the place to start.",
		},
		Logo:    connector.DataURL(logo),
		Readme:  readme,
		Wording: connector.WordingBuiltin,
	}
}

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	var issues []connector.Issue
	refuse := func(key, message string) {
		issues = append(issues, connector.Issue{Path: []any{key}, Code: "invalid_value", Message: message})
	}
	const noLink = "must not hold a web or e-mail address; put a space after a dot that belongs to neither"
	if holdsLink(s.SenderName) {
		refuse("senderName", noLink)
	}
	if holdsLink(s.CompanyInformation) {
		refuse("companyInformation", noLink)
	}
	if s.AppLogo != "" && !isWebURL(s.AppLogo) {
		refuse("appLogo", "must be a web address that begins with https:// or http://")
	}
	if s.FromEmail != "" {
		if _, err := address.Parse(s.FromEmail); err != nil {
			refuse("fromEmail", "must be one e-mail address, such as no-reply@example.com")
		}
	}
	if s.Delivery == deliveryDirect {
		refuse("delivery", "direct is not available yet; use inbox, or another connector")
	}
	return issues
}

// isWebURL reports whether s is an absolute http or https URL that may stand
// in a mail: without user and password.
func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// builtin is the open connector.
type builtin struct {
	settings settings
	inbox    connector.Inbox
}

// Branding implements connector.Branded.
func (b *builtin) Branding() (senderName, companyInformation, appLogo string) {
	return b.settings.SenderName, b.settings.CompanyInformation, b.settings.AppLogo
}

// Send builds the mail as any mail server would get it and keeps it.
func (b *builtin) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	if b.inbox == nil {
		return connector.Receipt{}, &connector.Error{Class: connector.ConfigFault, Message: "this service keeps no inbox"}
	}
	from, _ := b.DefaultSender()
	if m.From.Name != "" {
		from.Name = m.From.Name
	}
	if m.From.Address != "" {
		from.Address = m.From.Address
	}
	raw, err := mime.Build(m, mime.Options{From: from, ReplyTo: m.ReplyTo, UTF8: true})
	if err != nil {
		return connector.Receipt{}, &connector.Error{Class: connector.Permanent, Message: "the mail cannot be written: " + err.Error(), Err: err}
	}
	mail := connector.InboxMail{MessageID: m.ID, To: m.To, Subject: m.Subject, Raw: raw}
	if err := b.inbox.Keep(ctx, mail); err != nil {
		message := "the inbox did not take the mail"
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			message += " in time"
		}
		return connector.Receipt{}, &connector.Error{Class: connector.Temporary, Message: message, Err: err}
	}
	return connector.Receipt{ProviderID: m.ID, Answer: "kept in the built-in inbox"}, nil
}

// Keeps implements connector.Keeper.
func (b *builtin) Keeps() bool { return b.settings.Delivery != deliveryDirect }

// DefaultSender implements connector.Sender.
func (b *builtin) DefaultSender() (from, replyTo connector.Mailbox) {
	return connector.Mailbox{Name: b.settings.SenderName, Address: b.settings.FromEmail}, connector.Mailbox{}
}
