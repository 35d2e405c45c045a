package templates

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	b, err := NewBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	english, err := b.language("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Minute, ""},
		{0, ""},
		{999 * time.Millisecond, ""},
		{time.Second, "1 second"},
		{59 * time.Second, "59 seconds"},
		{time.Minute, "1 minute"},
		{119 * time.Second, "1 minute"}, // never more than is true
		{10 * time.Minute, "10 minutes"},
		{time.Hour, "1 hour"},
		{90 * time.Minute, "90 minutes"},
		{2 * time.Hour, "2 hours"},
		{150 * time.Minute, "150 minutes"},
		{3*time.Hour + 59*time.Minute, "3 hours"},
		{24 * time.Hour, "24 hours"},
		{48 * time.Hour, "2 days"},
		{7*24*time.Hour + time.Minute, "7 days"},
	} {
		if got := english.durations.say(c.d); got != c.want {
			t.Errorf("%v: %q, want %q", c.d, got, c.want)
		}
	}
}

// files is a set with two languages; change is made in the second one.
func files(t *testing.T, from, to string) fstest.MapFS {
	t.Helper()
	set := fstest.MapFS{}
	for _, name := range []string{"builtin/layout.html", "builtin/layout.txt", "builtin/en.json"} {
		data, err := builtinFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		set[name] = &fstest.MapFile{Data: data}
	}
	other := strings.Replace(string(set["builtin/en.json"].Data), from, to, 1)
	if from != "" && other == string(set["builtin/en.json"].Data) {
		t.Fatalf("nothing to change: %q", from)
	}
	set["builtin/pt-BR.json"] = &fstest.MapFile{Data: []byte(other)}
	return set
}

func twoLanguages() []string { return []string{"pt-BR", "en"} }

// TestAnotherLanguage: a language is one more file.
func TestAnotherLanguage(t *testing.T) {
	t.Parallel()
	b, err := load(files(t, `"direction": "ltr"`, `"direction": "rtl"`), twoLanguages())
	if err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]string{"pt-br": "pt-BR", "pt-BR": "pt-BR", "PT": "pt-BR", "pt-PT": "pt-BR", "en-US": "en", "xx": "en"} {
		r, err := b.Render(connector.SignIn, map[string]any{"code": "123456"}, Options{Locale: locale})
		if err != nil || r.Locale != want {
			t.Errorf("%s: rendered in %q, %v, want %q", locale, r.Locale, err, want)
		}
		if want == "pt-BR" && !strings.Contains(r.HTML, `<html lang="pt-BR" dir="rtl"`) {
			t.Errorf("%s: language and direction in\n%.200s", locale, r.HTML)
		}
	}
}

// TestBadLanguageFiles: a mistake in a language file is found when it is read.
func TestBadLanguageFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, from, to, want string }{
		{"not JSON", `"direction"`, `direction`, "pt-BR.json"},
		{"unknown key", `"common": {`, `"commonn": {}, "common": {`, "commonn"},
		{"direction", `"ltr"`, `"left"`, "direction"},
		{"font", `"durations": {`, `"fonts": ["Arial;x:y"], "durations": {`, "Arial;x:y"},
		{"word break", `"durations": {`, `"wordBreak": "break-all", "durations": {`, "wordBreak"},
		{"unknown unit", `"durations": {`, `"durations": { "weeks": {},`, "weeks"},
		{"no plural form", `, "other": "{{count}} minutes"`, ``, `no form for "other"`},
		{"plural form that no number has", `"other": "{{count}} minutes"`, `"few": "x", "other": "{{count}} minutes"`, `no number is "few"`},
		{"plural form of no category", `"other": "{{count}} minutes"`, `"more": "x", "other": "{{count}} minutes"`, `"more"`},
		{"plural form of many numbers without the count", `"other": "{{count}} minutes"`, `"other": "minutes"`, "not the count"},
		{"plural form with another variable", `"other": "{{count}} minutes"`, `"other": "{{count}} {{user}}"`, "user"},
		{"empty plural form", `"other": "{{count}} minutes"`, `"other": ""`, "minutes"},
		{"bad plural form", `"{{count}} minutes"`, `"` + strings.Repeat("x", template.MaxSource+1) + `"`, "minutes"},
		{"unknown type", `"types": {`, `"types": { "Newsletter": {},`, "Newsletter"},
		{"unknown text", `"label": "Your sign-in code"`, `"lable": "Your sign-in code"`, "lable"},
		{"text of another type", `"button": "Accept invitation"`, `"label": "Accept invitation"`, "label"},
		{"missing text", `"button": "Accept invitation",`, ``, "button"},
		{"unknown variable", `"Your sign-in code for {{product}}"`, `"Your sign-in code for {{application}}"`, "application"},
		{"last choice needs a name", `, "Your sign-in code"]`, `]`, "product"},
		{"no choice", `["Hello {{user}},", ""]`, `[]`, "greeting"},
		{"neither text nor list", `["Hello {{user}},", ""]`, `{"one": "x"}`, "string"},
		{"too large", `["Hello {{user}},", ""]`, `"` + strings.Repeat("x", template.MaxSource+1) + `"`, "greeting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, err := load(files(t, c.from, c.to), twoLanguages())
			if err != nil {
				t.Fatal(err) // English is not changed
			}
			_, err = b.Render(connector.SignIn, map[string]any{"code": "123456"}, Options{Locale: "pt-BR"})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %.200v, want one about %q", err, c.want)
			}
		})
	}
}

func TestBadSets(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"builtin/layout.html", "builtin/layout.txt", "builtin/en.json"} {
		set := files(t, "", "")
		delete(set, missing)
		if _, err := load(set, twoLanguages()); err == nil {
			t.Errorf("no error without %s", missing)
		}
	}
}

func TestLayoutSections(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ source, with, without string }{
		{"a\n{{#if x}}\n<{{x}}>\n{{/if}}\nb\n", "a\n<X>\nb\n", "a\nb\n"},
		{"a {{#if x}}{{x}}{{/if}} b", "a X b", "a  b"},
		{"{{#if x}}\n1\n{{/if}}\n{{#if x}}\n2\n{{/if}}\n", "1\n2\n", ""},
		{"{{#if x}}{{/if}}", "", ""},
		{"none", "none", "none"},
	} {
		l, err := parseLayout(c.source, template.None)
		if err != nil {
			t.Fatal(err)
		}
		with, err1 := l.render(map[string]any{"x": "X"})
		without, err2 := l.render(map[string]any{"x": ""})
		if with != c.with || without != c.without || err1 != nil || err2 != nil {
			t.Errorf("%q: %q and %q, want %q and %q", c.source, with, without, c.with, c.without)
		}
	}
	for _, source := range []string{"{{#if x", "{{#if x}}", "{{#if x}}{{#if y}}{{/if}}{{/if}}", "{{#if x}}\xff{{/if}}"} {
		if _, err := parseLayout(source, template.None); err == nil {
			t.Errorf("%q: no error", source)
		}
	}
}
