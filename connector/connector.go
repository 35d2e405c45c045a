package connector

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
)

// Connector hands messages to one provider with one set of settings.
//
// Implementations are safe for concurrent use. They make one attempt a call
// and never retry: the caller's queue decides that from the Error's Class.
// A Connector that holds resources (kept connections, idle goroutines)
// implements io.Closer; Close may be called while Sends are under way and
// lets them finish.
type Connector interface {
	// Send hands m to the provider. A nil error means that the provider took
	// responsibility for it. Every non-nil error is an *Error, whose text
	// holds no secret, no code and nothing of the rendered body.
	Send(ctx context.Context, m Message) (Receipt, error)
}

// TemplateSource is implemented by connectors whose settings carry templates
// of their own (the config templates of the glossary), or say which types the
// provider has the wording of (Template.AtProvider).
type TemplateSource interface {
	// ConfigTemplates returns the templates of the settings in their order;
	// the first one of a type wins.
	ConfigTemplates() []Template
}

// Branded is implemented by connectors whose settings say how the sender
// presents itself. Composition uses it where neither the application nor the
// organization has branding of its own.
type Branded interface {
	// Branding returns the sender's name, a line about the company and the
	// URL of a logo; each may be empty.
	Branding() (senderName, companyInformation, appLogo string)
}

// Sender is implemented by connectors whose settings name the sender.
type Sender interface {
	// DefaultSender returns who mails come from and where answers go as the
	// settings say, for what a message does not override.
	DefaultSender() (from, replyTo Mailbox)
}

// Keeper is implemented by connectors that may keep mails in the service
// itself. What is kept reaches nobody, whatever its recipient.
type Keeper interface {
	// Keeps reports whether mails are kept and none is sent on.
	Keeps() bool
}

// Checker is implemented by connectors that can prove their settings against
// the provider without sending a mail.
type Checker interface {
	Check(ctx context.Context) error
}

// Factory is the code for one provider. New makes one from a settings struct.
type Factory interface {
	// Metadata describes the provider.
	Metadata() Metadata
	// Form lists the fields of the settings in the order they are shown.
	Form() []FormItem
	// Check decodes config strictly. It returns a *ConfigError that lists
	// every problem, or nil.
	Check(config json.RawMessage) error
	// Mask returns config with every non-empty secret replaced by SecretMask.
	Mask(config json.RawMessage) (json.RawMessage, error)
	// Unmask returns config with every SecretMask replaced by the value that
	// stored holds at the same place. A mask for which stored has no value is
	// a *ConfigError.
	Unmask(config, stored json.RawMessage) (json.RawMessage, error)
	// Open makes a Connector. It checks config as Check does and does no
	// network I/O.
	Open(config json.RawMessage, host Host) (Connector, error)
}

// Host is what the service lends to an open connector.
type Host struct {
	// Dial opens every outgoing connection of the connector. It refuses
	// private addresses after name resolution unless the operator allowed
	// them, and connects from LocalAddr. Nil means a plain net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// HTTP carries the requests of connectors that speak HTTP, over Dial and
	// the operator's proxy, on connections that all of them share. Nil means
	// that each connector makes its own.
	HTTP http.RoundTripper
	// Inbox keeps mail for reading in the service itself. Nil when the
	// service has none.
	Inbox Inbox
	// MachineRole says that the operator lends the machine's own identity (an
	// instance profile, the role of a container) to this tenant, for settings
	// that name no credentials. Without it connectors never use it.
	MachineRole bool
}

// Inbox keeps mails instead of sending them on, for development.
type Inbox interface {
	// Keep stores one complete RFC 5322 message.
	Keep(ctx context.Context, m InboxMail) error
}

// InboxMail is one mail as the inbox keeps it.
type InboxMail struct {
	MessageID string // Message.ID
	To        string
	Subject   string
	Raw       []byte // RFC 5322, CRLF line ends
}

// Metadata describes a provider to people. Language keys are BCP 47 tags;
// "en" is always present.
type Metadata struct {
	ID          string // factory id, e.g. "simple-mail-transfer-protocol"
	Target      string // provider's short name, e.g. "smtp"
	Name        map[string]string
	Description map[string]string
	Logo        string // data: URL
	LogoDark    string // data: URL, or "" for none
	Readme      string // Markdown: a step-by-step guide
	Wording     Wording
	// Events lists what the provider reports by callback (EventReader), but
	// for EventOther; nil when it reports nothing.
	Events []EventKind
}

// Wording says where the text of a connector's mails comes from.
type Wording int

const (
	// WordingCustom: stored templates, then the connector's, then built-in ones.
	WordingCustom Wording = iota
	// WordingBuiltin: built-in templates only.
	WordingBuiltin
	// WordingProvider: the provider renders; it gets the payload.
	WordingProvider
)

// TemplateType is the purpose of a mail.
type TemplateType string

// The nine template types.
const (
	SignIn                   TemplateType = "SignIn"
	Register                 TemplateType = "Register"
	ForgotPassword           TemplateType = "ForgotPassword"
	OrganizationInvitation   TemplateType = "OrganizationInvitation"
	Generic                  TemplateType = "Generic"
	UserPermissionValidation TemplateType = "UserPermissionValidation"
	BindNewIdentifier        TemplateType = "BindNewIdentifier"
	MfaVerification          TemplateType = "MfaVerification"
	BindMfa                  TemplateType = "BindMfa"
)

// TemplateTypes returns the nine template types in the order they are shown.
func TemplateTypes() []TemplateType {
	return []TemplateType{
		SignIn, Register, ForgotPassword, OrganizationInvitation, Generic,
		UserPermissionValidation, BindNewIdentifier, MfaVerification, BindMfa,
	}
}

// Valid reports whether t is one of the nine types.
func (t TemplateType) Valid() bool {
	return slices.Contains(TemplateTypes(), t)
}

// CarriesCode reports whether mails of this type carry a verification code
// (all but the invitation, which carries a link).
func (t TemplateType) CarriesCode() bool { return t.Valid() && t != OrganizationInvitation }

// NeedsUser reports whether mails of this type tell of a user who is known
// already (Logto's documentation, "Email template types").
func (t TemplateType) NeedsUser() bool {
	return t == UserPermissionValidation || t == BindNewIdentifier || t == BindMfa
}

// Template is one wording from a connector's settings. Its content type may
// be called contentType or type there; empty means text/html.
type Template struct {
	UsageType   TemplateType `json:"usageType" form:",required"`
	Subject     string       `json:"subject" form:",required"`
	Content     string       `json:"content" form:",required"`
	ContentType ContentType  `json:"contentType,omitempty" alias:"type" options:"text/html|text/plain"`

	// The fields below are for connectors that have keys of their own for
	// them. In the JSON of a template they are unknown keys.

	// Text is the text part of HTML content; "" has it made of the content.
	Text string `json:"-"`
	// ReplyTo is where answers go, or "".
	ReplyTo string `json:"-"`
	// AtProvider says that the provider has the content and renders it of
	// Message.Payload: of the message only Subject and ReplyTo are rendered
	// here, and its HTML and Text are empty.
	AtProvider bool `json:"-"`
}

// ContentType is the media type of a template's content.
type ContentType string

// The content types that templates may have.
const (
	TextHTML  ContentType = "text/html"
	TextPlain ContentType = "text/plain"
)

// Message is one rendered mail to one recipient.
type Message struct {
	// ID is stable across attempts and serves as idempotency key.
	ID   string
	Type TemplateType
	// To is one RFC 5321 mailbox without display name; the local part and the
	// domain may be UTF-8 (RFC 6531).
	To string
	// From overrides the sender of the settings, as far as it is set. The
	// template's sendFrom, already parsed.
	From Mailbox
	// ReplyTo overrides the settings' reply-to when its Address is set.
	ReplyTo Mailbox
	Subject string
	// HTML is empty for plain-text mails; Text is never empty in a message
	// rendered here, and always is where the provider renders. Both are UTF-8
	// with LF line ends.
	HTML string
	Text string
	// Locale is the language of the mail (BCP 47).
	Locale string
	// Payload holds the variables, for providers that render themselves.
	// It carries the code: never log it.
	Payload map[string]any
	// IP is the address of the client on whose behalf the mail is sent, if known.
	IP string
}

// Mailbox is a display name and an address; either may be empty.
type Mailbox struct {
	Name    string
	Address string
}

// Receipt is what a provider said when it took a message.
type Receipt struct {
	// ProviderID is the provider's id of the message, or "".
	ProviderID string
	// Answer is the provider's words, short and free of secrets, or "".
	Answer string
}
