package compose

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/templates"
)

// Preview is a mail as it would be sent now.
type Preview struct {
	Message connector.Message
	Source  Source
	// Language is that of the wording.
	Language string
	// Details are the wording, where it is not built in and not the
	// provider's.
	Details *templates.Details
}

// Preview renders the mail r like Compose, of sample variables with r.Payload
// over them, in r.Payload's language. details, if given, take the place of the
// wording; via may be nil. Errors are those of Compose.
func (c *Composer) Preview(
	ctx context.Context, r Request, details *templates.Details, via *routing.Opened,
) (Preview, error) {
	settings, err := c.tenants.Settings(ctx, r.TenantID)
	if err != nil {
		return Preview{}, err
	}
	fallback := settings.LanguageInfo.FallbackLanguage
	payload := Sample(r.Type)
	maps.Copy(payload, r.Payload)
	m := connector.Message{Type: r.Type, Payload: withLocale(payload, fallback)}
	m.Locale, _ = m.Payload["locale"].(string)

	w := wording{source: SourceCustom}
	if details != nil {
		w.details = *details
	} else if w, err = choose(r.Type, m.Locale, fallback, via, c.finder(ctx, r.TenantID)); err != nil {
		return Preview{}, err
	}
	p := Preview{Source: w.source, Language: cmp.Or(w.language, m.Locale)}
	rendered, err := c.render(ctx, r, &m, w, branding(via, settings.Branding))
	if err != nil {
		return Preview{}, err
	}
	switch w.source {
	case SourceBuiltin:
		p.Language = rendered.Locale
	case SourceCustom, SourceConfig:
		p.Details = &w.details
	case SourceProvider: // what it says is not known here
	}
	p.Message = m
	addSender(&p.Message, via)
	return p, nil
}

// addSender fills in what the connector's settings say of the sender, as far
// as the wording does not.
func addSender(m *connector.Message, via *routing.Opened) {
	if via == nil {
		return
	}
	s, ok := via.Connector.(connector.Sender)
	if !ok {
		return
	}
	from, replyTo := s.DefaultSender()
	m.From.Name = cmp.Or(m.From.Name, from.Name)
	m.From.Address = cmp.Or(m.From.Address, from.Address)
	if m.ReplyTo.Address == "" {
		m.ReplyTo = replyTo
	}
}

// Served says what mails of a type in a language are made from.
type Served struct {
	Language string
	Type     connector.TemplateType
	Source   Source
	// TemplateID, TemplateLanguage and TemplateType say which stored template
	// it is; of a connector's one only the type is known.
	TemplateID       string
	TemplateLanguage string
	TemplateType     connector.TemplateType
}

// Coverage returns the languages that a tenant can write mails in, its own
// and the built-in ones, and for each of them and each type what such a mail
// is made from. via may be nil.
func (c *Composer) Coverage(
	ctx context.Context, tenantID string, via *routing.Opened,
) (languages []string, cells []Served, err error) {
	settings, err := c.tenants.Settings(ctx, tenantID)
	if err != nil {
		return nil, nil, err
	}
	stored, err := c.stored.Keys(ctx, tenantID)
	if err != nil {
		return nil, nil, err
	}
	index := make(map[[2]string]templates.Stored, len(stored))
	at := func(language string, t connector.TemplateType) [2]string {
		return [2]string{strings.ToLower(language), string(t)}
	}
	for _, t := range stored {
		index[at(t.Language, t.Type)] = t
	}
	find := func(language string, t connector.TemplateType) (templates.Details, bool, error) {
		_, ok := index[at(language, t)]
		return templates.Details{}, ok, nil
	}
	languages = c.languages(stored)
	for _, language := range languages {
		for _, t := range connector.TemplateTypes() {
			w, err := choose(t, language, settings.LanguageInfo.FallbackLanguage, via, find)
			if err != nil {
				return nil, nil, err
			}
			cell := Served{Language: language, Type: t, Source: w.source, TemplateType: w.kind}
			if w.source == SourceCustom {
				s := index[at(w.language, w.kind)]
				cell.TemplateID, cell.TemplateLanguage = s.ID, s.Language
			}
			cells = append(cells, cell)
		}
	}
	return languages, cells, nil
}

// languages returns those of the stored templates and the built-in ones, each
// once, sorted.
func (c *Composer) languages(stored []templates.Stored) []string {
	var list []string
	for _, t := range stored {
		list = append(list, t.Language)
	}
	list = append(list, c.builtin.Languages()...)
	// The order is stable: a tenant's own spelling of a tag goes first.
	slices.SortStableFunc(list, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.CompactFunc(list, strings.EqualFold)
}
