package httpemail

import (
	"context"
	_ "embed" // for the guide and the logo
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
	"github.com/postern-mail/postern/internal/address"
)

//go:embed readme.md
var readme string

//go:embed logo.svg
var logo []byte

type settings struct {
	Endpoint      string           `json:"endpoint" form:"Text,required" label:"Endpoint" placeholder:"https://mail.example.com/send" desc:"URL that each mail is posted to. Use https outside your own network."`
	Authorization connector.Secret `json:"authorization" form:"Text" label:"Authorization" placeholder:"Bearer …" desc:"Value of the Authorization header, as your endpoint expects it."`
	SigningSecret connector.Secret `json:"signingSecret" form:"Text" label:"Signing secret" placeholder:"whsec_…" desc:"Signs each request by the Standard Webhooks specification: whsec_ and 24 to 64 random bytes in base64."`
	Proxy         connector.Secret `json:"proxy" form:"Text" label:"Proxy" placeholder:"http://proxy.example.com:3128" desc:"Reach the endpoint through this proxy (http, https or socks5; user and password may be in it). By default the one in HTTPS_PROXY, if any."`
}

// New returns the factory "http-email".
func New() connector.Factory {
	return connector.New(connector.Metadata{
		ID:          "http-email",
		Target:      "http-email",
		Name:        map[string]string{"en": "HTTP"},
		Description: map[string]string{"en": "Send through a mail service of your own, by one HTTP call a mail."},
		Logo:        connector.DataURL(logo),
		Readme:      readme,
		Wording:     connector.WordingProvider,
	}, settings{}, open)
}

// Validate implements connector.Validator.
func (s settings) Validate() []connector.Issue {
	var issues []connector.Issue
	if !validEndpoint(s.Endpoint) {
		issues = append(issues, providerapi.Invalid("must be an https or http URL without user and fragment", "endpoint"))
	}
	if strings.ContainsFunc(s.Authorization.Reveal(), unicode.IsControl) {
		issues = append(issues, providerapi.Invalid("must be one line without control characters", "authorization"))
	}
	if _, err := newSigner(s.SigningSecret); s.SigningSecret != "" && err != nil {
		issues = append(issues, providerapi.Invalid("must be whsec_ and 24 to 64 random bytes in base64", "signingSecret"))
	}
	return append(issues, connector.CheckProxy(s.Proxy, "proxy")...)
}

// validEndpoint reports whether mails can be posted to s. Unlike the API of a
// provider it may have a query, which is where some platforms put their keys,
// and be without TLS, within a network of one's own.
func validEndpoint(s string) bool {
	before, _, _ := strings.Cut(s, "?")
	u, err := url.Parse(s)
	return err == nil && u.Fragment == "" && providerapi.ValidURL(before) && !strings.ContainsFunc(s, unicode.IsSpace)
}

// The bounds of a signing secret, in bytes
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#symmetric).
const (
	minSecret = 24
	maxSecret = 64
)

// newSigner reads a signing secret.
func newSigner(secret connector.Secret) (*standardwebhooks.Webhook, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil || len(key) < minSecret || len(key) > maxSecret {
		return nil, errors.New("no signing secret")
	}
	return standardwebhooks.NewWebhookRaw(key)
}

// httpEmail is the connector.
type httpEmail struct {
	*providerapi.Client

	settings settings
	signer   *standardwebhooks.Webhook // nil for none
}

func open(s settings, host connector.Host) (connector.Connector, error) {
	h := &httpEmail{
		Client: providerapi.New(providerapi.Options{
			Host: host, Proxy: s.Proxy, Explain: explain, Secrets: s.secrets,
		}),
		settings: s,
	}
	if s.SigningSecret != "" {
		signer, err := newSigner(s.SigningSecret)
		if err != nil {
			return nil, err // cannot happen: Validate was asked
		}
		h.signer = signer
	}
	return h, nil
}

// secrets are what no text may show: the keys, and what the endpoint's query
// holds. Of an authorization such as "Bearer x" the x alone is secret too.
func (s settings) secrets() []string {
	_, credentials, _ := strings.Cut(s.Authorization.Reveal(), " ")
	list := []string{s.Authorization.Reveal(), credentials, s.SigningSecret.Reveal()}
	if u, err := url.Parse(s.Endpoint); err == nil {
		for _, values := range u.Query() {
			list = append(list, values...)
		}
	}
	return list
}

// call is the body of a request: what Logto's connector of this name posts
// (https://docs.logto.io/integrations/http-email).
type call struct {
	To      string                 `json:"to"`
	Type    connector.TemplateType `json:"type"`
	Payload map[string]any         `json:"payload"`
	IP      string                 `json:"ip,omitempty"`
}

// Send implements connector.Connector. Any 2xx accepts.
func (h *httpEmail) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	to, err := address.Parse(m.To)
	if err != nil {
		return connector.Receipt{}, &connector.Error{Class: connector.Permanent, Message: "the recipient is not one e-mail address"}
	}
	key := providerapi.Key(m.ID)
	header := http.Header{"Idempotency-Key": {key}}
	if h.settings.Authorization != "" {
		header.Set("Authorization", h.settings.Authorization.Reveal())
	}
	request, err := providerapi.JSON(h.settings.Endpoint, header, call{to, m.Type, m.Payload, m.IP})
	if err != nil {
		return connector.Receipt{}, err
	}
	if err := h.sign(request, key); err != nil {
		return connector.Receipt{}, err
	}
	if _, err := h.Do(ctx, m, request); err != nil {
		return connector.Receipt{}, err
	}
	return connector.Receipt{}, nil
}

// sign adds the headers of the Standard Webhooks specification. The id stays
// the same when a mail is tried again, the time does not.
func (h *httpEmail) sign(r providerapi.Request, id string) error {
	if h.signer == nil {
		return nil
	}
	now := time.Now()
	signature, err := h.signer.Sign(id, now, r.Body)
	if err != nil {
		return &connector.Error{Class: connector.ConfigFault, Message: "the request cannot be signed", Err: err}
	}
	r.Header.Set(standardwebhooks.HeaderWebhookID, id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

// explain finds words in a refusal. Its form is the endpoint's own, so these
// are the usual places, and what is plain text.
func explain(a providerapi.Answer) providerapi.Refusal {
	words := providerapi.JSONWords(a.Body, "code", "error", "error.message", "message", "detail")
	if words == "" && strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		words = string(a.Body)
	}
	return providerapi.Refusal{Words: words}
}
