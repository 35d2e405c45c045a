package connector

import (
	"reflect"
	"strconv"
	"strings"
)

// formItems makes the form of a settings struct. defaults is a value of it.
func formItems(n *node, defaults reflect.Value) []FormItem {
	items := []FormItem{}
	for i := range n.fields {
		f := &n.fields[i]
		if f.form == "" {
			continue
		}
		item := FormItem{
			Key:         f.key,
			Type:        f.form,
			Label:       f.tag.Get("label"),
			Required:    f.required,
			Placeholder: f.tag.Get("placeholder"),
			Description: f.tag.Get("desc"),
			Tooltip:     f.tag.Get("tooltip"),
			SelectItems: f.choices,
		}
		item.IsConfidential = f.node.confidential()
		if !item.IsConfidential {
			item.DefaultValue = defaultValue(f, defaults.FieldByIndex(f.index))
		}
		if show := f.tag.Get("show"); show != "" {
			item.ShowConditions = n.conditions(show)
		}
		items = append(items, item)
	}
	return items
}

// confidential reports whether no part of a value may be shown: a secret, or a
// type that reads itself and has nothing but secrets.
func (n *node) confidential() bool {
	n = n.target()
	if n.kind != nodeOwn {
		return n.kind == nodeSecret
	}
	for i := range n.fields {
		if !n.fields[i].node.confidential() {
			return false
		}
	}
	return len(n.fields) > 0
}

// defaultValue is what a form starts with, or nil. Off is a value of a
// switch; elsewhere a zero value is none.
func defaultValue(f *field, v reflect.Value) any {
	if v.Kind() == reflect.Bool {
		return v.Bool()
	}
	return shown(f.node, v)
}

// shown returns v for JSON, without zero values and without secrets; nil when
// nothing is left.
func shown(n *node, v reflect.Value) any {
	if v.IsZero() {
		return nil
	}
	switch n.kind {
	case nodeText:
		return v.String()
	case nodeBool:
		return v.Bool()
	case nodeInt:
		return v.Int()
	case nodeUint:
		return v.Uint()
	case nodeFloat:
		return v.Float()
	case nodePointer:
		return shown(n.elem, v.Elem())
	case nodeSecret:
		return nil
	case nodeRecord:
		members := map[string]any{}
		for i := range n.fields {
			if member := shown(n.fields[i].node, v.FieldByIndex(n.fields[i].index)); member != nil {
				members[n.fields[i].key] = member
			}
		}
		return members
	default:
		return v.Interface() // secrets in it marshal as masks
	}
}

// conditions reads a show tag: key=value, several of them divided by "|".
func (n *node) conditions(show string) []ShowCondition {
	var list []ShowCondition
	for condition := range strings.SplitSeq(show, "|") {
		key, text, ok := strings.Cut(condition, "=")
		i, known := n.byKey[key]
		if !ok || !known {
			fail(n.typ, "the show tag %q does not read key=value of another field", show)
		}
		var want any = text
		switch n.fields[i].node.target().kind {
		case nodeBool:
			want = text == "true"
		case nodeInt, nodeUint, nodeFloat:
			number, err := strconv.ParseFloat(text, 64)
			if err != nil {
				fail(n.typ, "the show tag %q compares a number with a text", show)
			}
			want = number
		default:
		}
		list = append(list, ShowCondition{TargetKey: key, ExpectValue: want})
	}
	return list
}
