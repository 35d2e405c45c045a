package template_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/template"
)

// render parses and renders, and ends the test when either fails.
func render(t *testing.T, source string, escape template.Escape, payload map[string]any) string {
	t.Helper()
	tpl, err := template.Parse(source, escape)
	if err != nil {
		t.Fatalf("Parse(%.80q): %v", source, err)
	}
	got, err := tpl.Render(payload)
	if err != nil {
		t.Fatalf("Render(%.80q): %v", source, err)
	}
	return got
}

func TestVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/render.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Template, Expected string
		Payload            map[string]any
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 90 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for _, v := range vectors {
		if got := render(t, v.Template, template.None, v.Payload); got != v.Expected {
			t.Errorf("%.120q with %v\n got %.120q\nwant %.120q", v.Template, v.Payload, got, v.Expected)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	payload := map[string]any{"code": "X", "a": map[string]any{"b": "Y", "nil": nil}, "nil": nil, "": "root"}
	for _, c := range []struct{ source, want string }{
		{"{{{code}}}", "X"},
		{"{{{ code\n}}}", "X"},
		{"{{&code}}", "X"},
		{"{{&  code }}", "X"},
		{"{{ &code}}", "{{ &code}}"},
		{"{{{code}}", "{X"},
		{"{{code}}}", "X}"},
		{"{{{code}}}}", "X}"},
		{"{{{{code}}}}", "{X}"},
		{"{{{code}} }", "{X }"},
		{"{{{&code}}}", "{X}"},
		{"{{{missing}}}", "{{{missing}}}"},
		{"{{&missing}}", "{{&missing}}"},
		{" {{~code~}} ", "X"},
		{" {{~missing~}} ", "{{~missing~}}"},
		{"{{#if code}}a{{/if}}", "a"},
		{"{{> footer}}", "{{> footer}}"},
		{"{{! note }}", ""},
		{"{{!-- note }}", "{{!-- note }}"},
		{"{{upper code}}", "X"},
		{"{{upper(code)}}{{ #if code}}{{code code}}", "{{upper(code)}}{{ #if code}}{{code code}}"},
		{"{{\u0085code}}", "{{\u0085code}}"}, // no white space in ECMA-262
		{"{{\u180ecode}}", "{{\u180ecode}}"}, // nor in Unicode since 6.3
		{"{{\ufeffcode\u2028}}", "X"},
		{"{{.}}{{.code}}", "{{.}}{{.code}}"},
		{"{{a.nil}}|{{a.nil.x}}|{{nil}}|{{nil.x}}", "|||"},
		{"{{a.hasOwnProperty}}{{a.__proto__}}{{a.constructor}}{{a.toString}}", ""},
		{"{{constructor}}{{__proto__}}", "{{constructor}}{{__proto__}}"},
		{"{{", "{{"},
		{"{{{", "{{{"},
		{"{{&", "{{&"},
		{"{{code}}{{a.b}}", "XY"},
	} {
		if got := render(t, c.source, template.None, payload); got != c.want {
			t.Errorf("%q: got %q, want %q", c.source, got, c.want)
		}
	}
}

func TestNumbersPrintAsInJavaScript(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		want  string
	}{
		{0.0, "0"},
		{math.Copysign(0, -1), "0"},
		{1e21, "1e+21"},
		{-1e21, "-1e+21"},
		{1.5e22, "1.5e+22"},
		{999999999999999868928.0, "999999999999999900000"},
		{1e20, "100000000000000000000"},
		{0.000001, "0.000001"},
		{0.00000123, "0.00000123"},
		{1e-7, "1e-7"},
		{1.23e-7, "1.23e-7"},
		{1e-10, "1e-10"},
		{1e100, "1e+100"},
		{5e-324, "5e-324"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{123456.0, "123456"},
		{-1.5, "-1.5"},
		{0.30000000000000004, "0.30000000000000004"},
		{math.NaN(), "NaN"},
		{math.Inf(1), "Infinity"},
		{math.Inf(-1), "-Infinity"},
		{json.Number("1e3"), "1000"},
		{json.Number("1e400"), "Infinity"},
		{json.Number("9007199254740993"), "9007199254740992"},
		{600, "600"},
		{int32(-7), "-7"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{uint64(math.MaxUint64), "18446744073709551615"},
	} {
		if got := render(t, "{{v}}", template.HTML, map[string]any{"v": c.value}); got != c.want {
			t.Errorf("%v (%T): got %q, want %q", c.value, c.value, got, c.want)
		}
	}
}

func TestEscaping(t *testing.T) {
	t.Parallel()
	payload := map[string]any{
		"name": `<b>"Ann" & 'Bob'</b>`, "line": "a\r\nBcc: x@example.com\x00\x1b\u0085é",
		"list": []any{"<", nil, []any{"&"}}, "bad": "a\xffb",
	}
	for _, c := range []struct {
		source string
		escape template.Escape
		want   string
	}{
		{"{{name}}", template.HTML, "&lt;b&gt;&quot;Ann&quot; &amp; &#x27;Bob&#x27;&lt;/b&gt;"},
		{"{{{name}}}{{&name}}", template.HTML, `<b>"Ann" & 'Bob'</b><b>"Ann" & 'Bob'</b>`},
		{"{{name}}", template.None, `<b>"Ann" & 'Bob'</b>`},
		{"{{name}}", template.Header, `<b>"Ann" & 'Bob'</b>`},
		{"{{line}}", template.None, "a\r\nBcc: x@example.com\x00\x1b\u0085é"},
		{"x\ty {{line}}", template.Header, "x\ty aBcc: x@example.comé"},
		{"{{{line}}}", template.Header, "aBcc: x@example.comé"},
		{"{{list}}", template.HTML, "&lt;,,&amp;"},
		{"<b>{{{missing}}} & co</b>", template.HTML, "<b>{{{missing}}} & co</b>"},
		{"{{bad}}", template.HTML, "a\uFFFDb"},
		{"{{bad}}", template.None, "a\uFFFDb"},
	} {
		if got := render(t, c.source, c.escape, payload); got != c.want {
			t.Errorf("%q, escape %d:\n got %q\nwant %q", c.source, c.escape, got, c.want)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	tpl, err := template.Parse("{{b.c}} {{a}} {{ b.c }} {{no-name}} {{{z}}} {{.x}}", template.HTML)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tpl.Variables(), " "); got != "b.c a z" {
		t.Errorf("Variables() = %q", got)
	}
	if !tpl.Raw() {
		t.Error("Raw() = false for a template with {{{z}}}")
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	tpl, err := template.Parse("{{code}}!", template.None)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tpl.Append([]byte("before "), map[string]any{"code": "1"})
	if err != nil || string(got) != "before 1!" {
		t.Errorf("Append = %q, %v", got, err)
	}
	got, err = tpl.Append([]byte("before "), map[string]any{"code": struct{}{}})
	if err == nil || string(got) != "before " {
		t.Errorf("failed Append = %q, %v; want the buffer as it was", got, err)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	wide := map[string]any{"v": strings.Repeat("x", template.MaxOutput-1), "w": "12"}
	deep := any("x")
	for range template.MaxDepth + 1 {
		deep = []any{deep}
	}
	for _, c := range []struct {
		name, source string
		payload      map[string]any
		want         template.Error // Reason "" for none
	}{
		{"largest source", strings.Repeat("a", template.MaxSource), nil, template.Error{}},
		{
			"too large a source", "ab\n" + strings.Repeat("é", template.MaxSource/2), nil,
			template.Error{Reason: template.SourceTooLarge, Line: 2, Column: template.MaxSource/2 - 1},
		},
		{
			"not UTF-8", "é\né\xff", nil,
			template.Error{Reason: template.InvalidUTF8, Line: 2, Column: 2},
		},
		{"largest output", "{{v}}{{one}}", map[string]any{"v": wide["v"], "one": 1.0}, template.Error{}},
		{
			"too large an output", "\n é{{v}}{{w}}", wide,
			template.Error{Reason: template.OutputTooLarge, Line: 2, Column: 3, Path: "v"},
		},
		{
			"too large by a number", "{{v}}{{n}}", map[string]any{"v": wide["v"], "n": 12},
			template.Error{Reason: template.OutputTooLarge, Line: 1, Column: 6, Path: "n"},
		},
		{
			"too large by text", "{{v}}12", wide,
			template.Error{Reason: template.OutputTooLarge, Line: 1, Column: 8},
		},
		{
			"too large by escaping", "{{v}}", map[string]any{"v": strings.Repeat("'", template.MaxOutput/6+1)},
			template.Error{Reason: template.OutputTooLarge, Line: 1, Column: 1, Path: "v"},
		},
		{
			"not JSON", "{{a.t}}", map[string]any{"a": map[string]any{"t": struct{ Secret string }{"hush"}}},
			template.Error{Reason: template.UnsupportedValue, Line: 1, Column: 1, Path: "a.t"},
		},
		{
			"not a number", "{{n}}", map[string]any{"n": json.Number("hush")},
			template.Error{Reason: template.UnsupportedValue, Line: 1, Column: 1, Path: "n"},
		},
		{
			"too deep", "{{v}}", map[string]any{"v": deep},
			template.Error{Reason: template.TooDeep, Line: 1, Column: 1, Path: "v"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tpl, err := template.Parse(c.source, template.HTML)
			if err == nil {
				_, err = tpl.Render(c.payload)
			}
			if c.want.Reason == "" {
				if err != nil {
					t.Errorf("error %v, want none", err)
				}
				return
			}
			var got *template.Error
			if !errors.As(err, &got) || *got != c.want {
				t.Errorf("error %+v, want %+v", err, c.want)
			}
			if got != nil && strings.Contains(got.Error(), "hush") {
				t.Errorf("the error shows a value: %v", got)
			}
		})
	}
}
