package templates_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

func newCache() *template.Cache { return template.NewCache(1 << 20) }

func TestRenderCustom(t *testing.T) {
	t.Parallel()
	payload := map[string]any{
		"code": code, "name": "Tom & <Jerry>", "evil": "a\r\nBcc: x@example.com", "locale": "fr-CA", "link": "https://e.com/?a=1&b=2",
		"html": "<p>Hi</p><p>there</p>",
	}
	cache := newCache()
	for _, c := range []struct {
		name string
		tpl  templates.Custom
		want templates.Rendered
	}{
		{
			"HTML is the default",
			templates.Custom{Subject: "{{name}}: your code", Content: "<p>Dear {{name}},</p>\r\n<div>code <b>{{code}}</b></div>", ReplyTo: "help@{{tenant}}", SendFrom: " {{name}} <a@b.example>"},
			templates.Rendered{
				Subject: "Tom & <Jerry>: your code", HTML: "<p>Dear Tom &amp; &lt;Jerry&gt;,</p>\n<div>code <b>482913</b></div>",
				Text: "Dear Tom & <Jerry>,\n\ncode 482913", ReplyTo: "help@{{tenant}}", SendFrom: "Tom & <Jerry> <a@b.example>", Locale: "fr-CA",
			},
		},
		{
			"a text part of its own",
			templates.Custom{Subject: "s", Content: "<p>{{name}}</p>", Text: "Dear {{name}},\r\n{{code}}"},
			templates.Rendered{Subject: "s", HTML: "<p>Tom &amp; &lt;Jerry&gt;</p>", Text: "Dear Tom & <Jerry>,\n482913", Locale: "fr-CA"},
		},
		{
			"plain text is text alone",
			templates.Custom{Subject: "s", Content: "Dear {{name}},\r\n\r\n<{{code}}>\r", ContentType: connector.TextPlain},
			templates.Rendered{Subject: "s", Text: "Dear Tom & <Jerry>,\n\n<482913>\n", Locale: "fr-CA"},
		},
		{
			"header fields are one line",
			templates.Custom{Subject: "a\n{{evil}}\t", Content: "{{code}}", ReplyTo: "{{evil}}", SendFrom: "{{{evil}}}\r\nx"},
			templates.Rendered{
				Subject: "a aBcc: x@example.com", HTML: code, Text: code, ReplyTo: "aBcc: x@example.com",
				SendFrom: "aBcc: x@example.com x", Locale: "fr-CA",
			},
		},
		{
			"links",
			templates.Custom{Subject: "s", Content: `<a href="{{link}}">Join</a> <a href="{{evil}}">x</a>`, ContentType: connector.TextHTML},
			templates.Rendered{
				Subject: "s", HTML: `<a href="https://e.com/?a=1&amp;b=2">Join</a> <a href="#">x</a>`,
				Text: "Join <https://e.com/?a=1&b=2> x <a\nBcc: x@example.com>", Locale: "fr-CA",
			},
		},
		{
			"raw values are read as HTML in the text part",
			templates.Custom{Subject: "s", Content: `{{{html}}}{{code}}`},
			templates.Rendered{Subject: "s", HTML: "<p>Hi</p><p>there</p>482913", Text: "Hi\n\nthere\n\n482913", Locale: "fr-CA"},
		},
		{
			"blocks, helpers and a layout",
			templates.Custom{
				Subject: "{{#if code}}{{upper name}}{{else}}Hi{{/if}}", Content: "{{#layout \"page\"}}\n<p>{{#if gone}}no{{else}}Code {{spaced code}}{{/if}}</p>\n{{/layout}}",
				Partials: template.NewLibrary(map[string]string{"page": "<div>{{> @partial-block}}</div>\n<p style=\"display:none\">x</p>"}),
			},
			templates.Rendered{
				Subject: "TOM & <JERRY>", HTML: "<div><p>Code <span style=\"letter-spacing:0.2em\">482913</span></p>\n</div>\n<p style=\"display:none\">x</p>",
				Text: "Code 482913", Locale: "fr-CA",
			},
		},
		{
			"pictures alone",
			templates.Custom{Subject: "Look", Content: `<img src="https://e.com/x.png" alt="">`},
			templates.Rendered{Subject: "Look", HTML: `<img src="https://e.com/x.png" alt="">`, Text: "Look", Locale: "fr-CA"},
		},
	} {
		for range 2 { // the second time from the cache
			got, err := templates.RenderCustom(cache, c.tpl, payload)
			if err != nil || got != c.want {
				t.Errorf("%s: %v\n got %+v\nwant %+v", c.name, err, got, c.want)
			}
		}
	}
}

func TestRenderCustomErrors(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", template.MaxSource+1)
	for _, c := range []struct {
		tpl    templates.Custom
		part   string
		reason template.Reason
	}{
		{templates.Custom{Subject: "\xff"}, "subject", template.InvalidUTF8},
		{templates.Custom{ReplyTo: "{{bad}}"}, "replyTo", template.UnsupportedValue},
		{templates.Custom{SendFrom: "{{bad}}"}, "sendFrom", template.UnsupportedValue},
		{templates.Custom{Content: large}, "content", template.SourceTooLarge},
		{templates.Custom{Content: large, ContentType: connector.TextPlain}, "content", template.SourceTooLarge},
		{templates.Custom{Content: "{{bad}}"}, "content", template.UnsupportedValue},
		{templates.Custom{Content: strings.Repeat("{{long}}", 20)}, "content", template.OutputTooLarge},
	} {
		payload := map[string]any{"bad": struct{ s string }{"hush"}, "long": strings.Repeat("y", template.MaxOutput/16)}
		_, err := templates.RenderCustom(newCache(), c.tpl, payload)
		var got *template.Error
		if !errors.As(err, &got) || got.Reason != c.reason || !strings.Contains(err.Error(), c.part) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: error %v, want %s", c.part, err, c.reason)
		}
	}
}

// TestLargestContent: what is just within the bound has a text part, too.
func TestLargestContent(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("é", template.MaxSource/2)
	r, err := templates.RenderCustom(newCache(), templates.Custom{Content: content}, nil)
	if err != nil || r.Text != content {
		t.Errorf("%d bytes of text, %v", len(r.Text), err)
	}
}

func BenchmarkBuiltin(b *testing.B) {
	set := newBuiltin(b)
	for _, typ := range []connector.TemplateType{connector.SignIn, connector.OrganizationInvitation} {
		payload, o := full(typ), fullOptions()
		b.Run(string(typ), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := set.Render(typ, payload, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCustomHTML8KB(b *testing.B) {
	row := "<tr><td style=\"padding:12px\"><p>Some text of the mail.</p></td></tr>\n"
	tpl := templates.Custom{
		Subject: "Code for {{application.name}}",
		Content: "<table>" + strings.Repeat(row, 110) + "<tr><td>{{code}}</td></tr></table>",
	}
	cache, payload := newCache(), full(connector.SignIn)
	b.SetBytes(int64(len(tpl.Content)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := templates.RenderCustom(cache, tpl, payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTextFromHTML(b *testing.B) {
	html := render(b, connector.SignIn, full(connector.SignIn), fullOptions()).HTML
	b.SetBytes(int64(len(html)))
	for b.Loop() {
		templates.TextFromHTML(html)
	}
}
