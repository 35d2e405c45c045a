package compose

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/locale"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

// Source says where a wording came from.
type Source string

// The sources of wordings.
const (
	SourceCustom   Source = "custom"   // a stored template of the tenant
	SourceConfig   Source = "config"   // the connector's settings
	SourceBuiltin  Source = "builtin"  // shipped with the service
	SourceProvider Source = "provider" // the provider renders
)

// Request is one mail to compose.
type Request struct {
	TenantID  string
	MessageID string
	Type      connector.TemplateType
	To        string
	IP        string
	Payload   map[string]any
	// Validity is how long the code or link in the mail is valid from its
	// acceptance on, for the wording.
	Validity time.Duration
}

// Composer chooses languages and wordings, and renders them. It is safe for
// concurrent use.
type Composer struct {
	builtin *templates.Builtin
	stored  *templates.Service
	tenants *tenants.Service
	cache   *template.Cache
}

// New makes a Composer of the built-in wordings, those that tenants stored,
// their settings, and a cache for parsed templates.
func New(b *templates.Builtin, stored *templates.Service, t *tenants.Service, cache *template.Cache) *Composer {
	return &Composer{builtin: b, stored: stored, tenants: t, cache: cache}
}

// Language chooses the language of a mail of a management call: the first of
// uiLocales that the tenant's library supports, else the one given, else the
// tenant's default.
func (c *Composer) Language(ctx context.Context, tenantID, uiLocales, given string) (string, error) {
	settings, err := c.tenants.Settings(ctx, tenantID)
	if err != nil {
		return "", err
	}
	own, err := c.stored.Languages(ctx, tenantID)
	if err != nil {
		return "", err
	}
	return locale.Choose(locale.Request{
		UILocales: uiLocales, Given: given, Default: settings.LanguageInfo.FallbackLanguage,
	}, locale.Library{Own: own, Builtin: c.builtin.Languages()}), nil
}

// Compose renders the mail r for the connector it goes out through, in the
// language that its payload names as "locale". An error of the template is a
// *connector.Error of the class Permanent: another try would render the same.
func (c *Composer) Compose(ctx context.Context, r Request, via *routing.Opened) (connector.Message, Source, error) {
	settings, err := c.tenants.Settings(ctx, r.TenantID)
	if err != nil {
		return connector.Message{}, "", err
	}
	fallback := settings.LanguageInfo.FallbackLanguage
	m := connector.Message{
		ID: r.MessageID, Type: r.Type, To: r.To, IP: r.IP,
		Payload: withLocale(r.Payload, fallback),
	}
	m.Locale, _ = m.Payload["locale"].(string)
	w, err := choose(r.Type, m.Locale, fallback, via, c.finder(ctx, r.TenantID))
	if err != nil {
		return m, w.source, err
	}
	_, err = c.render(ctx, r, &m, w, branding(via, settings.Branding))
	return m, w.source, err
}

// finder looks for templates that the tenant stored.
func (c *Composer) finder(ctx context.Context, tenantID string) finder {
	return func(language string, t connector.TemplateType) (templates.Details, bool, error) {
		return c.stored.Find(ctx, tenantID, language, t)
	}
}

// render fills m with a wording. Its error is a *connector.Error.
func (c *Composer) render(
	ctx context.Context, r Request, m *connector.Message, w wording, look templates.Branding,
) (rendered templates.Rendered, err error) {
	if w.source == SourceBuiltin {
		rendered, err = c.builtin.Render(r.Type, m.Payload, templates.Options{
			Locale: m.Locale, Validity: r.Validity, Branding: look,
		})
	} else {
		library, err := c.stored.Library(ctx, r.TenantID)
		if err != nil {
			return templates.Rendered{}, err
		}
		custom, render := w.details.Custom(library), templates.RenderCustom
		custom.Text = w.text
		if w.source == SourceProvider {
			render = templates.RenderFields
		}
		if rendered, err = render(c.cache, custom, m.Payload); err != nil {
			return rendered, unrenderable(m, err)
		}
	}
	if err == nil {
		err = fill(m, rendered)
	}
	if err != nil {
		return rendered, unrenderable(m, err)
	}
	return rendered, nil
}

// unrenderable is the failure of a wording, for good: another try would render
// the same. Nothing of the mail is kept.
func unrenderable(m *connector.Message, err error) error {
	*m = connector.Message{}
	return &connector.Error{
		Class: connector.Permanent, Message: "the template cannot be rendered: " + err.Error(), Err: err,
	}
}

// fill puts what was rendered into m. Addresses that came out of a template
// are read here, after its values are in.
func fill(m *connector.Message, r templates.Rendered) error {
	m.Subject, m.HTML, m.Text = r.Subject, r.HTML, r.Text
	if from := strings.TrimSpace(r.SendFrom); from != "" {
		name, addr, err := address.ParseMailbox(from)
		if err != nil { // not an address: it is the display name
			name, addr = from, ""
		}
		m.From = connector.Mailbox{Name: name, Address: addr}
	}
	if to := strings.TrimSpace(r.ReplyTo); to != "" {
		name, addr, err := address.ParseMailbox(to)
		if err != nil {
			return fmt.Errorf("replyTo: %w", err)
		}
		m.ReplyTo = connector.Mailbox{Name: name, Address: addr}
	}
	return nil
}

// withLocale adds the language to the variables where the caller gave none.
func withLocale(payload map[string]any, fallback string) map[string]any {
	if given, _ := payload["locale"].(string); given != "" {
		return payload
	}
	p := make(map[string]any, len(payload)+1)
	maps.Copy(p, payload)
	p["locale"] = fallback
	return p
}

// branding is how the sender presents itself where neither application nor
// organization says so: what the connector's settings say, and for the rest
// what the tenant does.
func branding(via *routing.Opened, of tenants.Branding) templates.Branding {
	look := templates.Branding{LogoURL: of.LogoURL, DarkLogoURL: of.DarkLogoURL}
	if via == nil {
		return look
	}
	b, ok := via.Connector.(connector.Branded)
	if !ok {
		return look
	}
	name, company, logo := b.Branding()
	look.SenderName, look.CompanyInformation = name, company
	if logo != "" { // two logos of different owners would not match
		look.LogoURL, look.DarkLogoURL = logo, ""
	}
	return look
}
