package configuration

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/templatefiles"
	"github.com/postern-mail/postern/internal/templates"
)

// plan fills in what a plan changes, and how.
func (s *Service) plan(p *Plan, target content, w whole, called names) error {
	was, err := s.viewOf(target.connectors, target.settings)
	if err != nil {
		return err
	}
	is, err := s.viewOf(w.connectors, w.settings)
	if err != nil {
		return err
	}
	for _, t := range target.templates {
		was.entries = append(was.entries, templatefiles.Template(t.Language, t.Type, t.Details))
	}
	for _, d := range w.drafts {
		is.entries = append(is.entries, templatefiles.Template(d.Language, d.Type, d.Details))
	}
	for _, partial := range target.partials {
		was.entries = append(was.entries, templatefiles.Partial(partial.Name, partial.Content))
	}
	for _, partial := range w.partials {
		is.entries = append(is.entries, templatefiles.Partial(partial.Name, partial.Content))
	}
	p.Changes = compare(was, is, called)
	if inUse, ok := w.connectors[0]; ok {
		p.connector = &inUse
	}
	p.delta = Delta{Was: target.state}
	p.delta.takeEntries(templatefiles.Compare(was.entries, is.entries), target, w)
	if string(was.settings) != string(is.settings) {
		p.delta.Settings = string(is.settings)
	}
	return s.takeConnectors(&p.delta, target, w)
}

// viewOf shows connectors and settings; templates and partials are added.
func (s *Service) viewOf(connectors map[int]placed, settings any) (view, error) {
	v := view{connectors: make(map[int]shown)}
	for slot, c := range connectors {
		masked := json.RawMessage("{}") // of a factory that is not there all is secret
		if c.factory != nil {
			var err error
			if masked, err = c.factory.Mask(c.plain); err != nil {
				return v, fmt.Errorf("mask settings: %w", err)
			}
		}
		v.connectors[slot] = shown{c.factoryID, c.plain, masked}
	}
	var err error
	if v.settings, err = json.Marshal(settings); err != nil {
		return v, fmt.Errorf("encode settings: %w", err)
	}
	return v, nil
}

// takeConnectors seals the connectors that differ. One of the same factory
// keeps its id, as one whose settings are replaced does.
func (s *Service) takeConnectors(d *Delta, target content, w whole) error {
	d.Connectors = make(map[int]routing.Record)
	all := maps.Clone(target.connectors)
	maps.Copy(all, w.connectors)
	for _, slot := range slots(all) {
		next, wanted := w.connectors[slot]
		if !wanted {
			d.Connectors[slot] = routing.Record{}
			continue
		}
		was := target.connectors[slot]
		if was.factoryID == next.factoryID && string(was.plain) == string(next.plain) {
			continue
		}
		record := routing.Record{TenantID: target.state.TenantID, FactoryID: next.factoryID}
		if was.factoryID == next.factoryID {
			record = target.state.Connectors[slot]
		}
		sealed, err := s.Router.Seal(record, next.plain)
		if err != nil {
			return err
		}
		d.Connectors[slot] = sealed
	}
	return nil
}

// takeEntries sorts the changes of templates and partials by what is to be
// done.
func (d *Delta) takeEntries(changes []templatefiles.Change, target content, w whole) {
	ids := make(map[templatefiles.Key]string, len(target.templates))
	for _, t := range target.templates {
		ids[keyOf(t.Language, t.Type)] = t.ID
	}
	changed := make(map[templatefiles.Key]bool, len(changes))
	for _, c := range changes {
		key := c.Key()
		switch {
		case c.Kind != templatefiles.Removed:
			changed[key] = true
		case key.Partial != "":
			d.PartialsGone = append(d.PartialsGone, key.Partial)
		default:
			d.TemplatesGone = append(d.TemplatesGone, ids[key])
		}
	}
	for _, draft := range w.drafts {
		if changed[keyOf(draft.Language, draft.Type)] {
			d.Templates = append(d.Templates, templates.Stored{Language: draft.Language, Type: draft.Type, Details: draft.Details})
		}
	}
	for _, partial := range w.partials {
		if changed[templatefiles.Key{Partial: partial.Name}] {
			d.Partials = append(d.Partials, partial)
		}
	}
}

func keyOf(language string, t connector.TemplateType) templatefiles.Key {
	return templatefiles.Key{Language: strings.ToLower(language), Type: t}
}
