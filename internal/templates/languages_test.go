package templates_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/locale"
	"github.com/postern-mail/postern/internal/templates"
)

// TestLanguageOfMail: the language is that of the tag, in any case, else one of
// the same base language, else English; as the library that languages are
// chosen from says it, too.
func TestLanguageOfMail(t *testing.T) {
	t.Parallel()
	b := newBuiltin(t)
	for tag, want := range map[string]string{
		"": "en", "en": "en", "EN": "en", "en-GB": "en", "-": "en", "en-": "en", "xx": "en", "x-klingon": "en",
		"de": "de", "DE-at": "de", "ar-EG": "ar", "fa": "fa-IR", "fa-AF": "fa-IR", "pl": "pl-PL", "TR": "tr-TR", "uk-ua": "uk-UA",
		"pt": "pt-BR", "pt-PT": "pt-PT", "pt-AO": "pt-BR", "zh": "zh-CN", "ZH-tw": "zh-TW", "zh-HK": "zh-HK", "zh-SG": "zh-CN",
		strings.Repeat("x", 1000): "en",
	} {
		r := render(t, connector.SignIn, minimal(connector.SignIn), templates.Options{Locale: tag})
		if r.Locale != want || !strings.Contains(r.HTML, `<html lang="`+want+`"`) {
			t.Errorf("%q: rendered in %q, want %q", tag, r.Locale, want)
		}
		if found, ok := (locale.Library{Builtin: b.Languages()}).Supports(tag); ok && found != want {
			t.Errorf("%q: the library says %q, want %q", tag, found, want)
		}
	}
}

// TestNoEnglishIsLeft compares the words of every mail with the English one:
// three in a row that are the same were forgotten.
func TestNoEnglishIsLeft(t *testing.T) {
	t.Parallel()
	english := make(map[string]bool)
	for _, m := range mails(t, "en") {
		for phrase := range phrases(m) {
			english[phrase] = true
		}
	}
	if len(english) < 200 {
		t.Fatalf("%d phrases of English: nothing to compare with", len(english))
	}
	for _, tag := range newBuiltin(t).Languages() {
		if tag == "en" {
			continue
		}
		for _, m := range mails(t, tag) {
			for phrase := range phrases(m) {
				if english[phrase] {
					t.Errorf("%s %s says %q", tag, m.name, phrase)
				}
			}
		}
	}
}

// phrases returns every three words in a row of a mail, its footer left out.
func phrases(m mail) map[string]bool {
	_, preheader, _ := strings.Cut(m.HTML, `mso-hide:all">`)
	preheader, _, _ = strings.Cut(preheader, "<")
	body, _, _ := strings.Cut(m.Text, "\n--\n")
	found := make(map[string]bool)
	for _, text := range []string{m.Subject, preheader, strings.ReplaceAll(body, link, "")} {
		for _, name := range []string{"Umbrella Ltd", "Ann Smith"} {
			text = strings.ReplaceAll(text, name, "Name")
		}
		words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
		for i := range len(words) - 2 {
			found[strings.Join(words[i:i+3], " ")] = true
		}
	}
	return found
}

// TestSameFactsInEveryLanguage: what the English mail tells, the others tell.
func TestSameFactsInEveryLanguage(t *testing.T) {
	t.Parallel()
	facts := []string{"Acme", "Umbrella Ltd", "Ann Smith", "bob", "10", code, link}
	english := mails(t, "en")
	for _, tag := range newBuiltin(t).Languages() {
		for i, m := range mails(t, tag) {
			for _, fact := range facts {
				if strings.Contains(m.Text, fact) != strings.Contains(english[i].Text, fact) {
					t.Errorf("%s %s: %q in\n%s", tag, m.name, fact, m.Text)
				}
				if fact != "10" && strings.Contains(m.Subject, fact) != strings.Contains(english[i].Subject, fact) {
					t.Errorf("%s %s: %q in the subject %q", tag, m.name, fact, m.Subject)
				}
			}
		}
	}
}

func TestRightToLeft(t *testing.T) {
	t.Parallel()
	tables, names := regexp.MustCompile(`<table[^>]*>`), regexp.MustCompile("^(Acme|Umbrella|Ann|bob)")
	for _, tag := range []string{"ar", "fa-IR", "he"} {
		for _, m := range mails(t, tag) {
			for _, table := range tables.FindAllString(m.HTML, -1) {
				if !strings.Contains(table, `dir="rtl"`) {
					t.Errorf("%s %s: %s", tag, m.name, table)
				}
			}
			if !strings.Contains(m.HTML, `dir="rtl" xmlns`) || !strings.Contains(m.HTML, `align="right" style="text-align:right;`) {
				t.Errorf("%s %s: not from the right:\n%s", tag, m.name, m.HTML)
			}
			if strings.Contains(m.HTML, `class="code"`) && !strings.Contains(m.HTML, `class="code" dir="ltr"`) {
				t.Errorf("%s %s: the code is not from the left:\n%s", tag, m.name, m.HTML)
			}
			if names.MatchString(m.Subject) {
				t.Errorf("%s %s: the subject %q begins with a name, so that lists show it from the left", tag, m.name, m.Subject)
			}
		}
	}
	for _, m := range mails(t, "de") {
		if strings.Contains(m.HTML, "rtl") || strings.Contains(m.HTML, "right") {
			t.Errorf("de %s: from the right:\n%s", m.name, m.HTML)
		}
	}
}

// TestNamesOfOtherDirection: a name of the other direction is laid out by
// itself, by markup in HTML and by characters in the text, and not at all in
// the subject, the preheader and attributes.
func TestNamesOfOtherDirection(t *testing.T) {
	t.Parallel()
	const hebrew, bracket = "אקמה (2020)", "Acme (EU)"
	for _, c := range []struct{ locale, name, html, text string }{
		{"en", bracket, bracket, bracket},
		{"en", "Zoë’s 東京", "Zoë’s 東京", "Zoë’s 東京"},
		{"en", hebrew, `<span dir="rtl">` + hebrew + `</span>`, "\u2067" + hebrew + "\u2069"},
		{"en", "Acme אקמה", `<span dir="ltr">Acme אקמה</span>`, "\u2066Acme אקמה\u2069"},
		{"he", hebrew, `<span dir="rtl">` + hebrew + `</span>`, "\u2067" + hebrew + "\u2069"},
		{"he", bracket, `<span dir="ltr">` + bracket + `</span>`, "\u2066" + bracket + "\u2069"},
		{"ar", "A<b>&", `<span dir="ltr">A&lt;b&gt;&amp;</span>`, "\u2066A<b>&\u2069"},
		{"he", "A⁄B‿C⁀", `<span dir="ltr">A⁄B‿C⁀</span>`, "\u2066A⁄B‿C⁀\u2069"}, // neighbours of the isolates in Unicode
		{"fa-IR", "123", `<span dir="ltr">123</span>`, "\u2066123\u2069"},
	} {
		owner := map[string]any{"name": c.name}
		r := render(t, connector.SignIn, map[string]any{"code": code, "application": owner, "user": owner}, templates.Options{
			Locale: c.locale, Branding: templates.Branding{SenderName: c.name, CompanyInformation: c.name + "\nLine"},
		})
		visibleText(t, r.HTML)
		if n := strings.Count(r.HTML, c.html); n < 6 { // heading, greeting, introduction, mark, sender, company
			t.Errorf("%s: %d times %q in\n%s", c.locale, n, c.html, r.HTML)
		}
		if n := strings.Count(r.Text, c.text); n < 4 {
			t.Errorf("%s: %d times %q in\n%q", c.locale, n, c.text, r.Text)
		}
		if !strings.Contains(r.Subject, c.name) || strings.ContainsAny(r.Subject+r.HTML, "\u2066\u2067\u2068\u2069") {
			t.Errorf("%s: isolates in the subject %q or in\n%q", c.locale, r.Subject, r.HTML)
		}
		if strings.Contains(r.HTML, `="<span`) || strings.Contains(r.HTML, `<title><span`) {
			t.Errorf("%s: markup in an attribute or the title:\n%s", c.locale, r.HTML)
		}
	}
}

// TestBrandingWithURLs: no URL gets into a mail by way of its footer.
func TestBrandingWithURLs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"https://evil.example", "see http://evil.example/x", "HTTPS://EVIL.example", "www.evil.example", "WWW.evil.example", "x://evil.example",
	} {
		for _, tag := range []string{"en", "ar", "ja"} {
			for _, typ := range connector.TemplateTypes() {
				payload := minimal(typ)
				payload["application"] = map[string]any{"name": "Acme", "branding": map[string]any{"senderName": text, "companyInformation": "Road 1\n" + text}}
				r := render(t, typ, payload, templates.Options{Locale: tag, Branding: templates.Branding{SenderName: text, CompanyInformation: text}})
				if strings.Contains(strings.ToLower(r.Subject+r.HTML+r.Text), "evil") || strings.Contains(r.Text, "\n--\n") {
					t.Errorf("%s %s with %q:\n%s", tag, typ, text, r.Text)
				}
			}
		}
	}
}

// TestManyAtOnce: a language that is read while several ask for it.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b, err := templates.NewBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	for range 8 {
		go func() {
			_, err := b.Render(connector.SignIn, map[string]any{"code": code}, templates.Options{Locale: "fi", Validity: time.Hour})
			failed <- err
		}()
	}
	for range 8 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// checkTree compares the elements as they are written with the tree that a
// browser makes of them: they differ where an element is not closed, closed
// twice, or stands where it may not.
func checkTree(t *testing.T, m mail) {
	t.Helper()
	written := writtenElements(t, m.HTML)
	tree, err := html.Parse(strings.NewReader(m.HTML))
	if err != nil {
		t.Fatal(err)
	}
	if understood := treeElements(tree, 0); !slices.Equal(written, understood) {
		t.Errorf("%s: the HTML is\n%q\nand a browser reads\n%q", m.name, written, understood)
	}
}

// TestTreeCheck: the check finds what it is for.
func TestTreeCheck(t *testing.T) {
	t.Parallel()
	const page = `<html><head><title>t</title></head><body>%s</body></html>`
	for body, same := range map[string]bool{
		`<p>a</p><table><tr><td><p>b</p></td></tr></table>`: true,
		`<p>a<p>b</p></p>`:                   false,
		`<p>a<div>b</div></p>`:               false,
		`<table><p>a</p></table>`:            false,
		`<a href="x">a<a href="y">b</a></a>`: false,
	} {
		source := fmt.Sprintf(page, body)
		tree, err := html.Parse(strings.NewReader(source))
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Equal(writtenElements(t, source), treeElements(tree, 0)); got != same {
			t.Errorf("%s: same tree %v, want %v", body, got, same)
		}
	}
}

// writtenElements returns the elements in order, each with its depth.
func writtenElements(t *testing.T, source string) (list []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(source))
	d.Entity = xml.HTMLEntity
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			list = append(list, fmt.Sprint(depth, token.Name.Local))
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

// treeElements is writtenElements of what was understood. A tbody is left out:
// browsers add it to every table.
func treeElements(n *html.Node, depth int) (list []string) {
	if n.Type == html.ElementNode && n.Data != "tbody" {
		list = append(list, fmt.Sprint(depth, n.Data))
		depth++
	}
	for child := range n.ChildNodes() {
		list = append(list, treeElements(child, depth)...)
	}
	return list
}
