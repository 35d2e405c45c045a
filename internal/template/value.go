package template

import (
	"encoding/json"
	"math"
	"strconv"
)

// render prints the value of v. When the root of its path is missing outside
// of blocks, it prints v itself, to the letter.
func (v *variable) render(r *rendering) error {
	guarded := v.guarded || r.dynamic && v.escape == HTML && r.guards(v.isLink)
	err := v.print(r, guarded)
	r.read = len(r.buf) - r.start // the rule for URLs reads only the template's own text
	return err
}

func (v *variable) print(r *rendering, guarded bool) error {
	escape := v.escape
	if v.raw && escape == HTML {
		escape = None
	}
	var value any
	switch {
	case v.call != nil:
		var err error
		if value, err = r.call(v.call); err != nil {
			return err
		}
		if v.call.helper == spacedHelper && v.escape == HTML {
			return r.printSpaced(value, escape, guarded)
		}
	case r.inside > 0:
		value = r.find(&v.path)
	case v.path.onlyInBlock():
		return r.add(v.source)
	default:
		var found bool
		if value, found = r.fromRoot(&v.path); !found {
			return r.add(v.source)
		}
	}
	if guarded {
		return r.printURL(value, escape)
	}
	return r.print(value, escape, 0)
}

// guards reports whether what is printed next chooses where a link goes.
func (r *rendering) guards(isLink bool) bool {
	out := r.buf[r.start:]
	r.work -= (len(out) - r.read) >> 6
	return guards(&r.urls, out, r.read, len(out), isLink)
}

// printURL prints value when it is a URL that may be printed, else "#".
func (r *rendering) printURL(value any, escape Escape) error {
	url, err := r.text(value)
	if err != nil {
		return err
	}
	if !allowedURL(url) {
		return r.add("#")
	}
	return r.output.printURL(url, escape)
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

// isLink reports whether the path is the payload's link.
func (p *path) isLink() bool {
	s := p.segments
	if len(s) == 2 && s[0] == "this" {
		s = s[1:]
	}
	return len(s) == 1 && s[0] == "link"
}

// truthy reports what {{#if}} takes for true.
func truthy(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	case string:
		return value != ""
	case []any:
		return len(value) > 0
	case map[string]any:
		return true
	default:
		f, ok := number(value)
		return !ok || f != 0 && !math.IsNaN(f)
	}
}

// isZero reports whether value is the number 0, which {{#with}} takes.
func isZero(value any) bool {
	f, ok := number(value)
	return ok && f == 0
}

// number returns a value that is a number as JavaScript has it.
func number(value any) (float64, bool) {
	switch value := value.(type) {
	case float64:
		return value, true
	case json.Number:
		f, err := value.Float64()
		return f, err == nil || math.IsInf(f, 0) // out of range is Infinity in JavaScript
	case int:
		return float64(value), true
	case int32:
		return float64(value), true
	case int64:
		return float64(value), true
	case uint64:
		return float64(value), true
	}
	return 0, false
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
	o.work -= len(items)
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
	var digits [32]byte
	switch value := value.(type) {
	case float64:
		return o.addBytes(appendNumber(digits[:0], value))
	case json.Number:
		f, ok := number(value)
		if !ok {
			return failure(UnsupportedValue)
		}
		return o.addBytes(appendNumber(digits[:0], f))
	case int:
		return o.addBytes(strconv.AppendInt(digits[:0], int64(value), 10))
	case int32:
		return o.addBytes(strconv.AppendInt(digits[:0], int64(value), 10))
	case int64:
		return o.addBytes(strconv.AppendInt(digits[:0], value, 10))
	case uint64:
		return o.addBytes(strconv.AppendUint(digits[:0], value, 10))
	default:
		return failure(UnsupportedValue)
	}
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
