package configuration

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

// codeSecret marks the issue of a secret that has to be given.
const codeSecret = "secret_required"

// wanted is a connector that is to be in a slot. It passed every check.
type wanted = placed

// target is a configuration that is to be, checked.
type whole struct {
	connectors map[int]wanted
	drafts     []templates.Draft
	partials   []templates.Partial
	settings   tenants.Settings
}

// place returns where a connector of a slot stands in a document.
func place(slot int) []any {
	if slot == 0 {
		return []any{"connector"}
	}
	return []any{"fallbackConnectors", slot - 1}
}

// want reads and checks what a document wants.
func (s *Service) want(d Document, target content, mayOpen func(string) bool) (whole, []fault.Issue) {
	w := whole{connectors: make(map[int]wanted)}
	list := map[int]Connector{}
	if d.Connector != nil {
		list[0] = *d.Connector
	}
	for i, c := range d.FallbackConnectors {
		list[i+1] = c
	}
	var issues []fault.Issue
	for _, slot := range slots(list) {
		in := list[slot]
		factory, known := s.Router.Registry().Get(in.ConnectorID)
		if !known {
			issues = append(issues, unknownFactory(slot))
			continue
		}
		plain, wrong := s.unmask(in, factory, target.connectors[slot], mayOpen)
		if len(wrong) == 0 {
			wrong = configIssues(factory.Check(plain))
		}
		issues = append(issues, below(wrong, append(place(slot), "config")...)...)
		w.connectors[slot] = wanted{in.ConnectorID, factory, plain}
	}
	for _, t := range d.Templates {
		w.drafts = append(w.drafts, templates.Draft{Language: t.LanguageTag, Type: t.TemplateType, Details: t.Details})
	}
	for _, p := range d.Partials {
		w.partials = append(w.partials, templates.Partial{Name: p.Name, Content: p.Content})
	}
	issues = append(issues, templates.CheckAll(w.drafts, w.partials)...)
	settings, wrong := tenants.ParseSettings(d.Settings)
	w.settings = settings
	return w, append(issues, below(wrong, "settings")...)
}

// wantSame checks what another tenant has: it may be of an earlier build, or
// use a factory that this one does not have.
func (s *Service) wantSame(source content) (whole, []fault.Issue) {
	w := whole{connectors: source.connectors, partials: source.partials, settings: source.settings}
	var issues []fault.Issue
	for _, slot := range slots(source.connectors) {
		c := source.connectors[slot]
		if c.factory == nil {
			issues = append(issues, unknownFactory(slot))
			continue
		}
		issues = append(issues, below(configIssues(c.factory.Check(c.plain)), append(place(slot), "config")...)...)
	}
	for _, t := range source.templates {
		w.drafts = append(w.drafts, templates.Draft{Language: t.Language, Type: t.Type, Details: t.Details})
	}
	issues = append(issues, templates.CheckAll(w.drafts, w.partials)...)
	return w, append(issues, below(w.settings.Check(), "settings")...)
}

func unknownFactory(slot int) fault.Issue {
	return fault.Issue{
		Path: append(place(slot), "connectorId"), Code: "invalid_value",
		Message: "is no connector factory of this installation; GET /api/connector-factories lists them",
	}
}

// below puts a path in front of those of issues.
func below(issues []fault.Issue, path ...any) []fault.Issue {
	for i := range issues {
		issues[i].Path = append(append([]any(nil), path...), issues[i].Path...)
	}
	return issues
}

// configIssues lists what a factory refuses. A factory's other errors are
// told without their words, which may hold anything.
func configIssues(err error) []fault.Issue {
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*connector.ConfigError](err)
	if !ok {
		return []fault.Issue{{Code: "invalid_value", Message: "cannot be read"}}
	}
	issues := make([]fault.Issue, len(refused.Issues))
	for i, issue := range refused.Issues {
		issues[i] = fault.Issue{Path: issue.Path, Code: issue.Code, Message: issue.Message}
	}
	return issues
}

// unmask puts secrets in the place of a connector's masks: those sealed beside
// it, else those that the target has in the same slot of the same factory.
func (s *Service) unmask(
	in Connector, factory connector.Factory, there placed, mayOpen func(string) bool,
) (json.RawMessage, []fault.Issue) {
	const give = "; put the secret itself in place of the mask"
	message := "is masked, and the target has no such secret" + give
	var stored json.RawMessage
	switch sealed := in.SealedSecrets; {
	case sealed != nil && !mayOpen(sealed.TenantID):
		message = "is sealed for another tenant, whose secrets this API key may not use" + give
	case sealed != nil:
		var err error
		if stored, err = s.Keys.Open(sealed.Data, sealedPurpose(sealed.TenantID, in.ConnectorID)); err != nil {
			message = "is sealed with the keyset of another installation, or the file was changed" + give
		}
	case there.factoryID == in.ConnectorID:
		stored = there.plain
	}
	plain, err := factory.Unmask(in.Config, stored)
	issues := configIssues(err)
	for i := range issues {
		if len(issues[i].Path) > 0 { // else the settings as a whole are no JSON object
			issues[i].Code, issues[i].Message = codeSecret, message
		}
	}
	return plain, issues
}

// sealedPurpose binds sealed secrets to whose they are and what they are for.
func sealedPurpose(tenantID, factoryID string) string {
	return "configuration:" + tenantID + ":" + factoryID
}

// export writes one connector.
func (s *Service) export(tenantID string, c placed, sealed bool) (Connector, error) {
	if c.factory == nil {
		return Connector{}, fault.New(fault.Unprocessable, "connector.not_found_with_connector_id",
			"The tenant %q uses the connector factory %q, which this build does not have.", tenantID, c.factoryID)
	}
	masked, err := c.factory.Mask(c.plain)
	if err != nil {
		return Connector{}, fmt.Errorf("mask settings: %w", err)
	}
	out := Connector{ConnectorID: c.factoryID, Config: masked}
	if sealed {
		data, err := s.Keys.Seal(c.plain, sealedPurpose(tenantID, c.factoryID))
		if err != nil {
			return Connector{}, err
		}
		out.SealedSecrets = &Sealed{TenantID: tenantID, Data: data}
	}
	return out, nil
}
