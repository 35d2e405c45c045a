package configuration

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/templates"
)

// Version is the version of the documents that this build writes and reads.
const Version = 1

// Bounds of a document.
const (
	MaxDocument  = 32 << 20 // bytes
	maxFallbacks = 3
	maxTemplates = 2000
	maxPartials  = 1000
)

// Document is a tenant's configuration as it is written down. All keys are
// required: what a document leaves out would be removed from its target.
type Document struct {
	Version            int             `json:"version" enum:"1" doc:"Of the document's form."`
	Connector          *Connector      `json:"connector" doc:"The connector in use; null for none."`
	FallbackConnectors []Connector     `json:"fallbackConnectors" maxItems:"3" doc:"In the order in which they are tried."`
	Settings           json.RawMessage `json:"settings" doc:"languageInfo, verificationCodePolicy, sentinelPolicy, messageRateLimit, emailBlocklistPolicy, branding: as in /api/sign-in-exp."`
	Templates          []Template      `json:"templates" maxItems:"2000"`
	Partials           []Partial       `json:"partials" maxItems:"1000"`
}

// Connector is one connector in a document.
type Connector struct {
	ConnectorID   string          `json:"connectorId" example:"simple-mail-transfer-protocol" doc:"Id of the factory."`
	Config        json.RawMessage `json:"config" doc:"The settings; secrets read as ********."`
	SealedSecrets *Sealed         `json:"sealedSecrets,omitempty" doc:"The secrets that config masks."`
}

// Sealed are the secrets of one connector, sealed with the installation's
// keyset.
type Sealed struct {
	TenantID string `json:"tenantId" example:"dev" doc:"Whose they are."`
	Data     []byte `json:"data" doc:"Base64."`
}

// Template is one template in a document.
type Template struct {
	LanguageTag  string                 `json:"languageTag" example:"de"`
	TemplateType connector.TemplateType `json:"templateType" example:"SignIn"`
	Details      templates.Details      `json:"details"`
}

// Partial is one partial in a document.
type Partial struct {
	Name    string `json:"name" example:"footer"`
	Content string `json:"content"`
}

// Parse reads a document strictly. What is wrong with it is a fault with the
// places; what the values mean is not looked at yet.
func Parse(text []byte) (Document, error) {
	var p parser
	var d Document
	if !utf8.Valid(text) || !json.Valid(text) {
		return d, refuse([]fault.Issue{{Code: "invalid_type", Message: "must be JSON (RFC 8259, in UTF-8)"}})
	}
	top := p.object(text, nil, keys{required: []string{
		"version", "connector", "fallbackConnectors", "settings", "templates", "partials",
	}})
	if top == nil {
		return d, refuse(p.issues)
	}
	if p.value(top["version"], &d.Version, "version") && d.Version != Version {
		p.add("invalid_value", fmt.Sprintf("must be %d: this build reads no other version", Version), "version")
	}
	if raw := top["connector"]; raw != nil && string(raw) != "null" {
		c := p.connector(raw, "connector")
		d.Connector = &c
	}
	for i, raw := range p.list(top["fallbackConnectors"], maxFallbacks, "fallbackConnectors") {
		d.FallbackConnectors = append(d.FallbackConnectors, p.connector(raw, "fallbackConnectors", i))
	}
	d.Settings = top["settings"]
	for i, raw := range p.list(top["templates"], maxTemplates, "templates") {
		d.Templates = append(d.Templates, p.template(raw, "templates", i))
	}
	for i, raw := range p.list(top["partials"], maxPartials, "partials") {
		var partial Partial
		path := []any{"partials", i}
		members := p.object(raw, path, keys{required: []string{"name", "content"}})
		p.value(members["name"], &partial.Name, append(path, "name")...)
		p.value(members["content"], &partial.Content, append(path, "content")...)
		d.Partials = append(d.Partials, partial)
	}
	if len(p.issues) > 0 {
		return d, refuse(p.issues)
	}
	return d, nil
}

// parser collects what is wrong with a document.
type parser struct{ issues []fault.Issue }

// keys are those that an object must and may have.
type keys struct{ required, optional []string }

func (p *parser) add(code, message string, path ...any) {
	p.issues = append(p.issues, fault.Issue{Path: slices.Clone(path), Code: code, Message: message})
}

// object reads an object of known keys; nil when it is none. Package json alone
// would take keys in another case and pass over those it does not know.
func (p *parser) object(text json.RawMessage, path []any, known keys) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if text == nil {
		return nil // told already
	}
	if json.Unmarshal(text, &members) != nil || members == nil {
		p.add("invalid_type", "must be an object", path...)
		return nil
	}
	var unknown []string
	for name := range members {
		if !slices.Contains(known.required, name) && !slices.Contains(known.optional, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		p.add("invalid_value", "is not a known key", append(slices.Clone(path), name)...)
	}
	for _, name := range known.required {
		if _, given := members[name]; !given {
			p.add("required", "is required", append(slices.Clone(path), name)...)
		}
	}
	return members
}

// value reads a string, a number or bytes; ok tells whether it was one.
func (p *parser) value(text json.RawMessage, into any, path ...any) (ok bool) {
	if text == nil {
		return false // told already, or optional
	}
	if json.Unmarshal(text, into) != nil || string(text) == "null" {
		expected := "a string"
		switch into.(type) {
		case *int:
			expected = "a whole number"
		case *[]byte:
			expected = "a string of Base64"
		}
		p.add("invalid_type", "must be "+expected, path...)
		return false
	}
	return true
}

func (p *parser) list(text json.RawMessage, limit int, path ...any) []json.RawMessage {
	if text == nil {
		return nil // told already
	}
	var items []json.RawMessage
	if json.Unmarshal(text, &items) != nil || items == nil {
		p.add("invalid_type", "must be a list", path...)
		return nil
	}
	if len(items) > limit {
		p.add("too_big", fmt.Sprintf("must have at most %d entries", limit), path...)
		return nil
	}
	return items
}

func (p *parser) connector(text json.RawMessage, path ...any) Connector {
	var c Connector
	at := func(more ...any) []any { return append(slices.Clone(path), more...) }
	members := p.object(text, path, keys{required: []string{"connectorId", "config"}, optional: []string{"sealedSecrets"}})
	p.value(members["connectorId"], &c.ConnectorID, at("connectorId")...)
	c.Config = members["config"]
	if sealed := members["sealedSecrets"]; sealed != nil {
		c.SealedSecrets = &Sealed{}
		inside := p.object(sealed, at("sealedSecrets"), keys{required: []string{"tenantId", "data"}})
		p.value(inside["tenantId"], &c.SealedSecrets.TenantID, at("sealedSecrets", "tenantId")...)
		p.value(inside["data"], &c.SealedSecrets.Data, at("sealedSecrets", "data")...)
	}
	return c
}

func (p *parser) template(text json.RawMessage, path ...any) Template {
	var t Template
	at := func(more ...any) []any { return append(slices.Clone(path), more...) }
	members := p.object(text, path, keys{required: []string{"languageTag", "templateType", "details"}})
	p.value(members["languageTag"], &t.LanguageTag, at("languageTag")...)
	p.value(members["templateType"], &t.TemplateType, at("templateType")...)
	details := p.object(members["details"], at("details"), keys{
		required: []string{"subject", "content"}, optional: []string{"contentType", "replyTo", "sendFrom"},
	})
	for name, into := range map[string]any{
		"subject": &t.Details.Subject, "content": &t.Details.Content, "contentType": &t.Details.ContentType,
		"replyTo": &t.Details.ReplyTo, "sendFrom": &t.Details.SendFrom,
	} {
		p.value(details[name], into, at("details", name)...)
	}
	return t
}

// refuse makes the fault of what is wrong. When only secrets are missing it
// says so: then they can be asked for.
func refuse(issues []fault.Issue) error {
	slices.SortStableFunc(issues, func(a, b fault.Issue) int { return strings.Compare(pathText(a.Path), pathText(b.Path)) })
	f := fault.New(fault.Invalid, "guard.invalid_input", "The configuration is not valid.")
	if !slices.ContainsFunc(issues, func(i fault.Issue) bool { return i.Code != codeSecret }) {
		f = fault.New(fault.Invalid, "configuration.secrets_required",
			"The configuration masks secrets that are not known here: give them in place of the masks.")
	}
	f.Issues = issues
	return f
}

// pathText orders issues; numbers are padded so that 10 comes after 9.
func pathText(path []any) string {
	var b strings.Builder
	for _, step := range path {
		if n, ok := step.(int); ok {
			fmt.Fprintf(&b, "/%08d", n)
			continue
		}
		fmt.Fprintf(&b, "/%v", step)
	}
	return b.String()
}
