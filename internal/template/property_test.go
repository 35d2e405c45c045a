package template_test

import (
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
			rapid.String(),
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

func FuzzParseRender(f *testing.F) {
	for _, source := range []string{"", "{{a}}", "{{{a}}}{{&a}}", `<a href="{{a}}/{{link}}">`, "{{a.0.length}}", "{{ \u00a0a\ufeff}}", "{{a", "\xff"} {
		f.Add(source, "https://example.com/<&>", 0)
	}
	f.Fuzz(func(t *testing.T, source, value string, kind int) {
		escape := template.Escape(uint(kind) % 3)
		payload := map[string]any{"a": value, "link": value, "b": []any{value, map[string]any{"c": value}, nil, 1.5}}
		tpl, err := template.Parse(source, escape)
		if err != nil {
			if utf8.ValidString(source) && len(source) <= template.MaxSource {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		got, err := tpl.Render(payload)
		if err != nil {
			return
		}
		if len(got) > template.MaxOutput || !utf8.ValidString(got) {
			t.Fatalf("output of %d bytes, UTF-8: %v", len(got), utf8.ValidString(got))
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
