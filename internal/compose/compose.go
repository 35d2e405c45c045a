package compose

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

// Source says where a wording came from.
type Source string

// The sources of wordings.
const (
	SourceConfig   Source = "config"   // the connector's settings
	SourceBuiltin  Source = "builtin"  // shipped with the service
	SourceProvider Source = "provider" // the provider renders
)

// Request is one mail to compose.
type Request struct {
	MessageID string
	Type      connector.TemplateType
	To        string
	IP        string
	Payload   map[string]any
	// Validity is how long the code or link in the mail is valid from its
	// acceptance on, for the wording.
	Validity time.Duration
}

// Composer chooses wordings and renders them. It is safe for concurrent use.
type Composer struct {
	builtin *templates.Builtin
	cache   *template.Cache
}

// New makes a Composer of the built-in wordings and a cache for others.
func New(builtin *templates.Builtin, cache *template.Cache) *Composer {
	return &Composer{builtin: builtin, cache: cache}
}

// defaultLocale is the language of mails until tenants choose their own.
const defaultLocale = "en"

// Compose renders the mail r for the connector it goes out through. Its
// error is a *connector.Error of the class Permanent: another try would
// render the same.
func (c *Composer) Compose(r Request, via *routing.Opened) (connector.Message, Source, error) {
	m := connector.Message{
		ID: r.MessageID, Type: r.Type, To: r.To, IP: r.IP,
		Payload: withLocale(r.Payload), Locale: defaultLocale,
	}
	if via.Factory.Metadata().Wording == connector.WordingProvider {
		return m, SourceProvider, nil
	}
	custom, source := c.choose(r.Type, via)
	var rendered templates.Rendered
	var err error
	if source == SourceConfig {
		rendered, err = templates.RenderCustom(c.cache, custom, m.Payload)
	} else {
		rendered, err = c.builtin.Render(r.Type, m.Payload, templates.Options{
			Locale: m.Locale, Validity: r.Validity, Branding: branding(via),
		})
	}
	if err == nil {
		err = fill(&m, rendered)
	}
	if err != nil {
		return connector.Message{}, source, &connector.Error{
			Class: connector.Permanent, Message: "the template cannot be rendered: " + err.Error(), Err: err,
		}
	}
	return m, source, nil
}

// choose returns the wording for a type: the connector's template for it,
// else its template for Generic, else the built-in one.
func (c *Composer) choose(t connector.TemplateType, via *routing.Opened) (templates.Custom, Source) {
	source, ok := via.Connector.(connector.TemplateSource)
	if !ok || via.Factory.Metadata().Wording != connector.WordingCustom {
		return templates.Custom{}, SourceBuiltin
	}
	for _, wanted := range []connector.TemplateType{t, connector.Generic} {
		for _, candidate := range source.Templates() {
			if candidate.UsageType == wanted {
				return templates.Custom{
					Subject: candidate.Subject, Content: candidate.Content, ContentType: candidate.ContentType,
				}, SourceConfig
			}
		}
	}
	return templates.Custom{}, SourceBuiltin
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
func withLocale(payload map[string]any) map[string]any {
	if _, given := payload["locale"]; given {
		return payload
	}
	p := make(map[string]any, len(payload)+1)
	maps.Copy(p, payload)
	p["locale"] = defaultLocale
	return p
}

func branding(via *routing.Opened) templates.Branding {
	b, ok := via.Connector.(connector.Branded)
	if !ok {
		return templates.Branding{}
	}
	name, company, logo := b.Branding()
	return templates.Branding{SenderName: name, CompanyInformation: company, LogoURL: logo}
}
