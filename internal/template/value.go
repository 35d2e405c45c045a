package template

import (
	"encoding/json"
	"math"
	"strconv"
)

// variable is a placeholder that prints a value of the payload.
type variable struct {
	placeholder
	segments []string // of the path; the first is the root
	escape   Escape
	guarded  bool // prints only URLs, see the package comment
	offset   int  // in the source
}

func (v *variable) render(out *output, payload map[string]any) error {
	value, ok := v.lookup(payload)
	if !ok {
		return out.add(v.source)
	}
	escape := v.escape
	if v.raw && escape == HTML {
		escape = None
	}
	if v.guarded {
		return v.renderURL(out, value, escape)
	}
	return out.print(value, escape, 0)
}

// lookup walks the path. ok says that the root is there; what is missing below
// it is nil.
func (v *variable) lookup(payload map[string]any) (value any, ok bool) {
	value, ok = payload[v.segments[0]]
	for _, key := range v.segments[1:] {
		if value == nil {
			break
		}
		value = member(value, key)
	}
	return value, ok
}

// renderURL prints value when it is a URL that may be printed, else "#".
func (v *variable) renderURL(out *output, value any, escape Escape) error {
	url, ok := value.(string)
	if !ok {
		printed := output{end: MaxOutput}
		if err := printed.print(value, None, 0); err != nil {
			return err
		}
		url = string(printed.buf)
	}
	if !allowedURL(url) {
		return out.add("#")
	}
	return out.printURL(url, escape)
}

// member returns what value holds under key: objects have their own keys,
// arrays their indexes and length, everything else nothing.
func member(value any, key string) any {
	switch value := value.(type) {
	case map[string]any:
		return value[key]
	case []any:
		if key == "length" {
			return len(value)
		}
		if i, ok := index(key); ok && i < len(value) {
			return value[i]
		}
	}
	return nil
}

// index reads an array index as JavaScript writes one: no sign, no leading zero.
func index(key string) (int, bool) {
	i, err := strconv.Atoi(key)
	return i, err == nil && i >= 0 && strconv.Itoa(i) == key
}

// print appends a value as JavaScript's String() shows it, null and missing
// ones as nothing. depth counts the arrays around it.
func (o *output) print(value any, escape Escape, depth int) error {
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		return o.printString(value, escape)
	case bool:
		return o.add(strconv.FormatBool(value))
	case map[string]any:
		return o.add("[object Object]")
	case []any:
		return o.printArray(value, escape, depth+1)
	default:
		return o.printNumber(value)
	}
}

// printArray appends the items joined by commas.
func (o *output) printArray(items []any, escape Escape, depth int) error {
	if depth > MaxDepth {
		return failure(TooDeep)
	}
	for i, item := range items {
		if i > 0 {
			if err := o.add(","); err != nil {
				return err
			}
		}
		if err := o.print(item, escape, depth); err != nil {
			return err
		}
	}
	return nil
}

func (o *output) printNumber(value any) error {
	var number [32]byte
	switch value := value.(type) {
	case float64:
		return o.addBytes(appendNumber(number[:0], value))
	case json.Number:
		f, err := value.Float64()
		if err != nil && !math.IsInf(f, 0) { // out of range is Infinity in JavaScript
			return failure(UnsupportedValue)
		}
		return o.addBytes(appendNumber(number[:0], f))
	case int:
		return o.addBytes(strconv.AppendInt(number[:0], int64(value), 10))
	case int32:
		return o.addBytes(strconv.AppendInt(number[:0], int64(value), 10))
	case int64:
		return o.addBytes(strconv.AppendInt(number[:0], value, 10))
	case uint64:
		return o.addBytes(strconv.AppendUint(number[:0], value, 10))
	default:
		return failure(UnsupportedValue)
	}
}

func (o *output) addBytes(b []byte) error {
	if !o.room(len(b)) {
		return failure(OutputTooLarge)
	}
	o.buf = append(o.buf, b...)
	return nil
}

// appendNumber appends f as ECMA-262 Number::toString (section 6.1.6.1.20,
// radix 10) writes it: the shortest digits that read back as f, without
// exponent from 1e-6 up to 1e21.
func appendNumber(dst []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case abs == 0:
		return append(dst, '0') // -0 has no sign
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript as many as needed.
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
