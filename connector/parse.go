package connector

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind is the kind of a JSON value.
type kind int

const (
	jsonNull kind = iota
	jsonBool
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// value is one JSON value as it was written: members keep their order and
// their repetitions, numbers their digits. encoding/json's maps and floats
// would lose all three.
type value struct {
	kind    kind
	text    string // a string's text, a number's literal
	truth   bool
	items   []value
	members []member
}

type member struct {
	key   string
	value value
}

// notJSON is what is wrong with a text that parse refuses. It repeats
// nothing of the text.
const notJSON = "must be valid JSON in UTF-8, nested at most 100 deep"

var errNotJSON = errors.New("the text " + notJSON)

// maxDepth bounds the nesting: the cost of a path grows with its depth.
const maxDepth = 100

// parse reads one JSON value. No text at all counts as an empty object: the
// settings of a connector that needs none.
func parse(text []byte) (value, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return value{kind: jsonObject}, nil
	}
	// The token reader alone would take some malformed documents.
	if !json.Valid(text) || !utf8.Valid(text) {
		return value{}, errNotJSON
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return readValue(dec, 0)
}

func readValue(dec *json.Decoder, depth int) (value, error) {
	token, err := dec.Token()
	if err != nil || depth > maxDepth {
		return value{}, errNotJSON
	}
	switch t := token.(type) {
	case bool:
		return value{kind: jsonBool, truth: t}, nil
	case json.Number:
		return value{kind: jsonNumber, text: t.String()}, nil
	case string:
		return value{kind: jsonString, text: t}, nil
	case json.Delim:
		if t == '[' {
			return readArray(dec, depth)
		}
		return readObject(dec, depth)
	default:
		return value{kind: jsonNull}, nil
	}
}

func readArray(dec *json.Decoder, depth int) (value, error) {
	v := value{kind: jsonArray}
	for dec.More() {
		item, err := readValue(dec, depth+1)
		if err != nil {
			return value{}, err
		}
		v.items = append(v.items, item)
	}
	_, err := dec.Token()
	return v, err
}

func readObject(dec *json.Decoder, depth int) (value, error) {
	v := value{kind: jsonObject}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return value{}, errNotJSON
		}
		name, _ := key.(string)
		item, err := readValue(dec, depth+1)
		if err != nil {
			return value{}, err
		}
		v.members = append(v.members, member{name, item})
	}
	_, err := dec.Token()
	return v, err
}

// get returns the member with this key; the last one when it is repeated.
func (v value) get(key string) (value, bool) {
	for _, m := range slices.Backward(v.members) {
		if m.key == key {
			return m.value, true
		}
	}
	return value{}, false
}

// repeated lists the keys that an object anywhere in v holds more than once.
func (v value) repeated(path []any, found []Issue) []Issue {
	seen := make(map[string]bool, len(v.members))
	for _, m := range v.members {
		if seen[m.key] {
			found = append(found, issue(codeInvalid, at(path, m.key), "is given more than once"))
		}
		seen[m.key] = true
		found = m.value.repeated(at(path, m.key), found)
	}
	for i, item := range v.items {
		found = item.repeated(at(path, i), found)
	}
	return found
}

// append writes v as compact JSON.
func (v value) append(out []byte) []byte {
	switch v.kind {
	case jsonBool:
		return strconv.AppendBool(out, v.truth)
	case jsonNumber:
		return append(out, v.text...)
	case jsonString:
		return appendString(out, v.text)
	case jsonArray:
		out = append(out, '[')
		for i, item := range v.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = item.append(out)
		}
		return append(out, ']')
	case jsonObject:
		out = append(out, '{')
		for i, m := range v.members {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendString(out, m.key), ':')
			out = m.value.append(out)
		}
		return append(out, '}')
	default:
		return append(out, "null"...)
	}
}

// appendString quotes s without the HTML escapes of json.Marshal: settings
// hold HTML, and people read them.
func appendString(out []byte, s string) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // cannot happen: a string always encodes
		return append(out, `""`...)
	}
	return append(out, strings.TrimSuffix(b.String(), "\n")...)
}

// empty reports whether v holds nothing: null, a blank string, an array or
// an object without members.
func (v value) empty() bool {
	switch v.kind {
	case jsonNull:
		return true
	case jsonString:
		return strings.TrimSpace(v.text) == ""
	case jsonArray:
		return len(v.items) == 0
	case jsonObject:
		return len(v.members) == 0
	default:
		return false
	}
}

// at returns path with one more step. It copies: issues keep their paths.
func at(path []any, step any) []any {
	return append(path[:len(path):len(path)], step)
}
