package api

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
)

// Bounds of a payload. It is sealed, rendered and perhaps sent on as a whole.
const (
	maxPayload      = 64 << 10 // bytes of JSON
	maxPayloadDepth = 16
	maxPayloadKeys  = 500
)

// payloadJSON are variables for a mail, unread.
type payloadJSON struct{ raw json.RawMessage }

// UnmarshalJSON implements json.Unmarshaler.
func (p *payloadJSON) UnmarshalJSON(data []byte) error { return p.raw.UnmarshalJSON(data) }

// Schema implements huma.SchemaProvider.
func (payloadJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Description: "Variables for the template: at most 64 KiB, 500 keys, 16 levels.",
		Examples: []any{map[string]any{
			"application": map[string]any{"name": "Example"},
		}},
	}
}

// read returns the variables, nil for none.
func (p payloadJSON) read() (map[string]any, error) {
	if len(p.raw) == 0 || string(p.raw) == "null" {
		return nil, nil
	}
	if len(p.raw) > maxPayload {
		return nil, tooBig("must be at most 64 KiB of JSON")
	}
	var payload map[string]any
	if json.Unmarshal(p.raw, &payload) != nil {
		return nil, fault.Input("expected object", "payload")
	}
	keys := 0
	if depth := measure(payload, &keys); depth > maxPayloadDepth {
		return nil, tooBig("must be nested at most 16 levels deep")
	}
	if keys > maxPayloadKeys {
		return nil, tooBig("must hold at most 500 keys")
	}
	return payload, nil
}

func tooBig(message string) error {
	f := fault.Input(message, "payload")
	f.Issues[0].Code = "too_big"
	return f
}

// measure returns how deep v is nested, and adds up its keys.
func measure(v any, keys *int) (depth int) {
	switch v := v.(type) {
	case map[string]any:
		*keys += len(v)
		for _, member := range v {
			depth = max(depth, measure(member, keys))
		}
		return depth + 1
	case []any:
		for _, item := range v {
			depth = max(depth, measure(item, keys))
		}
		return depth + 1
	}
	return 0
}

// parseAddress reads the one address in a field.
func parseAddress(s, field string) (string, error) {
	addr, err := address.Parse(s)
	switch {
	case err == nil:
		return addr, nil
	case errors.Is(err, address.ErrTooLong):
		f := fault.New(fault.Unprocessable, "entity.value_too_long", "The address is too long.")
		f.Issues = []fault.Issue{{Path: []any{field}, Code: "too_big", Message: err.Error()}}
		return "", f
	}
	return "", fault.Input(err.Error(), field)
}

// templateType reads a template type; empty is fallback.
func templateType(s string, fallback connector.TemplateType) (connector.TemplateType, error) {
	t := connector.TemplateType(s)
	if s == "" {
		t = fallback
	}
	if !t.Valid() {
		return "", fault.Input("must be one of "+typeNames(connector.TemplateType.Valid), "type")
	}
	return t, nil
}

// typeNames lists the template types that fit.
func typeNames(fits func(connector.TemplateType) bool) string {
	var names []string
	for _, t := range connector.TemplateTypes() {
		if fits(t) {
			names = append(names, string(t))
		}
	}
	return strings.Join(names, ", ")
}

// checkText refuses text that does not fit a field of one line: it would end
// up in a header, in a log, or in a database that takes no NUL.
func checkText(s string, field string) error {
	if !plain(s) {
		return fault.Input("must not hold control characters", field)
	}
	return nil
}

// checkTexts checks several fields, given as name and text in turn.
func checkTexts(fields ...string) error {
	for i := 0; i+1 < len(fields); i += 2 {
		if err := checkText(fields[i+1], fields[i]); err != nil {
			return err
		}
	}
	return nil
}

func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// validID reports whether s can be an id: what cannot be one is not asked for.
func validID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
