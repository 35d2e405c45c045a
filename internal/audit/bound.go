package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// MaxDetails is the longest Entry.Details, in bytes.
const MaxDetails = 64 << 10

// shortest is what is left at least of a string that is cut, in bytes.
const shortest = 64

// bounded cuts the strings of details that are too long: no string more than
// it must, the longest first.
func bounded(text json.RawMessage) (json.RawMessage, error) {
	if len(text) <= MaxDetails {
		return text, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var details any
	if err := dec.Decode(&details); err != nil {
		return nil, fmt.Errorf("read details of audit entry: %w", err)
	}
	for longest := MaxDetails / 2; longest >= shortest; longest /= 2 {
		short, err := encode(cut(details, longest))
		if err != nil || len(short) <= MaxDetails {
			return short, err
		}
	}
	// Of many things that are small each.
	return encode(map[string]int{"omittedBytes": len(text)})
}

// cut returns a copy of a JSON value whose strings are at most so long, but for
// the marker of those that were cut.
func cut(v any, longest int) any {
	switch v := v.(type) {
	case string:
		if len(v) <= longest {
			return v
		}
		end := longest
		for end > 0 && !utf8.RuneStart(v[end]) {
			end--
		}
		return fmt.Sprintf("%s… (%d bytes more)", v[:end], len(v)-end)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = cut(v[i], longest)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key := range v {
			object[key] = cut(v[key], longest)
		}
		return object
	}
	return v
}
