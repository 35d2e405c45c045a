package msgraph

import (
	"context"
	_ "embed" // for the guide and the logo
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/oauth"
	"github.com/postern-mail/postern/connector/providerapi"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	TenantID     string           `json:"tenantId" form:"Text,required" label:"Tenant ID" placeholder:"00000000-0000-0000-0000-000000000000" desc:"Directory (tenant) ID of the app registration, or a domain of the directory."`
	ClientID     providerapi.Line `json:"clientId" form:"Text,required" label:"Client ID" placeholder:"00000000-0000-0000-0000-000000000000" desc:"Application (client) ID of the app registration."`
	ClientSecret connector.Secret `json:"clientSecret" form:"Text,required" label:"Client secret" desc:"The value of a client secret of the app registration, not its ID."`
	providerapi.From
	providerapi.Wording
	providerapi.Server
	Authority string `json:"authority" form:"Text" label:"Authority" desc:"Where access tokens come from: another one in national clouds."`
}

// New returns the factory "microsoft-graph-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "microsoft-graph-email",
		Target:      "microsoft-graph",
		Name:        map[string]string{"en": "Microsoft Graph"},
		Description: map[string]string{"en": "Send from a mailbox of Microsoft 365 through Microsoft Graph."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
	}, settings{
		Server: providerapi.Server{Endpoint: "https://graph.microsoft.com"}, Authority: "https://login.microsoftonline.com",
	}, open)
}

// tokenPath follows the tenant in the address of its token endpoint.
const tokenPath = "/oauth2/v2.0/token" //nolint:gosec // a path, no credential

// tenantForm is a GUID or a domain name of at most maxTenant bytes: it stands
// in a path.
var tenantForm = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?$`)

const maxTenant = 254

// maxHeaders is how many headers a mail may bring along. Graph takes five and
// says so in its refusal (InvalidInternetMessageHeaderCollection); one of them
// is ours.
const maxHeaders = 4

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	issues := s.Server.Validate()
	if len(s.TenantID) > maxTenant || !tenantForm.MatchString(s.TenantID) {
		issues = append(issues, providerapi.Invalid("must be the ID of a directory or one of its domains", "tenantId"))
	}
	if len((providerapi.Server{Endpoint: s.Authority}).Validate()) > 0 {
		issues = append(issues, providerapi.Invalid("must be an https URL without user, query and fragment", "authority"))
	}
	for name := range s.Headers {
		if !strings.HasPrefix(strings.ToLower(name), "x-") {
			issues = append(issues, providerapi.Invalid("must begin with X-: Graph takes no other", "headers", name))
		}
	}
	if len(s.Headers) > maxHeaders {
		issues = append(issues, connector.Issue{Path: []any{"headers"}, Code: "too_big", Message: "must hold 4 headers at most"})
	}
	return issues
}

// msgraph is the connector.
type msgraph struct {
	providerapi.Sender
	providerapi.Templates
	*providerapi.Client

	settings settings
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	tokens := oauth.New(oauth.Options{
		HTTP:     providerapi.NewCarrier(host, s.Proxy),
		TokenURL: strings.TrimRight(s.Authority, "/") + "/" + s.TenantID + tokenPath,
		// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
		Grant: oauth.ClientCredentials{
			ClientID: string(s.ClientID), ClientSecret: s.ClientSecret, Scope: scope(s.Endpoint),
		},
	})
	return &msgraph{
		Sender: providerapi.NewSender(s.From, s.ReplyTo), Templates: providerapi.Templates(s.Templates),
		Client: providerapi.New(providerapi.Options{
			HTTP: tokens.Transport(), Proxy: s.Proxy, Explain: explain, Secrets: tokens.Secrets,
		}),
		settings: s,
	}, nil
}

// scope names the Graph that a token is for: that of a national cloud where
// the endpoint is its (https://learn.microsoft.com/graph/deployments).
func scope(endpoint string) string {
	host := "graph.microsoft.com"
	if u, err := url.Parse(endpoint); err == nil {
		switch u.Host {
		case "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn":
			host = u.Host
		}
	}
	return "https://" + host + "/.default"
}

// sending is the body of sendMail. In JSON, a mail has one body, so one with
// HTML goes without the text part. As MIME it would keep both, and every
// header; but then Exchange keeps a copy in Sent Items, which only JSON can
// forbid, and a mailbox full of codes and addresses is the worse loss.
type sending struct {
	Message         message `json:"message"`
	SaveToSentItems bool    `json:"saveToSentItems"`
}

// message is https://learn.microsoft.com/graph/api/resources/message.
type message struct {
	Subject      string   `json:"subject"`
	Body         body     `json:"body"`
	From         party    `json:"from"`
	ToRecipients []party  `json:"toRecipients"`
	ReplyTo      []party  `json:"replyTo,omitempty"`
	Headers      []header `json:"internetMessageHeaders"`
}

type body struct {
	ContentType string `json:"contentType"`
	Content     string `json:"content"`
}

type party struct {
	EmailAddress address `json:"emailAddress"`
}

type address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Send implements connector.Connector. The mailbox is that of the settings,
// whatever the sender of the mail: Exchange decides whether it may send as
// another.
func (g *msgraph) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	mail, err := g.Mail(m)
	if err != nil {
		return connector.Receipt{}, err
	}
	out := sending{Message: message{
		Subject: mail.Subject, Body: body{"Text", mail.Text},
		From: party{address(mail.From)}, ToRecipients: []party{{address{Address: mail.To}}},
		// No out-of-office note answers a code. "All" would keep bounces away too
		// (MS-OXCMAIL, X-Auto-Response-Suppress), and they are the only report.
		Headers: append([]header{{"X-Auto-Response-Suppress", "OOF, AutoReply"}}, g.headers()...),
	}}
	if mail.HTML != "" {
		out.Message.Body = body{"HTML", mail.HTML}
	}
	if mail.ReplyTo.Address != "" {
		out.Message.ReplyTo = []party{{address(mail.ReplyTo)}}
	}
	path := "/v1.0/users/" + url.PathEscape(g.From.Address) + "/sendMail"
	request, err := providerapi.JSON(g.settings.URL(path), nil, out)
	if err != nil {
		return connector.Receipt{}, err
	}
	answer, err := g.Do(ctx, m, request)
	if err != nil {
		return connector.Receipt{}, err
	}
	// The answer names no mail; the request's id is what Microsoft's support
	// asks for.
	return g.Receipt(m, answer.Header.Get("request-id"), ""), nil
}

func (g *msgraph) headers() []header {
	var list []header
	for _, name := range slices.Sorted(maps.Keys(g.settings.Headers)) {
		list = append(list, header{name, g.settings.Headers[name]})
	}
	return list
}
