package templates_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

func TestTextFromHTML(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, html, want string }{
		{"empty", "", ""},
		{"plain", "a  b\n c", "a b c"},
		{"paragraphs with attributes", `<p class="a">one</p><p style='x'>two</p>`, "one\n\ntwo"},
		{"divs", `<div>Your code</div><div class="code">482913</div><div>bye</div>`, "Your code\n482913\nbye"},
		{"table rows and cells", `<table><tr><td>code</td><td>482913</td></tr><tr><td>x</td></tr></table>`, "code 482913\nx"},
		{"line breaks", "a<br>b<br/>c<br />d<BR clear=all>e", "a\nb\nc\nd\ne"},
		{"headings", `<h1 class="x">Title</h1>text`, "Title\n\ntext"},
		{"list", `<ul class="l"><li>one</li><li class="x">two</ul>after`, "- one\n- two\nafter"},
		{"inline tags", `a<b>b</b><span style="x">c</span>`, "abc"},
		{"entities", "a &amp; b &lt;c&gt; &#52;&#x38; &nbsp;x&copy; &unknown; AT&T", "a & b <c> 48 x© &unknown; AT&T"},
		{"placeholders", `<p>{{ code }} {{{name}}} {{&x}}</p>`, "{{ code }} {{{name}}} {{&x}}"},
		{"head, style, script", `<html><head><title>T</title><style>p{a:b}</style></head><body><script>x("</p>")</script>hi</body></html>`, "hi"},
		{"comments", `a<!-- <p>no</p> -->b<!--[if mso]><p>no</p><![endif]-->c<!--[if !mso]><!--><i>d</i><!--<![endif]-->`, "abcd"},
		{"preheader", `<div style="display: none; max-height:0">pre<div>in</div>pre</div><span STYLE=display:none>x</span>text`, "text"},
		{"preheader for Outlook", `<div style="max-height:0;mso-hide:all">pre</div>text`, "text"},
		{"link", `<a href="https://e.com/?a=1&amp;b=2">Join</a> now`, "Join <https://e.com/?a=1&b=2> now"},
		{"link in single quotes and bare", `<a href='https://e.com'>a</a> <a href=https://e.com/x>b</a>`, "a <https://e.com> b <https://e.com/x>"},
		{"link with its own address", `<a class=x href="{{link}}">{{link}}</a>`, "{{link}}"},
		{"link of a picture", `<a href="https://e.com"><img src="x.png" alt="x"></a>`, "<https://e.com>"},
		{"placeholder link", `<a href="{{link}}">Join</a>`, "Join <{{link}}>"},
		{"mail link", `<a href="mailto:a@b.example">write</a> <a href="mailto:a@b.example">a@b.example</a>`, "write <a@b.example> a@b.example"},
		{"no such link", `<a href="javascript:x">a</a><a href="#top">b</a><a href="">c</a>`, "abc"},
		{"anchor without href", `<a name="top">top</a>, code 482913`, "top, code 482913"},
		{"anchor that is not closed", `<a href="https://e.com">Join <p>code 482913`, "Join\n\ncode 482913 <https://e.com>"},
		{"anchor in anchor", `<a href="https://a.example">a<a href="https://b.example">b</a></a>c`, "a <https://a.example>b <https://b.example>c"},
		{"an end tag too many", `</a></style></script></head></p>code 482913`, "code 482913"},
		{"hidden paragraph that is not closed", `<p style="display:none">pre<p>code 482913`, "code 482913"},
		{"hidden cell", `<tr><td style="display:none">code 482913`, "code 482913"},
		{"brackets in attributes", `<p title="a>b" data-x='<'>code 482913</p>`, "code 482913"},
		{"stray brackets", `1 < 2 > 0 <3 <`, "1 < 2 > 0 <3 <"},
		{"no end of tag", `code 482913 <p class`, "code 482913"},
		{"doctype", `<!DOCTYPE html><?xml?>x<!`, "x"},
		{"empty lines", "<p></p><div><div><p>a</p></div></div><br><br><br><p>b</p><hr>", "a\n\nb"},
		{"no-break spaces", "a&nbsp;&nbsp;b\u00a0c", "a b c"},
		{"right to left", `<p dir="rtl">رمز التحقق</p><p>482913</p>`, "رمز التحقق\n\n482913"},
	} {
		if got := templates.TextFromHTML(c.html); got != c.want {
			t.Errorf("%s: %q\n got %q\nwant %q", c.name, c.html, got, c.want)
		}
	}
}

// TestTextOfBuiltinMails: the function reads our own mails as their text part
// says them, code and link included.
func TestTextOfBuiltinMails(t *testing.T) {
	t.Parallel()
	for _, r := range mails(t, "en") {
		text := templates.TextFromHTML(r.HTML) + "\n"
		want := "\n" + code + "\n"
		if !r.typ.CarriesCode() {
			want = link + "\n"
		}
		if !strings.Contains(text, want) || strings.Contains(text, "color-scheme") || strings.HasPrefix(text, "Enter the code from") {
			t.Errorf("%s: got\n%s", r.name, text)
		}
	}
}

// TestTextKeepsTheCode surrounds a code with whatever markup that does not
// hide it.
func TestTextKeepsTheCode(t *testing.T) {
	t.Parallel()
	markup := rapid.SampledFrom([]string{
		"<p>", "</p>", `<p class="a">`, `<p style="display:none">x`, "<div>", "</div>", "<td>", "</td>", "<tr>", `<table width="1">`, "</table>", "<a>", "</a>",
		`<a href="https://e.com">`, `<a name='x'>`, "<br>", "<br />", "<ul>", "</ul>", "<h1>", "</h1>", "</style>", "</script>",
		"</head>", "<!-- x -->", ">", "&", "&amp;", "&#", "<b>", "< ", "<3", "<img src=x>", "text", " ", "\n", "\u00a0", "é",
		`<style>a{}</style>`, `<div style="display:none">x</div>`, `<p title=">">`, "<>", "</>", "<1>",
	})
	rapid.Check(t, func(t *rapid.T) {
		before := strings.Join(rapid.SliceOf(markup).Draw(t, "before"), "")
		after := strings.Join(rapid.SliceOf(markup).Draw(t, "after"), "")
		html := before + "<p>" + code + "</p>" + after
		got := templates.TextFromHTML(html)
		if !strings.Contains("\n"+got+"\n", "\n"+code+"\n") {
			t.Fatalf("no line with the code:\n%s\ngave\n%s", html, got)
		}
	})
}

// TestTextIsLinear reads what would take hours in quadratic time: the test's
// own time limit is the judge.
func TestTextIsLinear(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{
		">", "<", "<a", `<a href="`, `<a href="x`, "<a href='x>", "<!--", "<style>", "<style", `<p a="b" `, "<a>", `<a href="https://e.com">`,
		`<div style="display:none">`, "&", "&#", "</a>", "<li>", "=", `="`, "<p ='", "</", "<!", "\n", "{{", `<i style="display:none"><`,
	} {
		for _, html := range []string{
			strings.Repeat(unit, template.MaxSource/len(unit)),
			"<p " + strings.Repeat(unit, template.MaxSource/len(unit)) + ">",
		} {
			if got := templates.TextFromHTML(html); len(got) > template.MaxOutput {
				t.Errorf("%q: %d bytes", unit, len(got))
			}
		}
	}
}

func TestTextIsBounded(t *testing.T) {
	t.Parallel()
	got := templates.TextFromHTML(strings.Repeat("é", template.MaxOutput))
	if len(got) > template.MaxOutput || len(got) < template.MaxOutput-4 || !utf8.ValidString(got) {
		t.Errorf("%d bytes, UTF-8: %v", len(got), utf8.ValidString(got))
	}
}

func FuzzTextFromHTML(f *testing.F) {
	for _, s := range []string{"<p>a</p>", `<a href="https://e.com">x`, "<!-- a -->&amp;<", `<div style="display:none">x`, "<style>a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, html string) {
		got := templates.TextFromHTML(html)
		if utf8.ValidString(html) && (!utf8.ValidString(got) || len(got) > 2*len(html)) {
			t.Fatalf("%q gave %q", html, got)
		}
		if strings.Contains(got, "\n\n\n") || got != strings.Trim(got, " \n") {
			t.Fatalf("%q gave untidy %q", html, got)
		}
	})
}
