package templates_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/templates"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	code = "482913"
	link = "https://app.example.com/join?id=7&token=x_Y-z"
)

// builtin is one set for all tests: it does not change.
var builtin = sync.OnceValues(templates.NewBuiltin)

func newBuiltin(t testing.TB) *templates.Builtin {
	t.Helper()
	b, err := builtin()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// minimal is the least payload: what the mail is for.
func minimal(t connector.TemplateType) map[string]any {
	if t.CarriesCode() {
		return map[string]any{"code": code}
	}
	return map[string]any{"link": link}
}

// full is a payload with everything that a mail can mention.
func full(t connector.TemplateType) map[string]any {
	p := minimal(t)
	maps.Copy(p, map[string]any{
		"application": map[string]any{
			"id": "a1", "name": "acme-web", "displayName": "Acme",
			"branding": map[string]any{"logoUrl": "https://cdn.example.com/acme.png", "darkLogoUrl": "https://cdn.example.com/acme-dark.png"},
		},
		"organization": map[string]any{"id": "o1", "name": "Umbrella Ltd", "branding": map[string]any{}},
		"user":         map[string]any{"id": "u1", "name": "Ann Smith", "username": "ann", "profile": map[string]any{}},
		"inviter":      map[string]any{"id": "u2", "name": nil, "username": "bob", "primaryEmail": "bob@example.com"},
		"locale":       "en", "uiLocales": "en-GB en",
	})
	return p
}

func fullOptions() templates.Options {
	return templates.Options{
		Locale: "en", Validity: 10 * time.Minute,
		Branding: templates.Branding{
			SenderName: "Acme Accounts", CompanyInformation: "Acme Inc., 1 Long Road\nSpringfield",
			LogoURL: "https://cdn.example.com/fallback.png",
		},
	}
}

func render(t testing.TB, typ connector.TemplateType, payload map[string]any, o templates.Options) templates.Rendered {
	t.Helper()
	r, err := newBuiltin(t).Render(typ, payload, o)
	if err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	return r
}

// visibleText parses an HTML mail as XML, which is stricter than mail clients
// are, and returns the text of its body.
func visibleText(t *testing.T, html string) string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	d.Entity = xml.HTMLEntity
	var text strings.Builder
	body := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("the HTML is not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			body = body || token.Name.Local == "body"
		case xml.CharData:
			if body {
				text.Write(token)
			}
		}
	}
}

// mail is a built-in mail to look at.
type mail struct {
	name string
	typ  connector.TemplateType
	templates.Rendered
}

// mails returns every type with the least and with a full payload.
func mails(t *testing.T, locale string) []mail {
	t.Helper()
	var all []mail
	for _, typ := range connector.TemplateTypes() {
		o := fullOptions()
		o.Locale = locale
		all = append(all,
			mail{string(typ) + "/minimal", typ, render(t, typ, minimal(typ), templates.Options{Locale: locale})},
			mail{string(typ) + "/full", typ, render(t, typ, full(typ), o)})
	}
	return all
}

func TestEveryMailIsComplete(t *testing.T) {
	t.Parallel()
	for _, locale := range newBuiltin(t).Languages() {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			for _, r := range mails(t, locale) {
				checkMail(t, r, locale)
			}
		})
	}
}

func checkMail(t *testing.T, r mail, locale string) {
	t.Helper()
	visible := visibleText(t, r.HTML)
	checkTree(t, r)
	for name, s := range map[string]string{"subject": r.Subject, "HTML": visible, "text": r.Text} {
		if strings.TrimSpace(s) == "" || strings.ContainsAny(s, "{}") || strings.Contains(s, "  \n") {
			t.Errorf("%s: %s: %q", r.name, name, s)
		}
	}
	if strings.Contains(r.HTML, "{{") {
		t.Errorf("%s: a placeholder is left in\n%s", r.name, r.HTML)
	}
	if len(r.HTML) > 20<<10 {
		t.Errorf("%s: the HTML has %d bytes", r.name, len(r.HTML))
	}
	if n := len([]rune(r.Subject)); n > 78 {
		t.Errorf("%s: the subject has %d characters", r.name, n)
	}
	if strings.ContainsFunc(r.Subject, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) }) {
		t.Errorf("%s: subject %q", r.name, r.Subject)
	}
	for _, want := range []string{`<html lang="` + locale + `" dir="`, `name="viewport"`, `name="color-scheme"`, "prefers-color-scheme:dark"} {
		if !strings.Contains(r.HTML, want) {
			t.Errorf("%s: the HTML lacks %s", r.name, want)
		}
	}
	for _, no := range []string{"@import", "@font-face", "<script", "http:", "\r"} {
		if strings.Contains(strings.ReplaceAll(r.HTML, "http://www.w3.org/", ""), no) {
			t.Errorf("%s: the HTML holds %q", r.name, no)
		}
	}
	if r.Locale != locale || r.ReplyTo != "" || r.SendFrom != "" {
		t.Errorf("%s: locale %q, reply-to %q, sender %q", r.name, r.Locale, r.ReplyTo, r.SendFrom)
	}
	if r.typ.CarriesCode() {
		checkCode(t, r.name, visible)
		checkCode(t, r.name, r.Text)
	} else {
		checkInvitation(t, r)
	}
}

// checkCode checks that the code is the only number of its kind, unbroken on a
// line of its own, with a line of text before it.
func checkCode(t *testing.T, name, text string) {
	t.Helper()
	if numbers := codeLike.FindAllString(text, -1); !slices.Equal(numbers, []string{code}) {
		t.Errorf("%s: code-like numbers %v, want one %s", name, numbers, code)
	}
	if !labelled.MatchString(text) {
		t.Errorf("%s: no line with the code alone after a line that is its label:\n%s", name, text)
	}
}

var (
	codeLike = regexp.MustCompile(`\p{Nd}{3,}`)
	labelled = regexp.MustCompile(`(?m)^.*\pL.*\n\s*` + code + `\n`)
)

func checkInvitation(t *testing.T, r mail) {
	t.Helper()
	escaped := strings.ReplaceAll(link, "&", "&amp;")
	if n := strings.Count(r.HTML, `href="`+escaped+`"`); n != 2 {
		t.Errorf("%d links to the invitation, want the button and the address", n)
	}
	if !strings.Contains(r.HTML, ">"+escaped+"</a>") || !strings.Contains(r.Text, "\n"+link+"\n") {
		t.Errorf("the address is not written out:\n%s", r.Text)
	}
	text := strings.ReplaceAll(r.Text, link, "")
	if numbers := codeLike.FindAllString(text, -1); len(numbers) > 0 {
		t.Errorf("code-like numbers %v", numbers)
	}
	if r.Locale == "en" && strings.Contains(text, "code") {
		t.Error("the invitation speaks of a code")
	}
}

func TestPicturesHaveAlternatives(t *testing.T) {
	t.Parallel()
	r := render(t, connector.SignIn, full(connector.SignIn), fullOptions())
	if n := strings.Count(r.HTML, "<img "); n != 2 || strings.Count(r.HTML, `alt="Acme"`) != n {
		t.Errorf("%d pictures in\n%s", n, r.HTML)
	}
}

// TestWhoIsMentioned shows the wording with and without names.
func TestWhoIsMentioned(t *testing.T) {
	t.Parallel()
	app, org := map[string]any{"name": "Acme"}, map[string]any{"name": "Umbrella"}
	bob := map[string]any{"name": "Bob Li", "username": "bob", "primaryEmail": "bob@example.com"}
	for _, c := range []struct {
		name    string
		typ     connector.TemplateType
		payload map[string]any
		sender  string
		subject string
		texts   []string
	}{
		{"nobody", connector.SignIn, nil, "", "Your sign-in code", []string{"request to sign in with this"}},
		{"sender", connector.SignIn, nil, "Example", "Your sign-in code for Example", []string{"sign in to Example with"}},
		{"organization", connector.SignIn, map[string]any{"organization": org}, "Example", "Your sign-in code for Umbrella", []string{"sign in to Umbrella with"}},
		{"both", connector.SignIn, map[string]any{"application": app, "organization": org}, "", "Your sign-in code for Acme", []string{"sign in to Acme for Umbrella with"}},
		{"same name", connector.SignIn, map[string]any{"application": app, "organization": app}, "", "Your sign-in code for Acme", []string{"sign in to Acme with"}},
		{"null name", connector.SignIn, map[string]any{"application": map[string]any{"name": nil}}, "", "Your sign-in code", nil},
		{"user", connector.BindMfa, map[string]any{"user": bob, "application": app}, "", "Set up two-step verification for Acme", []string{"Hello Bob Li,", "your Acme account"}},
		{"user name", connector.UserPermissionValidation, map[string]any{"user": map[string]any{"username": "bob"}}, "", "Confirm it’s you", []string{"Hello bob,"}},
		{"no user", connector.BindNewIdentifier, nil, "", "Add this email address to your account", []string{"to your account."}},
		{"inviter", connector.OrganizationInvitation, map[string]any{"inviter": bob, "organization": org}, "", "Bob Li invited you to join Umbrella", []string{"Bob Li has invited you to join Umbrella."}},
		{"inviter's address", connector.OrganizationInvitation, map[string]any{"inviter": map[string]any{"primaryEmail": "bob@example.com"}, "organization": org}, "Example", "bob@example.com invited you to join Umbrella", []string{"to join Umbrella on Example."}},
		{"no inviter", connector.OrganizationInvitation, map[string]any{"organization": org, "application": app}, "", "You are invited to join Umbrella", []string{"You have been invited to join Umbrella on Acme."}},
		{"one name for all", connector.OrganizationInvitation, map[string]any{"organization": org, "application": org}, "Umbrella", "You are invited to join Umbrella", []string{"to join Umbrella."}},
		{"bare", connector.OrganizationInvitation, nil, "", "You have been invited", []string{"to join an organization."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			payload := minimal(c.typ)
			maps.Copy(payload, c.payload)
			r := render(t, c.typ, payload, templates.Options{Branding: templates.Branding{SenderName: c.sender}})
			if r.Subject != c.subject {
				t.Errorf("subject %q, want %q", r.Subject, c.subject)
			}
			for _, want := range c.texts {
				if !strings.Contains(r.Text, want) || !strings.Contains(visibleText(t, r.HTML), want) {
					t.Errorf("%q is missing in\n%s", want, r.Text)
				}
			}
			if strings.Contains(r.Text, "Hello") != (c.typ != connector.OrganizationInvitation && payload["user"] != nil) {
				t.Errorf("greeting in\n%s", r.Text)
			}
		})
	}
}

func TestHostileNamesStayText(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{
		`<script>alert("1")</script>`, "{{code}}", "{{{link}}}", "A\r\nBcc: x@example.com", `"><img src=x onerror=1>`,
		"\u202eevil\u2066", "x\x00y\x1b", strings.Repeat("long ", 100), "</td></table>&amp;",
	} {
		owner := map[string]any{"name": hostile, "username": hostile, "branding": map[string]any{
			"senderName": hostile, "companyInformation": hostile, "logoUrl": `https://x.example/"onerror="1`,
		}}
		for _, typ := range connector.TemplateTypes() {
			payload := minimal(typ)
			maps.Copy(payload, map[string]any{"application": owner, "organization": owner, "user": owner, "inviter": owner})
			r := render(t, typ, payload, templates.Options{Validity: time.Hour})
			visible := visibleText(t, r.HTML) // fails if a name broke out
			if strings.Contains(r.HTML, "<script") || strings.Contains(r.HTML, "<img src=x") || strings.Contains(r.HTML, `"onerror`) {
				t.Errorf("%s: a name is markup:\n%s", typ, r.HTML)
			}
			if strings.Count(visible, code) > 1 || strings.Count(r.Text, code) > 1 || strings.Contains(r.Subject, code) {
				t.Errorf("%s: a name was read as a template:\n%s", typ, r.Text)
			}
			if strings.ContainsFunc(r.Subject, unicode.IsControl) || len([]rune(r.Subject)) > 200 {
				t.Errorf("%s: subject %q", typ, r.Subject)
			}
			if strings.ContainsFunc(r.Subject+r.Text+visible, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) || r == 0 }) {
				t.Errorf("%s: invisible characters in\n%q", typ, r.Text)
			}
			body, _, _ := strings.Cut(r.Text, "\n--\n") // company information may have lines
			if strings.Contains(body, "\nBcc:") {
				t.Errorf("%s: a name has two lines:\n%s", typ, r.Text)
			}
		}
	}
}

// TestNamesThatAreBait: a name that mail clients would turn into a link is left
// out, and the mail reads as if there were none.
func TestNamesThatAreBait(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, name, shown string }{
		{"organization", "Win at https://evil.example", ""},
		{"organization", "WWW.evil.example", ""},
		{"organization", "Booking.com", "Booking.com"},
		{"inviter", "Win at evil.example/now", ""},
		{"inviter", "J.R.R. Tolkien", "J.R.R. Tolkien"},
		{"inviter", "Dr. No", "Dr. No"},
	} {
		payload := minimal(connector.OrganizationInvitation)
		payload[c.key] = map[string]any{"name": c.name}
		r := render(t, connector.OrganizationInvitation, payload, templates.Options{})
		all := r.Subject + r.HTML + r.Text
		if strings.Contains(all, "evil") || !strings.Contains(all, c.shown) {
			t.Errorf("%s %q in\n%s\n%s", c.key, c.name, r.Subject, r.Text)
		}
	}
}

func TestBrandingOrder(t *testing.T) {
	t.Parallel()
	owner := func(branding map[string]any) map[string]any {
		return map[string]any{"name": "Owner", "branding": branding}
	}
	logos := func(light, dark string) map[string]any { return map[string]any{"logoUrl": light, "darkLogoUrl": dark} }
	const a, o, f, d = "https://a.example/l.png", "https://o.example/l.png", "https://f.example/l.png", "https://d.example/d.png"
	for _, c := range []struct {
		name      string
		app, org  map[string]any
		want      string
		dark      bool
		wantNames string
	}{
		{"application first", logos(a, d), logos(o, ""), a, true, "Owner"},
		{"then organization", nil, logos(o, ""), o, false, "Owner"},
		{"then the fallback", nil, nil, f, false, "Sender"},
		{"no dark logo of another owner", nil, map[string]any{"darkLogoUrl": d}, f, false, "Sender"},
		{"a script is no logo", logos("javascript:alert(1)", d), logos(o, "data:image/png;base64,x"), o, false, "Owner"},
		{"a path is no logo", logos("/logo.png", ""), logos("https:///x", ""), f, false, "Sender"},
		{"wrong types", map[string]any{"logoUrl": 5.0}, map[string]any{"logoUrl": []any{o}}, f, false, "Sender"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := render(t, connector.SignIn, map[string]any{
				"code": code, "application": owner(c.app), "organization": owner(c.org),
			}, templates.Options{Branding: templates.Branding{LogoURL: f, SenderName: "Sender", CompanyInformation: "Line 1\r\n\r\n <b>Line 2</b> "}})
			if !strings.Contains(r.HTML, `src="`+c.want+`" alt="`+c.wantNames+`"`) {
				t.Errorf("no logo %s of %s in\n%s", c.want, c.wantNames, r.HTML)
			}
			if strings.Contains(r.HTML, d) != c.dark || strings.Contains(r.HTML, "logo-dark") != c.dark {
				t.Errorf("dark logo, want %v", c.dark)
			}
			if !strings.Contains(r.HTML, "Line 1<br/>\n&lt;b&gt;Line 2&lt;/b&gt;</p>") || !strings.HasSuffix(r.Text, "\n--\nSender\nLine 1\n<b>Line 2</b>\n") {
				t.Errorf("footer in\n%s", r.Text)
			}
		})
	}
	r := render(t, connector.SignIn, map[string]any{"code": code, "application": owner(map[string]any{
		"senderName": "App sender", "companyInformation": "App company",
	})}, templates.Options{Branding: templates.Branding{SenderName: "Sender", CompanyInformation: "see https://evil.example"}})
	if !strings.HasSuffix(r.Text, "\n--\nApp sender\nApp company\n") || strings.Contains(r.HTML, "<img") {
		t.Errorf("footer in\n%s", r.Text)
	}
}

func TestCodesAndLinks(t *testing.T) {
	t.Parallel()
	b := newBuiltin(t)
	for _, c := range []struct {
		typ     connector.TemplateType
		payload map[string]any
		missing string
	}{
		{connector.SignIn, nil, "code"},
		{connector.SignIn, map[string]any{"code": nil, "link": link}, "code"},
		{connector.Generic, map[string]any{"code": " \n"}, "code"},
		{connector.OrganizationInvitation, map[string]any{"code": code}, "link"},
		{connector.OrganizationInvitation, map[string]any{"link": ""}, "link"},
	} {
		_, err := b.Render(c.typ, c.payload, templates.Options{})
		var missing *templates.MissingError
		if !errors.As(err, &missing) || missing.Variable != c.missing || missing.Type != c.typ {
			t.Errorf("%s with %v: error %v", c.typ, c.payload, err)
		}
	}
	if _, err := b.Render("Newsletter", minimal(connector.SignIn), templates.Options{}); !errors.Is(err, templates.ErrUnknownType) {
		t.Errorf("unknown type: %v", err)
	}
	if _, err := b.Render(connector.SignIn, map[string]any{"code": struct{}{}}, templates.Options{}); err == nil || strings.Contains(err.Error(), "482913") {
		t.Errorf("a code of no JSON type: %v", err)
	}
	if r := render(t, connector.SignIn, map[string]any{"code": 482913.0}, templates.Options{}); !strings.Contains(r.Text, "\n482913\n") {
		t.Errorf("a code that is a number:\n%s", r.Text)
	}
	r := render(t, connector.OrganizationInvitation, map[string]any{"link": "javascript:alert(1)"}, templates.Options{})
	if strings.Contains(r.HTML, `href="javascript`) || strings.Count(r.HTML, `href="#"`) != 2 {
		t.Errorf("a link that is no web address:\n%s", r.HTML)
	}
}

// TestGolden compares two mails with what was looked at and found good; after
// a change, look at them again and run the tests with -update.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, typ := range []connector.TemplateType{connector.SignIn, connector.OrganizationInvitation} {
		r := render(t, typ, full(typ), fullOptions())
		for ext, got := range map[string]string{"html": r.HTML, "txt": "Subject: " + r.Subject + "\n\n" + r.Text} {
			file := filepath.Join("testdata", string(typ)+"."+ext)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs:\n%s", file, got)
			}
		}
	}
}
