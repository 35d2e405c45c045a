package connector

import (
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// The codes of issues.
const (
	codeType     = "invalid_type"
	codeUnknown  = "unrecognized_key"
	codeRequired = "required"
	codeInvalid  = "invalid_value"
	codeTooBig   = "too_big"
)

func issue(code string, path []any, message string) Issue {
	if path == nil {
		path = []any{}
	}
	return Issue{Path: path, Code: code, Message: message}
}

// decoder writes JSON values into Go values and collects what does not fit.
type decoder struct {
	issues []Issue
	shape  int // how many issues are of shape, not from a Validate
}

func (d *decoder) add(code string, path []any, message string) {
	d.issues = append(d.issues, issue(code, path, message))
	d.shape++
}

// is reports whether v is of the kind wanted, and adds an issue if not.
func (d *decoder) is(v value, want kind, path []any, message string) bool {
	if v.kind != want {
		d.add(codeType, path, message)
	}
	return v.kind == want
}

// decode reads config into settings, a pointer to a struct that holds the
// defaults.
func decode(n *node, config json.RawMessage, settings reflect.Value) error {
	d := &decoder{}
	v, err := parse(config)
	switch {
	case err != nil:
		d.add(codeType, nil, notJSON)
	case v.kind != jsonObject:
		d.add(codeType, nil, "must be an object")
	default:
		d.issues = v.repeated(nil, nil)
		d.shape = len(d.issues)
		d.value(n, v, settings.Elem(), nil)
	}
	if len(d.issues) > 0 {
		return &ConfigError{Issues: d.issues}
	}
	return nil
}

// value writes v into dst; where the shape fits, the value's own rules are
// asked too.
func (d *decoder) value(n *node, v value, dst reflect.Value, path []any) {
	before := d.shape
	d.shaped(n, v, dst, path)
	if d.shape == before && n.kind != nodePointer {
		d.validate(dst, path)
	}
}

func (d *decoder) shaped(n *node, v value, dst reflect.Value, path []any) {
	switch n.kind {
	case nodeText, nodeSecret:
		if d.is(v, jsonString, path, "must be a string") {
			dst.SetString(v.text)
		}
	case nodeBool:
		if d.is(v, jsonBool, path, "must be true or false") {
			dst.SetBool(v.truth)
		}
	case nodeInt, nodeUint, nodeFloat:
		if d.is(v, jsonNumber, path, "must be a number") {
			d.number(n, v, dst, path)
		}
	case nodeAny:
		dst.SetZero()
		if plain := d.any(v, path); plain != nil {
			dst.Set(reflect.ValueOf(plain))
		}
	case nodeRaw:
		dst.SetBytes(v.append(nil))
	default:
		d.compound(n, v, dst, path)
	}
}

func (d *decoder) compound(n *node, v value, dst reflect.Value, path []any) {
	switch n.kind {
	case nodePointer:
		fresh := reflect.New(n.elem.typ)
		if !dst.IsNil() { // the default stays under what is given, and stays unchanged itself
			fresh.Elem().Set(dst.Elem())
		}
		d.value(n.elem, v, fresh.Elem(), path)
		dst.Set(fresh)
	case nodeList:
		if !d.is(v, jsonArray, path, "must be a list") {
			return
		}
		list := reflect.MakeSlice(n.typ, len(v.items), len(v.items))
		for i, item := range v.items {
			d.value(n.elem, item, list.Index(i), at(path, i))
		}
		dst.Set(list)
	case nodeMap:
		if !d.is(v, jsonObject, path, "must be an object") {
			return
		}
		out := reflect.MakeMapWithSize(n.typ, len(v.members))
		for _, m := range v.members {
			item := reflect.New(n.elem.typ).Elem()
			d.value(n.elem, m.value, item, at(path, m.key))
			out.SetMapIndex(reflect.ValueOf(m.key).Convert(n.typ.Key()), item)
		}
		dst.Set(out)
	case nodeRecord:
		if d.is(v, jsonObject, path, "must be an object") {
			d.record(n, v, dst, path)
		}
	default: // nodeOwn
		d.own(v, dst, path)
	}
}

// record reads the fields in the order of the struct, then lists the keys
// that belong to none of them.
func (d *decoder) record(n *node, v value, dst reflect.Value, path []any) {
	for i := range n.fields {
		f := &n.fields[i]
		name, given := f.find(v)
		if other, _ := v.get(f.alias); f.alias != "" && name == f.key && other.kind != jsonNull {
			d.add(codeInvalid, at(path, f.alias), "means the same as "+f.key+"; give one of them")
		}
		d.field(f, given, dst.FieldByIndex(f.index), at(path, name))
	}
	for _, m := range v.members {
		if _, known := n.byKey[m.key]; !known {
			d.add(codeUnknown, at(path, m.key), "is not a known key")
		}
	}
}

// find returns what an object holds for the field, and under which name. What
// is absent is null.
func (f *field) find(v value) (name string, given value) {
	given, _ = v.get(f.key)
	if f.alias != "" && given.kind == jsonNull {
		if other, ok := v.get(f.alias); ok {
			return f.alias, other
		}
	}
	return f.key, given
}

// field reads one field. An empty choice of a form is no choice.
func (d *decoder) field(f *field, given value, dst reflect.Value, path []any) {
	absent := given.kind == jsonNull ||
		len(f.choices) > 0 && given.kind == jsonString && given.text == ""
	switch {
	case absent && f.required && dst.IsZero():
		d.add(codeRequired, path, "is required")
	case absent:
	case f.required && given.empty():
		d.add(codeRequired, path, "must not be empty")
	default:
		before := d.shape
		d.value(f.node, given, dst, path)
		if d.shape == before {
			d.choice(f, given, path)
		}
	}
}

// choice checks that the value is one of the field's options.
func (d *decoder) choice(f *field, given value, path []any) {
	if len(f.choices) == 0 {
		return
	}
	names := make([]string, len(f.choices))
	for i, c := range f.choices {
		if c.Value == given.text {
			return
		}
		names[i] = c.Value
	}
	d.add(codeInvalid, path, "must be one of "+strings.Join(names, ", "))
}

func (d *decoder) number(n *node, v value, dst reflect.Value, path []any) {
	if n.kind == nodeFloat {
		f, err := strconv.ParseFloat(v.text, n.typ.Bits())
		if err != nil {
			d.add(codeTooBig, path, "is too large")
			return
		}
		dst.SetFloat(f)
		return
	}
	whole, ok := wholeNumber(v.text)
	if !ok {
		d.add(codeType, path, "must be a whole number")
		return
	}
	if n.kind == nodeUint {
		u, err := strconv.ParseUint(whole, 10, n.typ.Bits())
		if err != nil {
			d.add(codeTooBig, path, "must be between 0 and "+strconv.FormatUint(1<<n.typ.Bits()-1, 10))
			return
		}
		dst.SetUint(u)
		return
	}
	i, err := strconv.ParseInt(whole, 10, n.typ.Bits())
	if err != nil {
		limit := int64(1)<<(n.typ.Bits()-1) - 1
		d.add(codeTooBig, path, "must be between "+strconv.FormatInt(-limit-1, 10)+" and "+strconv.FormatInt(limit, 10))
		return
	}
	dst.SetInt(i)
}

// wholeNumber returns the digits of a JSON number without a fraction; 587.0
// and 1e3 are whole numbers, because other languages write them so.
func wholeNumber(text string) (string, bool) {
	if !strings.ContainsAny(text, ".eE") {
		if text == "-0" {
			text = "0"
		}
		return text, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return strings.Repeat("9", 40), true // too large for any type
	}
	whole := strconv.FormatFloat(f, 'f', -1, 64)
	return whole, !strings.Contains(whole, ".")
}

// any turns v into what encoding/json would make of it.
func (d *decoder) any(v value, path []any) any {
	switch v.kind {
	case jsonBool:
		return v.truth
	case jsonNumber:
		f, err := strconv.ParseFloat(v.text, 64)
		if err != nil {
			d.add(codeTooBig, path, "is too large")
		}
		return f
	case jsonString:
		return v.text
	case jsonArray:
		list := make([]any, len(v.items))
		for i, item := range v.items {
			list[i] = d.any(item, at(path, i))
		}
		return list
	case jsonObject:
		object := make(map[string]any, len(v.members))
		for _, m := range v.members {
			object[m.key] = d.any(m.value, at(path, m.key))
		}
		return object
	default:
		return nil
	}
}

// own lets a value read itself. What its error says is shown only when it is
// a *ConfigError: others may repeat the value.
func (d *decoder) own(v value, dst reflect.Value, path []any) {
	if v.kind == jsonNull {
		d.add(codeType, path, "must not be null")
		return
	}
	var err error
	switch r := dst.Addr().Interface().(type) {
	case json.Unmarshaler:
		err = r.UnmarshalJSON(v.append(nil))
	case encoding.TextUnmarshaler:
		if !d.is(v, jsonString, path, "must be a string") {
			return
		}
		err = r.UnmarshalText([]byte(v.text))
	}
	if ce, ok := errors.AsType[*ConfigError](err); ok {
		for _, i := range ce.Issues {
			d.add(i.Code, append(path[:len(path):len(path)], i.Path...), i.Message)
		}
	} else if err != nil {
		d.add(codeInvalid, path, "is not valid")
	}
}

// validate asks the value's own rules. Those of a map come in the order of
// their paths, since it is gone through in none.
func (d *decoder) validate(dst reflect.Value, path []any) {
	rules, ok := reflect.TypeAssert[Validator](dst.Addr())
	if !ok {
		return
	}
	broken := rules.Validate()
	if dst.Kind() == reflect.Map {
		slices.SortStableFunc(broken, func(a, b Issue) int {
			return cmp.Compare(pathText(a.Path), pathText(b.Path))
		})
	}
	for _, i := range broken {
		d.issues = append(d.issues, issue(i.Code, append(path[:len(path):len(path)], i.Path...), i.Message))
	}
}
