package template_test

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/template"
)

// benchmarkMail is an HTML mail of 8 KB with ten variables and their payload.
func benchmarkMail() (string, map[string]any) {
	filler := strings.Repeat(`<td style="padding:24px;font-family:Arial,sans-serif">Some text of the mail.</td>`, 9)
	vars := []string{
		"{{code}}", "{{user.name}}", "{{application.name}}", "{{organization.name}}", "{{locale}}",
		"{{user.profile.familyName}}", `<a href="{{link}}">x</a>`, `<img src="{{application.branding.logoUrl}}">`,
		"{{validity}}", "{{uiLocales}}",
	}
	var b strings.Builder
	for _, v := range vars {
		b.WriteString(filler)
		b.WriteString(v)
	}
	b.WriteString(strings.Repeat("x", max(0, 8<<10-b.Len())))
	return b.String()[:8<<10], map[string]any{
		"code": "123456", "link": "https://example.com/?a=1&b=2", "locale": "en", "uiLocales": "fr-CA fr en", "validity": 10.0,
		"user":        map[string]any{"name": "Ann O'Neil", "profile": map[string]any{"familyName": "O'Neil"}},
		"application": map[string]any{"name": "Acme & Co", "branding": map[string]any{"logoUrl": "https://example.com/logo.png"}},
		"organization": map[string]any{
			"name": "Example",
		},
	}
}

func BenchmarkRender8KB10Variables(b *testing.B) {
	source, payload := benchmarkMail()
	tpl, err := template.Parse(source, template.HTML)
	if err != nil || len(tpl.Variables()) != 10 {
		b.Fatal(err, tpl.Variables())
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Render(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend8KB10Variables(b *testing.B) {
	source, payload := benchmarkMail()
	tpl, err := template.Parse(source, template.HTML)
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = tpl.Append(buf[:0], payload); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRender8KBBlocks renders the mail with a block around each variable, a
// loop and a layout.
func BenchmarkRender8KBBlocks(b *testing.B) {
	source, payload := benchmarkMail()
	source = strings.ReplaceAll(source, "{{code}}", "{{#if code}}{{spaced code}}{{else}}none{{/if}}")
	source = strings.ReplaceAll(source, "{{user.name}}", `Dear {{default user.name "friend"}} {{#each items}}{{@index}}: {{this}}{{#unless @last}}, {{/unless}}{{/each}}`)
	source = strings.ReplaceAll(source, "{{organization.name}}", "{{#with organization}}{{name}}{{/with}}")
	payload["items"] = []any{"one", "two", "three", "four"}
	library := template.NewLibrary(map[string]string{"page": "<html>\n{{> @partial-block}}\n</html>"})
	tpl, err := template.Compile(`{{#layout "page"}}`+source+"{{/layout}}", template.Options{Library: library})
	if err != nil || len(tpl.Problems()) > 0 {
		b.Fatal(err, tpl.Problems())
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Render(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse8KB10Variables(b *testing.B) {
	source, _ := benchmarkMail()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := template.Parse(source, template.HTML); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCacheGet8KB(b *testing.B) {
	source, _ := benchmarkMail()
	c := template.NewCache(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(source, template.HTML); err != nil {
			b.Fatal(err)
		}
	}
}
