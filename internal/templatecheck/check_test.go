package templatecheck_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templatecheck"
	"github.com/postern-mail/postern/internal/templates"
)

// lines writes problems as "field line:column severity code", one a line.
func lines(problems []templates.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		place := fmt.Sprintf("%d:%d", p.Line, p.Column)
		if in, ok := strings.CutPrefix(p.Message, "In the partial "); ok {
			place, _, _ = strings.Cut(in, ":")
		}
		fmt.Fprintf(&b, "%s %s %s %s\n", p.Field, place, p.Severity, p.Code)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// good is a template without a problem, whose parts the cases replace.
func good() templates.Custom {
	return templates.Custom{Subject: "Your code", Content: `<p lang="en">Your code is {{code}}.</p>`}
}

// content is a good template with other content.
func content(s string) templates.Custom {
	d := good()
	d.Content = s
	return d
}

// TestProblems shows every problem with its place.
func TestProblems(t *testing.T) {
	t.Parallel()
	library := template.NewLibrary(map[string]string{
		"page": "<html lang=\"en\">\n{{> @partial-block}}{{foo}}</html>", "foot": "{{bar x}}", "self": "{{> self}}",
	})
	in := func(s string) templates.Custom { return content("<p lang=en>{{code}}\n" + s + "</p>") }
	for _, c := range []struct {
		name string
		typ  connector.TemplateType
		d    templates.Custom
		want string
	}{
		{"nothing", "", good(), ""},
		{"everything that is fine", connector.SignIn, templates.Custom{
			Subject:     "{{#if organization}}{{organization.name}}: {{/if}}your code for {{default application.displayName application.name}}",
			Content:     "<html lang=\"{{locale}}\"><img src=\"{{application.branding.logoUrl}}\" alt=\"\"><p style=\"color:#747778\">{{spaced code}} © 2026, 10 minutes, +1 555 0100, 12:30, {{uiLocales}}</p></html>",
			ContentType: connector.TextHTML, ReplyTo: "{{application.name}} <help@example.com>", SendFrom: "{{application.name}}",
		}, "content 1:157 warning optional_variable"},
		{"text", "", templates.Custom{Subject: "Code", Content: "Your code: {{code}}\n", ContentType: connector.TextPlain}, ""},

		{"no code", "", content("<p lang=en>Hello</p>"), "content 0:0 error missing_code"},
		{"no link", connector.OrganizationInvitation, content("<p lang=en>Hello {{organization.name}}</p>"), "content 0:0 error missing_link"},
		{"a code in some mails", connector.SignIn, content("<p lang=en>{{#if organization}}{{code}}{{/if}}</p>"), "content 0:0 error missing_code"},
		{"a link", connector.OrganizationInvitation, content("<a lang=en href=\"{{link}}\">Join</a>"), ""},

		{"unknown variables", connector.SignIn, in("{{aplication.name}}{{application.nam}}{{user.name}}{{code.x}}{{#if foo}}{{/if}}"),
			"content 2:1 warning unknown_variable\ncontent 2:20 warning unknown_variable\ncontent 2:39 warning unknown_variable\n" +
				"content 2:52 warning unknown_variable\ncontent 2:62 warning unknown_variable"},
		{"variables in blocks", connector.BindMfa, in("{{#with user}}{{name}}{{profile.nick}}{{../code}}{{/with}}{{#each user}}{{this}}{{x}}{{/each}}"), "content 2:23 warning unknown_variable"},
		{"objects", connector.SignIn, in("{{application}}{{#with application}}{{branding}}{{/with}}{{#if application}}x{{/if}}"),
			"content 2:1 error prints_object\ncontent 2:37 error prints_object"},
		{"optional variables", connector.SignIn, in("{{organization.id}}{{organization.name}}{{#if organization}}{{organization.id}}{{/if}}"), "content 2:1 warning optional_variable"},

		{"blocks", "", in("{{#if code}}x"), "content 2:1 error unclosed_block"},
		{"helpers", "", in("{{shout code}}{{upper}}{{no-name}}"), "content 2:1 error unknown_helper\ncontent 2:15 warning unknown_variable\ncontent 2:24 error invalid_tag"},
		{"other fields", "", templates.Custom{Subject: "{{/if}} x", Content: good().Content, SendFrom: "\n{{#x}}", ReplyTo: "a@example.com {{"},
			"subject 1:1 error unopened_block\nreplyTo 0:0 error invalid_reply_to\nsendFrom 2:1 error unknown_block"},
		{"partials", "", templates.Custom{Subject: "{{> foot}}x", Content: "{{#layout \"page\"}}{{code}}{{> gone}}{{/layout}}", Partials: library},
			"subject \"foot\", line 1, column 1 error unknown_helper\ncontent \"page\", line 2, column 21 warning unknown_variable\ncontent 1:27 error unknown_partial"},
		{"a partial in itself", "", templates.Custom{Subject: "x", Content: "{{code}}{{> self}}", Partials: library}, "content \"self\", line 1, column 1 error partial_includes_itself"},
		{"too deep", "", in(strings.Repeat("{{#if code}}", 1000) + strings.Repeat("{{/if}}", 1000)), "content 2:193 error nesting_too_deep"},
		{"too large", "", content(strings.Repeat("x", 300<<10)), "content 1:262145 error template_too_large"},
		{"not UTF-8", "", templates.Custom{Subject: "x\xff", Content: good().Content}, "subject 1:2 error template_not_utf8"},
		{"too much output", "", content("{{code}}" + strings.Repeat("{{#each user}}x{{/each}}", 10)),
			strings.TrimSuffix(strings.Repeat("", 1), "\n") + "content 1:1 warning missing_lang\n" + repeated("content 1:%d warning unknown_variable", 9, 24, 10)},

		{"numbers", "", in("Call 123456 or 123-456 or 123 456, not 12, 2026, +49 30 123456, #123456, 1234px, v1234, 12:34, 123456789, 1.2345 &#8202;<b title=4711>1234</b>"),
			"content 2:6 warning ambiguous_number\ncontent 2:16 warning ambiguous_number\ncontent 2:27 warning ambiguous_number\ncontent 2:135 warning ambiguous_number"},
		{"numbers in text", "", templates.Custom{Subject: "123456 is your code", Content: "{{code}}\n000000 http://example.com", ContentType: connector.TextPlain},
			"subject 1:1 warning ambiguous_number\ncontent 2:1 warning ambiguous_number\ncontent 2:8 warning insecure_link"},
		{"numbers in an invitation", connector.OrganizationInvitation, content("<p lang=en>{{link}} 123456</p>"), ""},

		{"links", "", in("<a href=' HTTP://e.com'>x</a><a href=https://e.com>\n<img alt='' src=http://e.com><td background=http://e.com style='background:url(http://e.com)'>"),
			"content 2:1 warning insecure_link\ncontent 3:1 warning insecure_image\ncontent 3:30 warning insecure_image\ncontent 3:30 warning insecure_image"},
		{"links in blocks", "", in(`<a href="{{#if code}}http://e.com{{/if}}">x</a>`), "content 2:1 warning insecure_link"},
		{"images", "", in("é<img src=x><img src=x alt=''><img src=x {{#if code}}alt=y{{/if}}>"), "content 2:2 warning missing_alt"},
		{"no language", "", content("\n<!doctype html>\n<html><p>{{code}}</p>"), "content 3:1 warning missing_lang"},
		{"no language in a part", "", content(" <p>{{code}}</p>"), "content 1:2 warning missing_lang"},
		{"a language from a variable", "", content("<p lang=\"{{locale}}\">{{code}}</p>"), ""},
		{"a large body", "", content("<p lang=en>{{code}}" + strings.Repeat("word ", 21_000) + "</p>"), "content 0:0 warning body_too_large"},

		{"styles in attributes", "", in(`<p style="position:absolute;DISPLAY: flex">x</p><p style="float:left;color:var(--x)">x</p><p style="display:none;position:relative;float:none;max-width:1px">x</p>`),
			"content 2:1 warning dropped_css\ncontent 2:1 warning dropped_css\ncontent 2:49 warning dropped_css\ncontent 2:49 warning dropped_css"},
		{"a style sheet", "", in("<style>\n@import url(x.css);\n/* ; float:left */ a { color: red;\n  box-shadow: 0 0 1px #000; }\n@font-face { src: url(x) }\n@media (max-width:1px) { b { --x: 1px; animation: x } }\n</style>"),
			"content 3:1 warning dropped_css\ncontent 5:3 warning dropped_css\ncontent 6:1 warning dropped_css\ncontent 7:30 warning dropped_css\ncontent 7:40 warning dropped_css"},
		{"each of CSS once", "", in(`<p style="float:left">x</p><p style="float:right">x</p>`), "content 2:1 warning dropped_css"},
		{"elements", "", in(`<link rel=stylesheet href=x><script>http://x; 123456</script><form></form><link rel=icon>`),
			"content 2:1 warning dropped_css\ncontent 2:29 warning dropped_element\ncontent 2:62 warning dropped_element"},

		{"contrast", "", in(`<p style="color:#aaa">pale</p><p style="color:#767676">fine</p>`), "content 2:1 warning low_contrast"},
		{"contrast with a background", "", in(`<div style="background:#222 none">` + "\n" + `<b style="color:rgb(0, 0, 90)">dark</b><i style="color:white">fine</i></div><p style="color:#222">fine</p>`), "content 3:1 warning low_contrast"},
		{"contrast of large text", "", in(`<h1 style="color:#888">large</h1><p style="font-size:24px;color:#888">large</p><p style="color:#888;font-size:12px">small</p>`), "content 2:80 warning low_contrast"},
		{"contrast of the default", "", in(`<table bgcolor=navy><tr><td>black</td></tr></table><font color=yellow>x</font>`), "content 2:1 warning low_contrast\ncontent 2:52 warning low_contrast"},
		{"contrast unknown", "", in(`<p style="color:{{code}}">x</p><p style="color:#fff;background:url(x)">x</p><p style="color:#fff;display:none">x</p><p style="color:#fff"><a href=x>x</a></p><p style="color:#ffffff80">x</p><p class=x style="background:#000">x</p>`), ""},

		{"no subject", "", templates.Custom{Content: good().Content}, "subject 0:0 error subject_empty"},
		{"a subject that may be empty", connector.SignIn, templates.Custom{Subject: "{{#if organization}}x{{/if}}", Content: good().Content}, "subject 0:0 error subject_empty"},
		{"a long subject", "", templates.Custom{Subject: strings.Repeat("é", 79), Content: good().Content}, "subject 0:0 warning subject_too_long"},
		{"a subject just short enough", "", templates.Custom{Subject: strings.Repeat("é", 78), Content: good().Content}, ""},
		{"reply to nobody", "", templates.Custom{Subject: "x", Content: good().Content, ReplyTo: "support"}, "replyTo 0:0 error invalid_reply_to"},
		{"types", "Newsletter", templates.Custom{Subject: "x", Content: "{{code}}", ContentType: "text/markdown"},
			"templateType 0:0 error unknown_type\ncontentType 0:0 error unknown_content_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.typ == "" {
				c.typ = connector.Generic
			}
			got := templatecheck.Check(c.typ, c.d)
			if lines(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", lines(got), c.want)
			}
			for _, p := range got {
				if !strings.HasSuffix(p.Message, "?") && !strings.HasSuffix(p.Message, ".") || len(p.Message) < 20 || strings.Contains(p.Message, "%!") {
					t.Errorf("%s says %q", p.Code, p.Message)
				}
			}
		})
	}
}

// repeated writes a line n times with columns from first on.
func repeated(format string, first, step, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, first+i*step)
	}
	return strings.Join(all, "\n")
}

// TestMessages shows what is said, and that it says what to do.
func TestMessages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typ     connector.TemplateType
		content string
		want    string
	}{
		{connector.SignIn, "{{aplication.name}}", "SignIn mails have no aplication.name, so the placeholder is sent as it stands, unless whoever sends the mail adds it. Did you mean application.name?"},
		{connector.SignIn, "{{logoUrl}}", "Did you mean application.branding.logoUrl?"},
		{connector.SignIn, "{{applicationName}}", "Did you mean application.name?"},
		{connector.SignIn, "{{application.logo}}", "SignIn mails have no application.logo."},
		{connector.BindMfa, "{{user.profile.nick}}", "Did you mean user.profile.nickname?"},
		{connector.BindMfa, "{{code.x}}", "Did you mean code?"},
		{connector.SignIn, "{{user.name}}", "Those of UserPermissionValidation, BindNewIdentifier, BindMfa do."},
		{connector.OrganizationInvitation, "{{code}}", "Those of SignIn, Register, ForgotPassword"},
		{connector.SignIn, "{{application}}", "application is an object and prints as [object Object]. Print one of its members, such as {{application.name}}."},
		{connector.BindMfa, "{{user.profile.address}}", "such as {{user.profile.address.formatted}}."},
		{connector.SignIn, "{{organization.name}}", "Not every SignIn mail has organization; without it, the placeholder is sent as it stands. Put it into {{#if organization}} … {{/if}}."},
		{connector.SignIn, "{{~#each  x}}", "Close it with {{/each}}."},
		{connector.SignIn, "{{capitalize code}}", "The helpers are eq, ne, and, or, not, default, upper, lower, date, spaced."},
		{connector.SignIn, `<p style="color:#bbb">x`, "have a contrast of 1.9 to 1, and should have 4.5 at least."},
		{connector.SignIn, `<p style="position:fixed">x`, "Gmail and Outlook for Windows ignore position: fixed. Use a table for the layout."},
	} {
		all := ""
		for _, p := range templatecheck.Check(c.typ, content(c.content)) {
			all += p.Message + "\n"
		}
		if !strings.Contains(all, c.want) {
			t.Errorf("%s: got\n%swant %s", c.content, all, c.want)
		}
	}
}

// TestWorstInput checks what takes longest: the test's own time limit is the
// judge.
func TestWorstInput(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{
		"{{a}}", "{{code}} ", "{{#if x}}", "<b>", "</b>", "<b></i>", "<p style='color:#aaa'>x", "<p style='color:#a", "<style>/*", "<style>a{b:c}", "/*", "<", "<a href=http://x>",
		"123456 ", "<img>", "{{> p}}", "<!--", "&#8202;", "\n", "<td style=\"position:fixed;float:left\">",
	} {
		for _, kind := range []connector.ContentType{connector.TextHTML, connector.TextPlain} {
			source := strings.Repeat(unit, template.MaxSource/len(unit))
			d := templates.Custom{Subject: source, Content: source, ContentType: kind, ReplyTo: source, SendFrom: source, Partials: template.NewLibrary(map[string]string{"p": "{{y}}"})}
			if got := templatecheck.Check(connector.SignIn, d); len(got) > 200 {
				t.Errorf("%q: %d problems", unit, len(got))
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("Code", `<html lang="en"><style>a{b:c;}@media x{y{z:w}}</style><p style="color:#777">{{code}} 123456</p><img src=http://x>`, false)
	f.Add("{{#if x}}", "{{#each application}}{{> p}}{{/each}}{{#layout 'p'}}<a href={{link}}>{{/layout}}", true)
	f.Fuzz(func(t *testing.T, subject, content string, text bool) {
		d := templates.Custom{Subject: subject, Content: content, Partials: template.NewLibrary(map[string]string{"p": content})}
		if text {
			d.ContentType = connector.TextPlain
		}
		for _, p := range templatecheck.Check(connector.SignIn, d) {
			if p.Code == "" || p.Message == "" || p.Field == "" || p.Severity == "" || p.Line < 0 || p.Column < 0 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
