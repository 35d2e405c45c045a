package api

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/suppression"
)

// typeJSON is one of the nine template types.
type typeJSON string

// Schema implements huma.SchemaProvider.
func (typeJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: enum(connector.TemplateTypes()), Examples: []any{"SignIn"}}
}

// read returns the template type; fallback when none was given.
func (t typeJSON) read(fallback connector.TemplateType) (connector.TemplateType, error) {
	read := connector.TemplateType(t)
	if t == "" {
		read = fallback
	}
	if !read.Valid() {
		return "", fault.Input("must be one of "+names(connector.TemplateTypes()), "type")
	}
	return read, nil
}

// codeTypeJSON is one of the template types that carry a code.
type codeTypeJSON string

// Schema implements huma.SchemaProvider.
func (codeTypeJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: enum(codeTypes()), Examples: []any{"SignIn"}}
}

// read returns the template type; Generic when none was given.
func (t codeTypeJSON) read() (connector.TemplateType, error) {
	read := connector.TemplateType(t)
	if t == "" {
		read = connector.Generic
	}
	if !read.CarriesCode() {
		return "", fault.Input("must be one of "+names(codeTypes()), "type")
	}
	return read, nil
}

func codeTypes() []connector.TemplateType {
	return slices.DeleteFunc(connector.TemplateTypes(), func(t connector.TemplateType) bool { return !t.CarriesCode() })
}

// statusJSON is one of the statuses of a message.
type statusJSON string

// Schema implements huma.SchemaProvider.
func (statusJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: enum(outbox.Statuses()), Examples: []any{string(outbox.Sent)}}
}

// kindJSON is one of the kinds of events.
type kindJSON string

// Schema implements huma.SchemaProvider.
func (kindJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Enum: enum(events.Kinds()), Examples: []any{string(events.Delivered)},
		Description: "What happened. accepted, sent, deferred and suppressed may come from the service itself or from the " +
			"provider: see source.",
	}
}

// deliveryJSON is what became of a mail by the provider's word.
type deliveryJSON string

// Schema implements huma.SchemaProvider.
func (deliveryJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Nullable: true, Enum: append(enum(events.Deliveries()), nil),
		Examples: []any{string(events.Delivered)},
		Description: "What became of the mail by the word of the provider: the strongest of its reports, in whatever order " +
			"they came. From weak to strong: sent, deferred, bounced (soft), suppressed, rejected, delivered, bounced (hard), " +
			"complained. null while it has reported nothing.",
	}
}

// scopeJSON says which mails a suppressed address does not get.
type scopeJSON string

// Schema implements huma.SchemaProvider.
func (scopeJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Enum: enum(suppression.Scopes()), Examples: []any{string(suppression.All)},
		Description: "all: no mail at all. strangers: none of the types that somebody else can cause by typing the address " +
			"in (Register, SignIn, ForgotPassword, OrganizationInvitation).",
	}
}

// enum turns names into the values of a schema.
func enum[S ~string](list []S) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func names[S ~string](list []S) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

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

// given reports whether there is a payload at all.
func (p payloadJSON) given() bool { return len(p.raw) > 0 && string(p.raw) != "null" }

// read returns the variables; without a payload there are none.
func (p payloadJSON) read() (map[string]any, error) {
	payload := map[string]any{}
	if !p.given() {
		return payload, nil
	}
	if len(p.raw) > maxPayload {
		return nil, tooBig("must be at most 64 KiB of JSON")
	}
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
