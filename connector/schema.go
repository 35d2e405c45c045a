package connector

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// node says how a Go type is read from JSON.
type node struct {
	typ    reflect.Type
	kind   nodeKind
	elem   *node   // of pointers, lists and maps
	fields []field // of records, embedded structs flattened
	byKey  map[string]int
}

type nodeKind int

const (
	nodeText nodeKind = iota
	nodeSecret
	nodeBool
	nodeInt
	nodeUint
	nodeFloat
	nodeAny
	nodeRaw
	nodePointer
	nodeList
	nodeMap
	nodeRecord
	// nodeOwn types read themselves (json.Unmarshaler or
	// encoding.TextUnmarshaler). Their fields, if any, are known for masking.
	nodeOwn
)

// field is one key of a settings struct.
type field struct {
	key      string
	alias    string // a second name of the key, or ""
	index    []int
	node     *node
	required bool
	choices  []SelectItem
	tag      reflect.StructTag
	form     FormItemType // "" when the field is not shown
}

// schema builds nodes. A fault in a settings struct is a programming error
// that the first run shows, so it panics as regexp.MustCompile does.
type schema struct {
	known map[reflect.Type]*node // also ends the recursion of recursive types
}

func schemaOf(t reflect.Type) *node {
	s := schema{known: map[reflect.Type]*node{}}
	if t.Kind() != reflect.Struct {
		fail(t, "settings must be a struct")
	}
	n := s.node(t)
	if n.kind != nodeRecord {
		fail(t, "settings must not read themselves from JSON")
	}
	return n
}

func fail(t reflect.Type, format string, args ...any) {
	panic(fmt.Sprintf("connector: type %s: %s", t, fmt.Sprintf(format, args...)))
}

func (s *schema) node(t reflect.Type) *node {
	if n, ok := s.known[t]; ok {
		return n
	}
	n := &node{typ: t}
	s.known[t] = n
	switch {
	case t == reflect.TypeFor[Secret]():
		n.kind = nodeSecret
	case t == reflect.TypeFor[json.RawMessage]():
		n.kind = nodeRaw
	case t.Kind() != reflect.Pointer && readsItself(t):
		n.kind = nodeOwn
		if t.Kind() == reflect.Struct {
			s.record(n)
		}
	default:
		s.plain(n)
	}
	return n
}

func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (s *schema) plain(n *node) {
	t := n.typ
	switch t.Kind() {
	case reflect.String:
		n.kind = nodeText
	case reflect.Bool:
		n.kind = nodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n.kind = nodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n.kind = nodeUint
	case reflect.Float32, reflect.Float64:
		n.kind = nodeFloat
	case reflect.Pointer:
		n.kind, n.elem = nodePointer, s.node(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			fail(t, "bytes have no form in JSON; use a string")
		}
		n.kind, n.elem = nodeList, s.node(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			fail(t, "map keys must be strings")
		}
		n.kind, n.elem = nodeMap, s.node(t.Elem())
	case reflect.Interface:
		if t.NumMethod() > 0 {
			fail(t, "of interfaces only any can be read")
		}
		n.kind = nodeAny
	case reflect.Struct:
		n.kind = nodeRecord
		s.record(n)
	default:
		fail(t, "cannot be read from JSON")
	}
}

// record lists the fields of a struct.
func (s *schema) record(n *node) {
	n.byKey = map[string]int{}
	s.fields(n, n.typ, nil)
}

func (s *schema) fields(n *node, t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := slices.Concat(prefix, []int{i})
		key, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		switch {
		case key == "-":
		case sf.Anonymous && key == "" && sf.Type.Kind() == reflect.Struct:
			s.fields(n, sf.Type, index)
		case !sf.IsExported():
			if sf.Type == reflect.TypeFor[Secret]() && n.kind == nodeRecord {
				fail(n.typ, "the secret %s is not exported, so package fmt would print it", sf.Name)
			}
		case key == "":
			if n.kind == nodeRecord {
				fail(n.typ, "field %s has no json tag", sf.Name)
			}
		default:
			s.add(n, s.field(n.typ, sf, key, index))
		}
	}
}

func (s *schema) add(n *node, f field) {
	for _, name := range []string{f.key, f.alias} {
		if name == "" {
			continue
		}
		if _, taken := n.byKey[name]; taken {
			fail(n.typ, "two fields have the key %q", name)
		}
		n.byKey[name] = len(n.fields)
	}
	n.fields = append(n.fields, f)
}

func (s *schema) field(owner reflect.Type, sf reflect.StructField, key string, index []int) field {
	f := field{key: key, alias: sf.Tag.Get("alias"), index: index, node: s.node(sf.Type), tag: sf.Tag}
	form, rule, _ := strings.Cut(sf.Tag.Get("form"), ",")
	f.form = FormItemType(form)
	switch {
	case f.form != "" && !f.form.known():
		fail(owner, "field %s: no form item is called %q", sf.Name, form)
	case rule != "" && rule != "required":
		fail(owner, "field %s: the form tag knows the word required, not %q", sf.Name, rule)
	case f.form != "" && sf.Tag.Get("label") == "":
		fail(owner, "field %s is shown but has no label", sf.Name)
	}
	f.required = rule == "required"
	if options := sf.Tag.Get("options"); options != "" {
		for option := range strings.SplitSeq(options, "|") {
			value, title, named := strings.Cut(option, "=")
			if !named {
				title = value
			}
			f.choices = append(f.choices, SelectItem{Value: value, Title: title})
		}
	}
	if f.form == FormSelect && len(f.choices) == 0 {
		fail(owner, "field %s is a Select without options", sf.Name)
	}
	return f
}

// target returns the node behind pointers.
func (n *node) target() *node {
	for n.kind == nodePointer {
		n = n.elem
	}
	return n
}
