package connectordocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/postern-mail/postern/connector"
)

// Setting is one key of a connector's settings in words.
type Setting struct {
	Key string
	// Type is the JSON type of the value.
	Type string
	// Required says that the key must be given.
	Required bool
	// Secret says that the value is never shown again.
	Secret bool
	// Default is the value of an absent key in JSON, or "".
	Default string
	// Label is what the form calls it, About what the value means in sentences.
	Label, About string
	// Choices are the only values, or nil.
	Choices []connector.SelectItem
	// When says in which case the key counts, such as "secure is false"; ""
	// for always.
	When string
	// Example is a value in JSON, or "".
	Example string
}

// secretExample stands for a secret in examples.
const secretExample = `"…"`

// Settings returns the settings of a connector in the order of its form.
func Settings(f connector.Factory) []Setting {
	form := f.Form()
	list := make([]Setting, len(form))
	for i, item := range form {
		list[i] = Setting{
			Key: item.Key, Type: typeOf(item.Type), Required: item.Required && item.DefaultValue == nil, Secret: item.IsConfidential,
			Default: jsonText(item.DefaultValue), Label: item.Label, About: about(item), Choices: item.SelectItems, When: when(item.ShowConditions),
			Example: example(item),
		}
	}
	return list
}

// typeOf is the JSON type of what a form item holds.
func typeOf(t connector.FormItemType) string {
	switch t {
	case connector.FormNumber:
		return "number"
	case connector.FormSwitch:
		return "boolean"
	case connector.FormJSON:
		return "JSON"
	default:
		return "string"
	}
}

// about joins what a form item says to sentences.
func about(item connector.FormItem) string {
	var sentences []string
	for _, text := range []string{item.Description, item.Tooltip} {
		if text == "" {
			continue
		}
		if !strings.HasSuffix(text, ".") {
			text += "."
		}
		sentences = append(sentences, text)
	}
	return strings.Join(sentences, " ")
}

func when(conditions []connector.ShowCondition) string {
	texts := make([]string, len(conditions))
	for i, c := range conditions {
		texts[i] = fmt.Sprintf("%s is %v", c.TargetKey, c.ExpectValue)
	}
	return strings.Join(texts, " and ")
}

// example is a value for a form item, from its placeholder where it has one.
func example(item connector.FormItem) string {
	switch {
	case item.IsConfidential && (item.Type != connector.FormJSON || !json.Valid([]byte(item.Placeholder))):
		return secretExample
	case len(item.SelectItems) > 0:
		return jsonText(item.SelectItems[0].Value)
	case item.Type == connector.FormNumber || item.Type == connector.FormJSON || item.Type == connector.FormSwitch:
		if json.Valid([]byte(item.Placeholder)) {
			return item.Placeholder
		}
		return ""
	case item.Placeholder == "":
		return ""
	default:
		return jsonText(item.Placeholder)
	}
}

// ExampleConfig returns settings with every key that must be given, as JSON.
// Secrets are "…".
func ExampleConfig(f connector.Factory) string {
	var b strings.Builder
	b.WriteByte('{')
	for _, s := range Settings(f) {
		if !s.Required {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(jsonText(s.Key) + ":" + s.value())
	}
	b.WriteByte('}')
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(b.String()), "", "  "); err != nil {
		return b.String() // cannot happen: all parts are JSON
	}
	return out.String()
}

// value is the example, or a value of the right type.
func (s Setting) value() string {
	switch {
	case s.Example != "":
		return s.Example
	case s.Type == "number":
		return "0"
	case s.Type == "boolean":
		return "false"
	case s.Type == "JSON":
		return "{}"
	default:
		return secretExample
	}
}

// jsonText writes a value as JSON on one line; "" for nil.
func jsonText(v any) string {
	if v == nil {
		return ""
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}
