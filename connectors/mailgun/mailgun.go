package mailgun

import (
	"context"
	_ "embed" // for the guide and the logo
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
	"github.com/postern-mail/postern/internal/address"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	Domain     string              `json:"domain" form:"Text,required" label:"Domain" placeholder:"mg.example.com" desc:"The sending domain at Mailgun."`
	APIKey     connector.Secret    `json:"apiKey" form:"Text,required" label:"API key" desc:"A sending key of the domain, or a key of the account."`
	From       providerapi.Mailbox `json:"from" form:"Text,required" label:"From" placeholder:"Acme <no-reply@mg.example.com>" desc:"The sender: an address of the domain, with a name in front if you like."`
	ReplyTo    providerapi.Mailbox `json:"replyTo" form:"Text" label:"Reply to" placeholder:"Support <support@example.com>" desc:"Where answers go, if not to the sender."`
	Headers    providerapi.Headers `json:"headers" form:"Json" label:"Custom headers" placeholder:"{\"X-Team\": \"sign-in\"}" desc:"Further headers for every mail, as an object."`
	Deliveries deliveries          `json:"deliveries" form:"Json" label:"Deliveries" placeholder:"{\"Generic\": {\"subject\": \"Your code is {{code}}\", \"html\": \"<p>{{code}}</p>\"}}" desc:"Wording of the mails by template type: html, or the name of a template at Mailgun. Leave it out to use the built-in templates."`
	SigningKey connector.Secret    `json:"webhookSigningKey" form:"Text" label:"Webhook signing key" desc:"Proves that events come from Mailgun. Without it events are refused."`
	providerapi.Server
}

// New returns the factory "mailgun-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "mailgun-email",
		Target:      "mailgun",
		Name:        map[string]string{"en": "Mailgun"},
		Description: map[string]string{"en": "Send through Mailgun, an e-mail service in the US and the EU."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Events: []connector.EventKind{
			connector.EventAccepted, connector.EventDeferred, connector.EventDelivered, connector.EventBounced,
			connector.EventComplained, connector.EventRejected, connector.EventSuppressed,
		},
	}, settings{Server: providerapi.Server{Endpoint: "https://api.mailgun.net"}}, open)
}

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	issues := s.Server.Validate()
	nonASCII := func(r rune) bool { return r > unicode.MaxASCII }
	if _, err := address.Parse("x@" + s.Domain); err != nil || strings.ContainsFunc(s.Domain, nonASCII) {
		issues = append(issues, providerapi.Invalid("must be a domain such as mg.example.com", "domain"))
	}
	return issues
}

// mailgun is the connector.
type mailgun struct {
	providerapi.Sender
	deliveries
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	return &mailgun{
		Sender:     providerapi.NewSender(providerapi.From{FromEmail: s.From}, s.ReplyTo),
		deliveries: s.Deliveries,
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain,
			Secrets: func() []string { return []string{s.APIKey.Reveal(), s.SigningKey.Reveal()} },
		}),
		settings: s,
	}, nil
}

// Send implements connector.Connector by POST /v3/{domain}/messages
// (https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages).
func (g *mailgun) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := g.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	form, err := g.form(mail)
	if err != nil {
		return connector.Receipt{}, err
	}
	login := &http.Request{Header: http.Header{}}
	login.SetBasicAuth("api", g.settings.APIKey.Reveal())
	at := g.settings.URL("/v3/" + g.settings.Domain + "/messages")
	answer, err := g.Do(ctx, m, providerapi.Form(at, login.Header, form))
	if err != nil {
		return connector.Receipt{}, err
	}
	var accepted struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	}
	if err := providerapi.Decode(answer, &accepted); err != nil {
		return connector.Receipt{}, err
	}
	if accepted.ID == "" {
		return connector.Receipt{}, providerapi.Unexpected(answer)
	}
	return g.Receipt(m, bare(accepted.ID), accepted.Message), nil
}

// bare takes the angle brackets off a message id: events come without them.
func bare(id string) string { return strings.Trim(id, "<>") }

// form makes the request's body.
func (g *mailgun) form(mail providerapi.Mail) (url.Values, error) {
	form := url.Values{
		"from": {providerapi.Header(mail.From)}, "to": {mail.To},
		// It rewrites links and adds a picture: neither belongs into a mail
		// that lets people in.
		"o:tracking": {"no"},
		// The message's id comes back with each event.
		"v:message-id": {providerapi.Key(mail.ID)},
	}
	for name, value := range g.settings.Headers {
		form.Set("h:"+name, value)
	}
	if mail.ReplyTo.Address != "" {
		form.Set("h:Reply-To", providerapi.Header(mail.ReplyTo))
	}
	if kind := mail.Tag(); kind != "" {
		form.Set("o:tag", kind)
	}
	if mail.Subject != "" { // else it is the template's
		form.Set("subject", mail.Subject)
	}
	if mail.Text == "" {
		return form, g.template(form, mail)
	}
	form.Set("text", mail.Text)
	if mail.HTML != "" {
		form.Set("html", mail.HTML)
	}
	return form, nil
}

// template has Mailgun render the mail
// (https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-templates).
// Variables of the settings stand behind those of the mail.
func (g *mailgun) template(form url.Values, mail providerapi.Mail) error {
	chosen := g.of(mail.Type)
	if chosen.Template == "" {
		return &connector.Error{Class: connector.Permanent, Message: "the mail has no text, and the settings no template at Mailgun for it"}
	}
	variables := maps.Clone(chosen.Variables)
	if variables == nil {
		variables = map[string]any{}
	}
	maps.Copy(variables, mail.Payload)
	text, err := json.Marshal(variables)
	if err != nil {
		return &connector.Error{Class: connector.Permanent, Message: "the variables cannot be written as JSON", Err: err}
	}
	form.Set("template", chosen.Template)
	form.Set("h:X-Mailgun-Variables", string(text))
	return nil
}

// explain reads a refusal: {"message": …}, or a bare word such as Forbidden
// (https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-http).
// What a message means stands only in its words.
func explain(a providerapi.Answer) providerapi.Refusal {
	words := providerapi.JSONWords(a.Body, "message")
	if words == "" && a.Status == http.StatusUnauthorized && len(a.Body) < 100 {
		words = string(a.Body)
	}
	return providerapi.Refusal{Class: classOf(a.Status, strings.ToLower(words)), Words: words}
}

// classOf returns the class of a refusal by its words in lower case; "" leaves
// it to the status.
func classOf(status int, words string) connector.Class {
	if status/100 != 4 {
		return ""
	}
	says := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(words, part) {
				return true
			}
		}
		return false
	}
	parameter, wrong, named := strings.Cut(words, " parameter is ")
	switch parameter = strings.Trim(parameter, "'"); {
	case named && parameter == "to" && strings.HasPrefix(wrong, "not a valid address"):
		return connector.Recipient
	case named && parameter == "from":
		return connector.ConfigFault
	// The limits of an account come as 400, 403, 420 and 429.
	case says("recipient limit", "request limit", "domains are limited to", "sending too fast"):
		return connector.Throttled
	case says("is not allowed to send", "sandbox subdomains are for test purposes", "domain not found"):
		return connector.ConfigFault
	default:
		return ""
	}
}
