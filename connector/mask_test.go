package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, config, want string }{
		{"nothing", ``, `{}`},
		{"no secret", `{"host":"h","port":1}`, `{"host":"h","port":1}`},
		{"a secret", `{"token":"s"}`, `{"token":"********"}`},
		{"an empty secret", `{"token":"","host":""}`, `{"token":"","host":""}`},
		{"null", `{"token":null,"auth":null}`, `{"token":null,"auth":null}`},
		{"in objects", `{"auth":{"user":"u","pass":"s","next":{"pass":"s"}}}`, `{"auth":{"user":"u","pass":"********","next":{"pass":"********"}}}`},
		{"in lists", `{"hops":[{"pass":"s"},{"user":"u"}]}`, `{"hops":[{"pass":"********"},{"user":"u"}]}`},
		{"in maps", `{"keys":{"a":"s","b":""},"headers":{"a":"h"}}`, `{"keys":{"a":"********","b":""},"headers":{"a":"h"}}`},
		{"order and digits stay", `{"raw":{"z":1.50,"a":12345678901234567890,"e":1E+2},"host":"<ä>","extra":[0.10]}`,
			`{"raw":{"z":1.50,"a":12345678901234567890,"e":1E+2},"host":"<ä>","extra":[0.10]}`},
		// Settings that an older version stored.
		{"another shape", `{"token":{"a":["s",{"b":"s"}],"c":7},"auth":"s","hops":{"x":"s"},"keys":["s"],"host":{"k":"s"}}`,
			`{"token":{"a":["********",{"b":"********"}],"c":"********"},"auth":"********","hops":{"x":"********"},"keys":["********"],"host":{"k":"********"}}`},
		{"unknown keys", `{"password":"s","old":{"pass":"s","on":true}}`, `{"password":"********","old":{"pass":"********","on":true}}`},
		{"wrong types", `{"port":"x","secure":1}`, `{"port":"x","secure":1}`},
		{"repeated", `{"token":"s","token":"t"}`, `{"token":"********","token":"********"}`},
		{"not an object", `["s"]`, `["********"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := networkFactory().Mask(json.RawMessage(tt.config))
			if err != nil || string(got) != tt.want {
				t.Errorf("got  %s (%v)\nwant %s", got, err, tt.want)
			}
		})
	}
	if got, err := networkFactory().Mask(json.RawMessage(`{"token":"s`)); err == nil {
		t.Errorf("what is no JSON was masked: %s", got)
	}
}

// TestMaskKnowsTypesThatReadThemselves: the fields of a struct are masked
// also when it has a reader of its own.
func TestMaskKnowsTypesThatReadThemselves(t *testing.T) {
	t.Parallel()
	type settings struct {
		Auth union `json:"auth"`
	}
	f := factoryFor(settings{})
	got, err := f.Mask(json.RawMessage(`{"auth":{"kind":"key","key":"s"}}`))
	if want := `{"auth":{"kind":"key","key":"********"}}`; err != nil || string(got) != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

// union is one of several shapes.
type union struct {
	Kind string `json:"kind"`
	Key  Secret `json:"key"`
	Note string
}

func (u *union) UnmarshalJSON([]byte) error { return nil }

func TestUnmask(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, config, stored, want string }{
		{"no masks", `{"host":"h","token":"new"}`, `{"token":"old"}`, `{"host":"h","token":"new"}`},
		{"a mask", `{"token":"********","host":"i"}`, `{"host":"h","token":"old"}`, `{"token":"old","host":"i"}`},
		{"one of two", `{"token":"********","auth":{"pass":"new"}}`, `{"token":"old","auth":{"pass":"old"}}`, `{"token":"old","auth":{"pass":"new"}}`},
		{"in lists by place", `{"hops":[{"pass":"********"},{"pass":"********"}]}`, `{"hops":[{"pass":"a"},{"pass":"b"}]}`, `{"hops":[{"pass":"a"},{"pass":"b"}]}`},
		{"in maps", `{"keys":{"b":"********"}}`, `{"keys":{"a":"1","b":"2"}}`, `{"keys":{"b":"2"}}`},
		{"emptied", `{"token":""}`, `{"token":"old"}`, `{"token":""}`},
		{"left out", `{}`, `{"token":"old"}`, `{}`},
		{"a mask that is no secret", `{"host":"********"}`, `{"host":"h"}`, `{"host":"********"}`},
		{"a secret that looks like a mask", `{"token":"********"}`, `{"token":"********"}`, `{"token":"********"}`},
		{"stored as another shape", `{"token":{"a":"********"}}`, `{"token":{"a":7}}`, `{"token":{"a":7}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := networkFactory().Unmask(json.RawMessage(tt.config), json.RawMessage(tt.stored))
			if err != nil || string(got) != tt.want {
				t.Errorf("got  %s (%v)\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestUnmaskRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, config, stored, want string }{
		{"nothing stored", `{"token":"********"}`, ``, "[token] invalid_value"},
		{"not this one", `{"token":"********"}`, `{"host":"h"}`, "[token] invalid_value"},
		{"an empty one", `{"token":"********"}`, `{"token":""}`, "[token] invalid_value"},
		{"a null", `{"token":"********"}`, `{"token":null}`, "[token] invalid_value"},
		{"another shape", `{"token":"********"}`, `{"token":{}}`, "[token] invalid_value"},
		{"a longer list", `{"hops":[{"pass":"********"},{"pass":"********"}]}`, `{"hops":[{"pass":"a"}]}`, "[hops 1 pass] invalid_value"},
		{"all of them", `{"token":"********","keys":{"a":"********"}}`, `{}`, "[token] invalid_value, [keys a] invalid_value"},
		{"no JSON", `{`, `{}`, "[] invalid_type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := networkFactory().Unmask(json.RawMessage(tt.config), json.RawMessage(tt.stored))
			ce, ok := errors.AsType[*ConfigError](err)
			if !ok || summary(ce.Issues) != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
	_, err := networkFactory().Unmask(json.RawMessage(`{}`), json.RawMessage(`{`))
	if _, ok := errors.AsType[*ConfigError](err); ok || err == nil {
		t.Errorf("broken stored settings are the caller's fault: %v", err)
	}
}

// TestMaskRoundTrip: whatever was stored, masking shows no secret of it, and
// unmasking gives it back.
func TestMaskRoundTrip(t *testing.T) {
	t.Parallel()
	f := networkFactory()
	rapid.Check(t, func(t *rapid.T) {
		drawn := &configs{}
		config, err := json.Marshal(drawn.draw(t, networkKeys, 0))
		if err != nil {
			t.Fatal(err)
		}
		masked, err := f.Mask(config)
		if err != nil {
			t.Fatal(err)
		}
		for i := range drawn.secrets {
			if secret := fmt.Sprintf("hush%dhush", i); strings.Contains(string(masked), secret) {
				t.Errorf("%s is shown in %s", secret, masked)
			}
		}
		back, err := f.Unmask(masked, config)
		if want := compact(t, config); err != nil || compact(t, back) != want {
			t.Errorf("got  %s (%v)\nwant %s", back, err, want)
		}
		if err := f.Check(config); err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("a secret is in the error: %v", err)
		}
	})
}

// networkKeys says what lies under the keys of network: "secret", "text",
// or the kind of what is inside.
var networkKeys = map[string]string{
	"host": "text", "kind": "text", "port": "number", "token": "secret", "auth": "login", "hops": "logins",
	"headers": "texts", "keys": "secrets", "extra": "text", "raw": "text", "unknown": "secret", "old": "secrets",
}

var loginKeys = map[string]string{"user": "text", "pass": "secret", "next": "login", "old": "secret"}

// configs draws settings, most of them of the right shape, and counts the
// secrets in them.
type configs struct{ secrets int }

func (c *configs) draw(t *rapid.T, keys map[string]string, depth int) map[string]any {
	out := map[string]any{}
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(sortedKeys(keys)), 0, len(keys), rapid.ID).Draw(t, "keys")
	for _, name := range names {
		out[name] = c.value(t, keys[name], depth+1)
	}
	return out
}

func (c *configs) value(t *rapid.T, kind string, depth int) any {
	if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
		return nil
	}
	switch kind {
	case "text":
		return rapid.String().Draw(t, "text")
	case "number":
		return rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
	case "login":
		if depth > 4 {
			return nil
		}
		return c.draw(t, loginKeys, depth)
	case "logins", "texts", "secrets":
		inner := strings.TrimSuffix(kind, "s")
		if kind == "logins" {
			var list []any
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				list = append(list, c.value(t, inner, depth+1))
			}
			return list
		}
		out := map[string]any{}
		for i := range rapid.IntRange(0, 3).Draw(t, "length") {
			out[fmt.Sprint("k", i)] = c.value(t, inner, depth+1)
		}
		return out
	default:
		return c.secret(t)
	}
}

func (c *configs) secret(t *rapid.T) any {
	text := fmt.Sprintf("hush%dhush", c.secrets)
	c.secrets++
	switch rapid.IntRange(0, 5).Draw(t, "shape") {
	case 0:
		return []any{text}
	case 1:
		return map[string]any{"inside": text}
	case 2:
		return ""
	default:
		return text
	}
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for _, name := range []string{
		"auth", "extra", "headers", "hops", "host", "keys", "kind", "old", "pass", "port", "raw", "next", "token", "unknown", "user",
	} {
		if _, ok := m[name]; ok {
			keys = append(keys, name)
		}
	}
	return keys
}

func compact(t rapid.TB, text []byte) string {
	t.Helper()
	v, err := parse(text)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return string(v.append(nil))
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"host":"h","port":25,"auth":{"user":"u","pass":"p"},"hops":[{"user":"u"}],"keys":{"a":"b"}}`))
	f.Add([]byte(`{"host":"h","range":"1..2","raw":{"a":1e400},"extra":[null,{}],"port":1e3,"templates":[]}`))
	f.Add([]byte(`{"a":{"a":{"a":[[[]]]}}}`))
	f.Fuzz(func(t *testing.T, config []byte) {
		factory := networkFactory()
		checked := factory.Check(config)
		if checked != nil && strings.ContainsAny(checked.Error(), "\r\n\x00") {
			t.Errorf("the error has more than one line: %q", checked)
		}
		masked, err := factory.Mask(config)
		if err != nil {
			if checked == nil {
				t.Fatalf("cannot mask what passed: %v", err)
			}
			return
		}
		back, err := factory.Unmask(masked, config)
		if checked != nil {
			return // a repeated key comes back as the last one
		}
		if err != nil || string(back) != compact(t, config) {
			t.Errorf("got %s (%v), want %s", back, err, config)
		}
	})
}
