package template_test

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/template"
)

// TestURLValues shows which values an href at whose start they stand prints.
func TestURLValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		want  string
	}{
		{"https://example.com/?a=1&b=2", "https://example.com/?a=1&amp;b=2"},
		{"HTTP://example.com", "HTTP://example.com"},
		{"mailto:ann@example.com", "mailto:ann@example.com"},
		{`https://example.com/"onclick=`, "https://example.com/&quot;onclick="},
		{"https://example.com/a b", "https://example.com/a%20b"},
		{"https://例え.jp/é", "https://例え.jp/é"},
		{"javascript:alert(1)", "#"},
		{"JavaScript:alert(1)", "#"},
		{"java\nscript:alert(1)", "#"},
		{" javascript:alert(1)", "#"},
		{"\x01javascript:alert(1)", "#"},
		{"java&#115;cript:alert(1)", "#"},
		{"&#106;avascript:alert(1)", "#"},
		{"javascript&colon;alert(1)", "#"},
		{"data:text/html,<script>", "#"},
		{"vbscript:x", "#"},
		{"ftp://example.com", "#"},
		{"https:example.com", "#"},
		{"https://", "#"},
		{"mailto:", "#"},
		{"https://example.com/\r\nx", "#"},
		{"//example.com", "#"},
		{"/path", "#"},
		{" https://example.com", "#"},
		{"", "#"},
		{nil, "#"},
		{12.0, "#"},
		{[]any{"https://a.example", "b"}, "https://a.example,b"},
		{map[string]any{}, "#"},
	} {
		got := render(t, `<a href="{{link}}">x</a>`, template.HTML, map[string]any{"link": c.value})
		if want := `<a href="` + c.want + `">x</a>`; got != want {
			t.Errorf("%q: got %s, want %s", c.value, got, want)
		}
	}
}

// TestURLPlaces shows which placeholders are guarded: {{link}} and {{x}} hold
// what may be printed nowhere in a URL, {{u}} what may.
func TestURLPlaces(t *testing.T) {
	t.Parallel()
	const evil = "javascript:x"
	payload := map[string]any{"link": evil, "x": evil, "u": "https://e.com"}
	for _, c := range []struct{ source, want string }{
		// The start of a value, however it is written.
		{`<a href="{{x}}">`, `<a href="#">`},
		{`<a href='{{x}}'>`, `<a href='#'>`},
		{`<a href={{x}}>`, `<a href=#>`},
		{`<a HREF = "{{x}}">`, `<a HREF = "#">`},
		{"<a\nhref\n=\n{{x}}>", "<a\nhref\n=\n#>"},
		{`<img src="{{x}}">`, `<img src="#">`},
		{`<img alt=""src="{{x}}">`, `<img alt=""src="#">`},
		{`<image xlink:href="{{x}}">`, `<image xlink:href="#">`},
		{`<a href=" {{x}}">`, `<a href=" #">`},
		{`<a href="&#9;&Tab;{{x}}">`, `<a href="&#9;&Tab;#">`},
		{`<a href="java{{x}}">`, `<a href="java#">`},
		{`<a href="{{{x}}}">`, `<a href="#">`},
		{`<a href="{{&x}}">`, `<a href="#">`},
		{`<a title='"' href="{{x}}">`, `<a title='"' href="#">`},
		// What is broken before it does not matter.
		{`<!-- <a title="x --><a href="{{x}}">`, `<!-- <a title="x --><a href="#">`},
		{`<!--[if mso]><v:rect href="{{x}}"><![endif]-->`, `<!--[if mso]><v:rect href="#"><![endif]-->`},
		// Past the scheme only {{link}} is guarded.
		{`<a href="https://e.com/{{x}}">`, `<a href="https://e.com/javascript:x">`},
		{`<a href="https://e.com/?to={{link}}">`, `<a href="https://e.com/?to=#">`},
		{`<a href='https://e.com/?to="{{link}}'>`, `<a href='https://e.com/?to="#'>`},
		{`<a href=https://e.com/?to={{link}}>`, `<a href=https://e.com/?to=#>`},
		{`<a href="{{u}}/{{x}}">`, `<a href="https://e.com/javascript:x">`},
		{`<a href="{{u}}{{x}}">`, `<a href="https://e.comjavascript:x">`},
		{`<a href="{{x}}{{x}}">`, `<a href="#javascript:x">`},
		{`<a href="?{{x}}">`, `<a href="?javascript:x">`},
		{`<a href="{{gone}}{{x}}">`, `<a href="{{gone}}javascript:x">`},
		{`<a href="{{gone}}">`, `<a href="{{gone}}">`},
		// Elsewhere nothing is.
		{`<a href="https://e.com">{{link}}</a>`, `<a href="https://e.com">javascript:x</a>`},
		{`<a href="">{{link}}</a>`, `<a href="">javascript:x</a>`},
		{`<a href="/?src=">{{link}}</a>`, `<a href="/?src=">javascript:x</a>`},
		{`<a href="{{u}}">{{link}}</a>`, `<a href="https://e.com">javascript:x</a>`},
		{`<a href="{{u}}" title="{{link}}">`, `<a href="https://e.com" title="javascript:x">`},
		{`<a href={{u}} title={{x}}>`, `<a href=https://e.com title=javascript:x>`},
		{`<p data-src="{{x}}" hrefx="{{x}}">`, `<p data-src="javascript:x" hrefx="javascript:x">`},
		{`<p title="href={{x}}">`, `<p title="href=#">`}, // looks like a bare value
		{`{{link}}`, `javascript:x`},
	} {
		if got := render(t, c.source, template.HTML, payload); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.source, got, c.want)
		}
	}
}

func TestURLsInTextAreLeftAlone(t *testing.T) {
	t.Parallel()
	source, payload := `href="{{link}}"`, map[string]any{"link": "app://open"}
	for _, escape := range []template.Escape{template.None, template.Header} {
		if got := render(t, source, escape, payload); got != `href="app://open"` {
			t.Errorf("escape %d: got %s", escape, got)
		}
	}
}

// TestURLContextIsLinear parses sources that would take minutes if every
// placeholder looked back over the whole source: the test's own time limit is
// the judge.
func TestURLContextIsLinear(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"{{a}}", `"{{a}}`, "={{a}}", "  {{a}}", `href="{{a}}`, "{{ ", "{{{{"} {
		source := `<a href="x` + strings.Repeat(unit, (template.MaxSource-10)/len(unit))
		if _, err := template.Parse(source, template.HTML); err != nil {
			t.Errorf("%q: %v", unit, err)
		}
	}
}

// TestURLsInBlocks: which text stands before a placeholder, and so whether it
// is guarded, turns out only when a template with blocks is rendered.
func TestURLsInBlocks(t *testing.T) {
	t.Parallel()
	library := template.NewLibrary(map[string]string{
		"url": "{{x}}", "attribute": `href="{{> url}}"`, "page": `<a href="{{> @partial-block}}">`, "https": "https://e.com/",
	})
	payload := map[string]any{"x": "javascript:x", "u": "https://e.com", "link": "javascript:link", "t": true, "l": []any{"https://a", "javascript:b"}}
	for _, c := range []struct{ source, want string }{
		{`{{#if t}}<a href="{{x}}">{{/if}}`, `<a href="#">`},
		{`<a href="{{#if t}}{{x}}{{/if}}">`, `<a href="#">`},
		{`<a href="{{#if gone}}{{u}}{{else}}{{x}}{{/if}}">`, `<a href="#">`},
		{`<a href="{{#if gone}}https://e.com/{{/if}}{{x}}">`, `<a href="#">`},
		{`<a href="{{#if t}}https://e.com/{{/if}}{{x}}">`, `<a href="https://e.com/javascript:x">`},
		{`<a href="{{#if t}}java{{/if}}{{x}}">`, `<a href="java#">`},
		{`<a href="{{#if t}}{{gone}}{{x}}{{/if}}">`, `<a href="#javascript:x">`},
		{`<a {{#if t}}href={{/if}}{{x}}>`, `<a href=#>`},
		{`<a {{#if t}}href="{{/if}}{{x}}">`, `<a href="#">`},
		{`<a title="{{#if t}}{{x}}{{/if}}">`, `<a title="javascript:x">`},
		{`<a href="{{> url}}">`, `<a href="#">`},
		{`<a {{> attribute}}>`, `<a href="#">`},
		{`<a href="{{> https}}{{x}}">`, `<a href="https://e.com/javascript:x">`},
		{`{{#layout "page"}}{{x}}{{/layout}}`, `<a href="#">`},
		{`{{#layout "page"}}{{> https}}{{x}}{{/layout}}`, `<a href="https://e.com/javascript:x">`},
		{`{{#each l}}<a href="{{this}}">{{/each}}`, `<a href="https://a"><a href="#">`},
		{`<a href="https://e.com/?{{#each l}}{{../link}}{{@root.link}}{{/each}}">`, `<a href="https://e.com/?####">`},
		{`<a href="{{default x "y"}}">`, `<a href="#">`},
		{`<a href="{{{lower x}}}">`, `<a href="#">`},
		{`<a href="{{default gone u}}/{{upper x}}">`, `<a href="https://e.com/JAVASCRIPT:X">`},
		{`<a href="https://e.com/?{{default gone link}}">`, `<a href="https://e.com/?#">`},
		{`<a href="{{spaced x}}"><a href="{{spaced u}}">`, `<a href="#"><a href="https://e.com">`},
		{`<b>{{spaced x}}</b><b title="{{spaced u}}">`, `<b><span style="letter-spacing:0.2em">javascript:x</span></b><b title="https://e.com">`},
		{"<div>\n  {{> lines}}\n</div>", "<div>\n  {{> lines}}\n</div>"},
	} {
		tpl, err := template.Compile(c.source, template.Options{Escape: template.HTML, Library: library})
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if got, err := tpl.Render(payload); err != nil || got != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.source, err, got, c.want)
		}
	}
}
