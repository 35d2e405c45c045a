package template_test

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/template"
)

// space is ECMA-262's \s as a Go character class.
const space = `[\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}]*`

// placeholder is the grammar once more, as an expression: the judge of the scanner.
var placeholder = regexp.MustCompile(
	`\{\{\{` + space + `([A-Za-z0-9_][A-Za-z0-9_.]*)` + space + `\}\}\}` +
		`|\{\{&?` + space + `([A-Za-z0-9_][A-Za-z0-9_.]*)` + space + `\}\}`)

// byExpression renders source as plain text for a payload of strings only.
func byExpression(source string, payload map[string]any) string {
	return placeholder.ReplaceAllStringFunc(source, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		root, rest, below := strings.Cut(m[1]+m[2], ".")
		value, ok := payload[root].(string)
		switch {
		case !ok:
			return found
		case below || rest != "":
			return ""
		default:
			return value
		}
	})
}

// sources draws templates that are dense in braces and near misses.
func sources() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOf(rapid.OneOf(
			rapid.SampledFrom([]string{
				"{", "}", "{{", "}}", "{{{", "}}}", "&", " ", "\u00a0", "\ufeff", "\u0085", "a", "b", "a.x", ".", "link",
				"{{a}}", "{{ b }}", "{{{a}}}", "{{&b}}", "{{gone}}", `href="`, `"`, "'", "<", ">", "\n",
			}),
			// Without what begins a tag that is more than a placeholder.
			rapid.Map(rapid.String(), strings.NewReplacer("!", "", "~", "", "#", "", "/", "", ">", "").Replace),
		)).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

func TestTextAgreesWithTheGrammar(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := sources().Draw(t, "source")
		payload := map[string]any{"a": rapid.String().Draw(t, "a"), "b": "{{a}}", "link": "L"}
		tpl, err := template.Parse(source, template.None)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tpl.Render(payload)
		if err != nil {
			t.Fatal(err)
		}
		if want := byExpression(source, payload); got != want {
			t.Fatalf("%q\n got %q\nwant %q", source, got, want)
		}
	})
}

func TestValuesAreNeverMarkup(t *testing.T) {
	t.Parallel()
	tpl, err := template.Parse(`{{v}}`, template.HTML)
	if err != nil {
		t.Fatal(err)
	}
	references := strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#x27;", "'")
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[&<>"'a;#x27]*`)).Draw(t, "value")
		got, err := tpl.Render(map[string]any{"v": value})
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(got, `<>"'`) || strings.Count(got, "&") != strings.Count(got, ";")-strings.Count(value, ";") {
			t.Fatalf("%q prints %q", value, got)
		}
		if back := references.Replace(got); back != value {
			t.Fatalf("%q reads back as %q", value, back)
		}
	})
}

func TestOnePass(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{"{{link}}", "{{{link}}}", "{{a}}", "{{", "}}", "$&", "{{a"}).Draw(t, "value")
		payload := map[string]any{"a": value, "link": "SECRET", "tail": "link}}"}
		source := rapid.SampledFrom([]string{"{{a}}", "{{{a}}}", "{{a}}{{a}}", "{{a}}{{tail}}", "{{{{a}}}}"}).Draw(t, "source")
		for _, escape := range []template.Escape{template.HTML, template.None, template.Header} {
			tpl, err := template.Parse(source, escape)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tpl.Render(payload)
			if err != nil || strings.Contains(got, "SECRET") {
				t.Fatalf("%q with %q: %q, %v", source, value, got, err)
			}
		}
	})
}

func TestHeaderValuesHoldNoControls(t *testing.T) {
	t.Parallel()
	tpl, err := template.Parse("{{v}}{{{v}}}", template.Header)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom(nil, unicode.Cc))).Draw(t, "value")
		got, err := tpl.Render(map[string]any{"v": value})
		if err != nil || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("%q prints %q, %v", value, got, err)
		}
	})
}

func TestNumbersReadBack(t *testing.T) {
	t.Parallel()
	tpl, err := template.Parse("{{v}}", template.None)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		got, err := tpl.Render(map[string]any{"v": f})
		if err != nil {
			t.Fatal(err)
		}
		if back, err := strconv.ParseFloat(got, 64); err != nil || back != f {
			t.Fatalf("%v prints %q", f, got)
		}
	})
}

// TestBlocksChangeNothingWithin renders sources of text and placeholders as
// they are and within blocks, a partial and a layout: escaping and the rule for
// URLs, which are decided at parse time there and at render time here, agree.
func TestBlocksChangeNothingWithin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := "x" + sources().Draw(t, "source") + "x"
		value := rapid.OneOf(rapid.SampledFrom([]string{"javascript:x", "https://e.com/ <>", "href=\"", " src='", "\n"}), rapid.String()).Draw(t, "value")
		payload := map[string]any{"a": value, "b": "<b>", "gone": "", "link": value, "one": 1.0}
		escape := rapid.SampledFrom([]template.Escape{template.HTML, template.None, template.Header}).Draw(t, "escape")
		plain, err := template.Parse(source, escape)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range plain.Variables() {
			if root, _, _ := strings.Cut(path, "."); payload[root] == nil {
				return // stays to the letter here, and is empty there
			}
		}
		want, err := plain.Render(payload)
		if err != nil {
			t.Fatal(err)
		}
		library := template.NewLibrary(map[string]string{"part": source, "page": "{{> @partial-block}}"})
		for _, wrapped := range []string{
			"{{#if one}}" + source + "{{/if}}", "{{#unless one}}{{else}}" + source + "{{/unless}}", "{{#with @root}}" + source + "{{/with}}",
			"{{> part}}", "{{#if one}}{{> part}}{{/if}}", `{{#layout "page"}}` + source + "{{/layout}}",
		} {
			tpl, err := template.Compile(wrapped, template.Options{Escape: escape, Library: library})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tpl.Render(payload); err != nil || got != want {
				t.Fatalf("%q: %v\n got %q\nwant %q", wrapped, err, got, want)
			}
		}
	})
}

// fuzzSeeds are templates of every kind.
func fuzzSeeds() []string {
	return []string{
		"", "{{a}}", "{{{a}}}{{&a}}", `<a href="{{a}}/{{link}}">`, "{{a.0.length}}", "{{ \u00a0a\ufeff}}", "{{a", "\xff",
		"{{#if a}}x{{else if b}}y{{else}}z{{/if}}", "{{#each b}}\n{{@index}}{{this.c}}{{../a}}{{@last}}\n{{/each}}\n", "{{#with b.1}}{{c}}{{/with}}",
		"{{~#unless a~}} x {{~/unless~}}", "{{!-- {{a}} --}}{{! x }}", `{{default gone (upper a) "x"}}{{spaced a}}`,
		`{{date 1e3}}{{date 0 "long short" "Europe/Berlin"}}`, `{{#layout "page"}}{{a}}{{/layout}}{{> part}}`, `<a href="{{#if a}}https://{{/if}}{{a}}">`,
		"{{#if a}}{{#each b}}{{/if}}{{/each}}{{else}}", "{{eq a (not (and b 'x' -1.5))}}", "{{#each b}}{{#each b}}{{> part}}{{/each}}{{/each}}",
	}
}

func FuzzParseRender(f *testing.F) {
	for i, source := range fuzzSeeds() {
		f.Add(source, "https://example.com/<&>", i)
	}
	f.Fuzz(func(t *testing.T, source, value string, kind int) {
		escape := template.Escape(uint(kind) % 3)
		payload := map[string]any{"a": value, "link": value, "b": []any{value, map[string]any{"c": value}, nil, 1.5}}
		library := template.NewLibrary(map[string]string{"part": "\n" + value + "{{a}}\n", "page": "[\n  {{> @partial-block}}\n]", "self": "{{> self}}"})
		tpl, err := template.Compile(source, template.Options{Escape: escape, Library: library})
		if err != nil {
			var refused *template.Error
			if !errors.As(err, &refused) || refused.Line < 1 || refused.Column < 1 {
				t.Fatalf("refused without a place: %v", err)
			}
			return
		}
		told(t, tpl, source)
		got, err := tpl.Render(payload)
		if err != nil {
			return
		}
		if len(got) > template.MaxOutput || !utf8.ValidString(got) {
			t.Fatalf("output of %d bytes, UTF-8: %v", len(got), utf8.ValidString(got))
		}
		if tpl.Dynamic() || strings.Contains(source, "~") || strings.Contains(source, "{{!") {
			return // text may go
		}
		// Text outside placeholders comes out unchanged and in order.
		rest := got
		for _, text := range placeholder.Split(source, -1) {
			_, after, ok := strings.Cut(rest, text)
			if !ok {
				t.Fatalf("the text %q is missing in %q", text, got)
			}
			rest = after
		}
		// With nothing to put in, everything does.
		if same, err := tpl.Render(nil); err != nil || same != source {
			t.Fatalf("without a payload %q became %q, %v", source, same, err)
		}
	})
}

// told checks that what is told of a template has places in its source.
func told(t *testing.T, tpl *template.Template, source string) {
	t.Helper()
	lines := strings.Split(source, "\n")
	lengths := make([]int, len(lines))
	for i, line := range lines {
		lengths[i] = utf8.RuneCountInString(line)
	}
	inside := func(line, column int) bool {
		return 1 <= line && line <= len(lines) && 1 <= column && column <= lengths[line-1]
	}
	for _, p := range tpl.Problems() {
		if p.Partial == "" && (p.Code == "" || p.Text == "" || !inside(p.Line, p.Column)) {
			t.Fatalf("%q has the problem %+v", source, p)
		}
	}
	for _, u := range tpl.Uses() {
		if u.Partial == "" && (u.Path == "" || !inside(u.Line, u.Column)) {
			t.Fatalf("%q has the use %+v", source, u)
		}
	}
	if masked := tpl.Masked(); len(masked) != len(source) || strings.Count(masked, "\n") != len(lines)-1 {
		t.Fatalf("%q masked is %q", source, masked)
	}
}
