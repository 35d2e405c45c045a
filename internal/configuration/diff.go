package configuration

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/templatefiles"
	"github.com/postern-mail/postern/internal/templates"
)

// Section is a part of a configuration, by its key in the document.
type Section string

// The sections, in the order in which changes are listed.
const (
	SectionConnector Section = "connector"
	SectionFallbacks Section = "fallbackConnectors"
	SectionSettings  Section = "settings"
	SectionTemplates Section = "templates"
	SectionPartials  Section = "partials"
)

// Change is one difference between two configurations. Of a secret it tells
// only that it changed.
type Change struct {
	Section Section `json:"section" enum:"connector,fallbackConnectors,settings,templates,partials"`
	// Key is a factory's id, a fallback's place from 0 on, a key of the
	// settings, language/type, or a partial's name.
	Key  string             `json:"key" example:"de/SignIn" doc:"Factory id; place of a fallback, from 0; key of the settings; language/type; name of a partial."`
	Kind templatefiles.Kind `json:"change" enum:"added,removed,changed"`
	// Fields are what differs, by their paths below the thing itself.
	Fields []string `json:"fields" doc:"What differs. A field that is not in values is a secret, or in diff."`
	// Values are those of connectors and settings, without secrets.
	Values []Value `json:"values,omitempty"`
	// Diff is the unified diff of a template's or partial's file.
	Diff string `json:"diff,omitempty"`
	// Cut tells that Values or Diff were too long to be all here.
	Cut bool `json:"cut,omitempty" doc:"values or diff are not complete: they were too long."`
}

// Value is a field before and after a change; nil where it was or is not set.
type Value struct {
	Field  string  `json:"field" example:"config.host"`
	Before *string `json:"before" nullable:"true" doc:"null: was not set."`
	After  *string `json:"after" nullable:"true" doc:"null: is not set."`
}

// Bounds of what changes show, in bytes.
const (
	maxValue   = 4 << 10
	maxDiff    = 64 << 10
	maxChanges = 4 << 20  // of all values and diffs in an answer
	maxEntry   = 64 << 10 // of all values and diffs in an audit entry
)

// names are what the two sides of a diff are called.
type names struct{ was, is string }

// view is a configuration as far as it is compared.
type view struct {
	connectors map[int]shown
	settings   json.RawMessage
	entries    []templatefiles.Entry
}

// shown is a connector with and without its secrets. For a document, where
// both are the same, masks compare as equal.
type shown struct {
	factoryID     string
	plain, masked json.RawMessage
}

// Compare lists what a document would change in the place of another one. What
// is masked in both counts as the same.
func Compare(was, is Document, wasName, isName string) []Change {
	return compare(viewOf(was), viewOf(is), names{wasName, isName})
}

func viewOf(d Document) view {
	v := view{connectors: make(map[int]shown), settings: d.Settings}
	if c := d.Connector; c != nil {
		v.connectors[0] = shown{c.ConnectorID, c.Config, c.Config}
	}
	for i, c := range d.FallbackConnectors {
		v.connectors[i+1] = shown{c.ConnectorID, c.Config, c.Config}
	}
	for _, t := range d.Templates {
		v.entries = append(v.entries, templatefiles.Template(t.LanguageTag, t.TemplateType, t.Details))
	}
	for _, p := range d.Partials {
		v.entries = append(v.entries, templatefiles.Partial(p.Name, p.Content))
	}
	return v
}

// compare lists the differences by section, then key.
func compare(was, is view, called names) []Change {
	list := compareConnectors(was.connectors, is.connectors)
	list = append(list, compareSettings(was.settings, is.settings)...)
	var wordings, partials []Change
	for _, c := range templatefiles.Compare(was.entries, is.entries) {
		if change := changeOf(c, called); change.Section == SectionPartials {
			partials = append(partials, change)
		} else {
			wordings = append(wordings, change)
		}
	}
	return bounded(slices.Concat(list, wordings, partials), maxChanges)
}

func compareConnectors(was, is map[int]shown) []Change {
	list := []Change{}
	all := maps.Clone(was)
	maps.Copy(all, is)
	for _, slot := range slots(all) {
		before, wasThere := was[slot]
		after, isThere := is[slot]
		c := Change{Section: SectionConnector, Kind: kindOf(wasThere, isThere)}
		if c.Key = cmp.Or(after.factoryID, before.factoryID); slot > 0 {
			c.Section, c.Key = SectionFallbacks, strconv.Itoa(slot-1)
		}
		c.compareFields(before.fields(), after.fields())
		if len(c.Fields) > 0 {
			list = append(list, c)
		}
	}
	return list
}

func kindOf(wasThere, isThere bool) templatefiles.Kind {
	switch {
	case !wasThere:
		return templatefiles.Added
	case !isThere:
		return templatefiles.Removed
	}
	return templatefiles.Changed
}

// leaf is one value of a JSON text.
type leaf struct {
	text   string
	kind   string // of JSON: "1" is not 1
	secret bool
}

// fields lists all that a connector is made of.
func (s shown) fields() map[string]leaf {
	if s.factoryID == "" {
		return nil
	}
	out := leaves(s.plain, "config")
	masks := leaves(s.masked, "config")
	for path, l := range out {
		mask, same := masks[path]
		l.secret = !same || mask.text == connector.SecretMask
		out[path] = l
	}
	out["connectorId"] = leaf{text: s.factoryID}
	return out
}

// leaves flattens JSON to its values by their paths. Empty objects and lists
// are values, too.
func leaves(text json.RawMessage, path string) map[string]leaf {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	out := make(map[string]leaf)
	if dec.Decode(&v) == nil {
		flatten(v, path, out)
	}
	return out
}

func flatten(v any, path string, out map[string]leaf) {
	switch v := v.(type) {
	case map[string]any:
		for key, inside := range v {
			if strings.ContainsAny(key, `.["]`) {
				key = fmt.Sprintf("[%q]", key)
			} else if path != "" {
				key = "." + key
			}
			flatten(inside, path+key, out)
		}
		if len(v) == 0 {
			out[path] = leaf{text: "{}", kind: "object"}
		}
	case []any:
		for i, inside := range v {
			flatten(inside, fmt.Sprintf("%s[%d]", path, i), out)
		}
		if len(v) == 0 {
			out[path] = leaf{text: "[]", kind: "list"}
		}
	case nil:
		out[path] = leaf{text: "null", kind: "null"}
	default:
		out[path] = leaf{text: fmt.Sprint(v), kind: fmt.Sprintf("%T", v)}
	}
}

// compareFields fills in which fields differ and, unless they are secret, how.
func (c *Change) compareFields(was, is map[string]leaf) {
	c.Fields = []string{}
	all := maps.Clone(was)
	if all == nil {
		all = make(map[string]leaf)
	}
	maps.Copy(all, is)
	for _, field := range slices.SortedFunc(maps.Keys(all), byField) {
		before, wasThere := was[field]
		after, isThere := is[field]
		if wasThere && isThere && before.text == after.text && before.kind == after.kind {
			continue
		}
		c.Fields = append(c.Fields, field)
		if before.secret || after.secret {
			continue
		}
		v := Value{Field: field}
		if wasThere {
			v.Before = c.short(before.text)
		}
		if isThere {
			v.After = c.short(after.text)
		}
		c.Values = append(c.Values, v)
	}
}

// byField sorts a connector's factory before its settings.
func byField(a, b string) int {
	const first = "connectorId"
	return cmp.Or(-compareBool(a == first, b == first), strings.Compare(a, b))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// short returns a value as far as it may be shown.
func (c *Change) short(text string) *string {
	if len(text) > maxValue {
		text, c.Cut = clip(text, maxValue)+"…", true
	}
	return &text
}

// clip cuts a text to at most n bytes, between two characters.
func clip(text string, n int) string {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func compareSettings(was, is json.RawMessage) []Change {
	list := []Change{}
	before, after := members(was), members(is)
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		_, wasThere := before[key]
		_, isThere := after[key]
		c := Change{Section: SectionSettings, Key: key, Kind: kindOf(wasThere, isThere)}
		c.compareFields(settingLeaves(key, before[key]), settingLeaves(key, after[key]))
		if len(c.Fields) > 0 {
			list = append(list, c)
		}
	}
	return list
}

// settingLeaves flattens what is below a key of the settings; of one that is a
// value itself the field is called like the key.
func settingLeaves(key string, text json.RawMessage) map[string]leaf {
	out := leaves(text, "")
	if value, ok := out[""]; ok {
		return map[string]leaf{key: value}
	}
	return out
}

func members(text json.RawMessage) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage)
	if json.Unmarshal(text, &out) != nil || out == nil {
		return make(map[string]json.RawMessage) // Parse has told
	}
	return out
}

// changeOf tells of a template or a partial.
func changeOf(from templatefiles.Change, called names) Change {
	e := from.Entry()
	c := Change{Section: SectionTemplates, Key: e.Language + "/" + string(e.Type), Kind: from.Kind}
	if e.Partial != "" {
		c.Section, c.Key = SectionPartials, e.Partial
	}
	c.Fields = differing(from.Was.Details, from.Is.Details)
	c.Diff = from.Unified(called.was+"/", called.is+"/")
	if len(c.Diff) > maxDiff {
		c.Diff, c.Cut = clip(c.Diff, maxDiff)+"\n", true
	}
	return c
}

func differing(was, is templates.Details) []string {
	fields := []string{}
	for _, f := range []struct {
		name    string
		differs bool
	}{
		{"subject", was.Subject != is.Subject}, {"content", was.Content != is.Content},
		{"contentType", was.ContentType != is.ContentType}, {"replyTo", was.ReplyTo != is.ReplyTo},
		{"sendFrom", was.SendFrom != is.SendFrom},
	} {
		if f.differs {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// bounded leaves out the values and diffs beyond so many bytes.
func bounded(list []Change, limit int) []Change {
	out := append([]Change{}, list...) // JSON has no null where nothing changed
	for i, c := range out {
		size := len(c.Diff)
		for _, v := range c.Values {
			for _, text := range []*string{v.Before, v.After} {
				if text != nil {
					size += len(*text)
				}
			}
		}
		if limit -= size; limit < 0 {
			limit += size
			out[i].Values, out[i].Diff, out[i].Cut = nil, "", true
		}
	}
	return out
}
