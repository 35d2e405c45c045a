package template_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/template"
)

// TestProblems shows what is told of a template that is surely not meant so,
// and that it stays to the letter.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source string
		want   string // line:column code text, separated by " | "
	}{
		{"{{a}} {{{b}}} {{&c}} }} { {{ {{a}} }}", ""},
		{"x\n  {{no-name}}", "2:3 invalid_tag {{no-name}}"},
		{"{{}}{{ }}{{.a.}}{{a b", "1:1 invalid_tag {{}} | 1:5 invalid_tag {{ }} | 1:10 invalid_tag {{.a.}} | 1:17 unclosed_tag {{a b"},
		{"{{code and {{link}}", "1:1 unclosed_tag {{code and"},
		{"é{{!-- no end }}", "1:2 unclosed_tag {{!-- no end"},
		{"{{foo a}}{{#foo}}{{/foo}}", "1:1 unknown_helper {{foo a}} | 1:10 unknown_block {{#foo}} | 1:18 unknown_block {{/foo}}"},
		{"{{eq a}}{{upper a b}}{{#if}}", "1:1 wrong_arguments {{eq a}} | 1:9 wrong_arguments {{upper a b}} | 1:22 wrong_arguments {{#if}}"},
		{"{{#if a b}}x{{/if}}", "1:1 wrong_arguments {{#if a b}} | 1:13 unopened_block {{/if}}"},
		{"{{#if a}}\n{{#each b}}\n{{/if}}", "2:1 unclosed_block {{#each b}}"},
		{"{{#if a}}{{#if b}}", "1:1 unclosed_block {{#if a}} | 1:10 unclosed_block {{#if b}}"},
		{"{{else}}{{else if a}}", "1:1 misplaced_else {{else}} | 1:9 misplaced_else {{else if a}}"},
		{"{{#if a}}{{else}}{{else}}{{/if}}", "1:18 misplaced_else {{else}}"},
		{"{{#if a}}{{else}}", "1:1 unclosed_block {{#if a}} | 1:10 misplaced_else {{else}}"},
		{"{{#layout \"page\"}}{{else}}{{/layout}}", "1:19 misplaced_else {{else}}"},
		{"{{> gone}}{{#layout 'gone'}}x{{/layout}}", "1:1 unknown_partial {{> gone}} | 1:11 unknown_partial {{#layout 'gone'}}"},
		{"{{> bad}}", "bad 1:2 invalid_tag {{a-b}}"},
		{"{{this}}{{this.a}}{{.}}{{../a}}{{@index}}{{> @partial-block}}", "1:1 only_in_block {{this}} | 1:9 only_in_block {{this.a}} | 1:19 only_in_block {{.}} | 1:24 only_in_block {{../a}} | 1:32 only_in_block {{@index}} | 1:42 only_in_block {{> @partial-block}}"},
		{"{{#each a}}{{this}}{{../a}}{{@index}}{{@root.b}}{{@nothing}}{{/each}}", "1:49 invalid_tag {{@nothing}}"},
		{`{{date a "huge"}}{{upper (date a "short" "Mars/Base")}}`, `1:1 unknown_style {{date a "huge"}} | 1:18 unknown_zone {{upper (date a "short" "Mars/Base")}}`},
		{"{{foo" + strings.Repeat(" a", 50) + "}}", "1:1 unknown_helper {{foo" + strings.Repeat(" a", 26) + "…"},
		{"{{!\n}}{{#if\n a}}x{{/ if }}{{~/if}}", "3:15 unopened_block {{~/if}}"},
	} {
		library := template.NewLibrary(map[string]string{"page": "{{> @partial-block}}", "bad": " {{a-b}}"})
		tpl, err := template.Compile(c.source, template.Options{Escape: template.HTML, Library: library})
		if err != nil {
			t.Errorf("%q: %v", c.source, err)
			continue
		}
		var got []string
		for _, p := range tpl.Problems() {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %d:%d %s %s", p.Partial, p.Line, p.Column, p.Code, p.Text)))
		}
		if all := strings.Join(got, " | "); all != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.source, all, c.want)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	tpl, err := template.Parse(strings.Repeat("{{a-b}}", 30_000), template.HTML)
	if err != nil || len(tpl.Problems()) != 100 {
		t.Errorf("%d problems, %v", len(tpl.Problems()), err)
	}
}

// TestUses shows what is told of where a template looks at the payload.
func TestUses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ source, want string }{
		{"{{code}} {{ a.b }}{{{c}}}{{no-name}}{{upper d}}", "1:1 code printed literal, 1:10 a.b printed literal, 1:19 c printed literal, 1:37 d printed"},
		{"{{#if a}}{{b}}{{else if c}}{{this.d}}{{/if}}", "1:1 a, 1:10 b printed, 1:15 c, 1:28 d printed"},
		{"{{#with a}}{{b}}{{../c}}{{@root.d}}{{../../e}}{{/with}}", "1:1 a, 1:12 a.b printed, 1:17 c printed, 1:25 d printed"},
		{"{{#each a.l}}\n{{this}}{{b}}{{@key}}{{#each ../x}}{{y}}{{/each}}{{/each}}", "1:1 a.l, 2:1 a.l.* printed, 2:9 a.l.*.b printed, 2:22 x, 2:36 x.*.y printed"},
		{"{{#with (default a b)}}{{c}}{{/with}}", "1:1 a, 1:1 b"},
		{"{{#if (eq a (lower b))}}{{default (or c d) (not e)}}{{/if}}", "1:1 a, 1:1 b, 1:25 c printed, 1:25 d printed, 1:25 e"},
		{`{{date when style zone}}`, "1:1 when printed, 1:1 style, 1:1 zone"},
		{"{{#with a}}{{> part}}{{> part}}{{/with}}{{> part}}", "1:1 a, part 2:1 a.p printed, part 2:1 p printed literal"},
		{`{{#layout "page"}}{{x}}{{/layout}}`, "page 1:1 in, 1:19 x printed"},
		{"{{this.a}}{{@index}}{{.}}", "1:1 this.a printed literal"},
	} {
		library := template.NewLibrary(map[string]string{"page": "{{#if in}}{{> @partial-block}}{{/if}}", "part": "\n{{p}}"})
		tpl, err := template.Compile(c.source, template.Options{Escape: template.HTML, Library: library})
		if err != nil {
			t.Errorf("%q: %v", c.source, err)
			continue
		}
		var got []string
		for _, u := range tpl.Uses() {
			s := fmt.Sprintf("%s %d:%d %s", u.Partial, u.Line, u.Column, u.Path)
			if u.Printed {
				s += " printed"
			}
			if u.Literal {
				s += " literal"
			}
			got = append(got, strings.TrimSpace(s))
		}
		if all := strings.Join(got, ", "); all != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.source, all, c.want)
		}
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	tpl, err := template.Parse("<a href=\"{{#if a}}{{b}}{{/if}}\">\n{{! x\n}}{{upper \"é\"}}{{no-name}}", template.HTML)
	if err != nil {
		t.Fatal(err)
	}
	want := "<a href=\"         xxxxx       \">\n     \n  xxxxxxxxxxxxxx{{no-name}}"
	if got := tpl.Masked(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
