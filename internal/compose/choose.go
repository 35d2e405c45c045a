package compose

import (
	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/locale"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/templates"
)

// wording is what a mail is rendered from.
type wording struct {
	source  Source
	details templates.Details // of SourceProvider only what becomes headers counts
	text    string            // the text part of SourceConfig, where it has one of its own
	// language that a stored template was found under, and the type that it or
	// the connector's template is of; "" otherwise.
	language string
	kind     connector.TemplateType
}

// finder returns the tenant's template of exactly this language (without
// regard to case) and type; ok is false when there is none.
type finder func(language string, t connector.TemplateType) (d templates.Details, ok bool, err error)

// choose returns the wording for a type and a language: the tenant's for
// them; for the type in the base language; for the type, then for Generic, in
// the default language; the connector's for the type, then for Generic, which
// may be the provider's; the built-in one. Connectors with wording of their own
// leave all or most out.
// Without a connector, via is nil.
func choose(
	t connector.TemplateType, language, fallback string, via *routing.Opened, find finder,
) (wording, error) {
	if via != nil {
		switch via.Factory.Metadata().Wording {
		case connector.WordingProvider:
			return wording{source: SourceProvider}, nil
		case connector.WordingBuiltin:
			return wording{source: SourceBuiltin}, nil
		case connector.WordingCustom:
		}
	}
	for _, step := range []struct {
		language string
		kind     connector.TemplateType
	}{
		{language, t}, {locale.Base(language), t}, {fallback, t}, {fallback, connector.Generic},
	} {
		d, found, err := find(step.language, step.kind)
		if err != nil {
			return wording{}, err
		}
		if found {
			return wording{source: SourceCustom, details: d, language: step.language, kind: step.kind}, nil
		}
	}
	if w, ok := configured(t, via); ok {
		return w, nil
	}
	return wording{source: SourceBuiltin}, nil
}

// configured returns the wording in a connector's settings: the first for the
// type, else the first for Generic.
func configured(t connector.TemplateType, via *routing.Opened) (wording, bool) {
	if via == nil {
		return wording{}, false
	}
	source, ok := via.Connector.(connector.TemplateSource)
	if !ok {
		return wording{}, false
	}
	for _, wanted := range []connector.TemplateType{t, connector.Generic} {
		for _, candidate := range source.ConfigTemplates() {
			if candidate.UsageType == wanted {
				return wordingOf(candidate), true
			}
		}
	}
	return wording{}, false
}

// wordingOf returns the wording that a template of a connector's settings is.
func wordingOf(t connector.Template) wording {
	w := wording{source: SourceConfig, kind: t.UsageType, text: t.Text, details: templates.Details{
		Subject: t.Subject, Content: t.Content, ContentType: t.ContentType, ReplyTo: t.ReplyTo,
	}}
	if t.AtProvider {
		w.source = SourceProvider
	}
	return w
}
