package templatefiles_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/templatefiles"
	"github.com/postern-mail/postern/internal/templates"
)

// folder makes a folder of files by name.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dir string) ([]templatefiles.Entry, []string) {
	t.Helper()
	entries, problems, err := templatefiles.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Message)
	}
	return entries, texts
}

func details(subject, content string) templates.Details {
	return templates.Details{Subject: subject, Content: content}
}

func TestAFileReadsWell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry templatefiles.Entry
		want  string
	}{
		"plain": {
			templatefiles.Template("de", connector.SignIn, templates.Details{
				Subject: "Ihr Code für {{product}}", Content: "<p>{{code}}</p>", ReplyTo: "Hilfe <help@example.com>",
			}),
			"---\nsubject: Ihr Code für {{product}}\nreplyTo: Hilfe <help@example.com>\n---\n<p>{{code}}</p>\n",
		},
		"quoted where it must be": {
			templatefiles.Template("en", connector.SignIn, details(`{{code}} is your "code"`, "a\n---\nb\n")),
			"---\nsubject: \"{{code}} is your \\\"code\\\"\"\n---\na\n---\nb\n\n",
		},
		"a colon":    {templatefiles.Template("en", connector.SignIn, details("Code: {{code}}", "x")), "---\nsubject: \"Code: {{code}}\"\n---\nx\n"},
		"a number":   {templatefiles.Template("en", connector.SignIn, details("42", "x")), "---\nsubject: \"42\"\n---\nx\n"},
		"spaces":     {templatefiles.Template("en", connector.SignIn, details(" x ", "x")), "---\nsubject: \" x \"\n---\nx\n"},
		"unseen":     {templatefiles.Template("en", connector.SignIn, details("a\u202eb\x1b", "x")), "---\nsubject: \"a\\u202eb\\x1b\"\n---\nx\n"},
		"a partial":  {templatefiles.Partial("footer", "---\n<hr>"), "---\n<hr>\n"},
		"CRLF lines": {templatefiles.Template("en", connector.SignIn, details("x", "a\r\nb\r\n")), "---\nsubject: x\n---\na\r\nb\r\n\n"},
	} {
		if got := string(c.entry.Text()); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestReadTakesWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"README.md": "how we write", ".git/config": "x", "de/.SignIn.html.swp": "x",
		"de/SignIn.html":       "---\n# where replies go\nreplyTo: 'help@example.com'\n\nsubject: >-\n  Ihr\n  Code\nsendFrom:\n---\n<p>\n</p>",
		"de/Generic.txt":       "\ufeff---\r\nsubject: Code\r\ncontentType: text/plain\r\n---\r\neins\r\nzwei\r\n",
		"pt-BR/Register.html":  "---\nsubject: \"x\" # seen by us only\n---\n\n",
		"pt-BR/BindMfa.html":   "---\nsubject: x\n---\n---\n",
		"partials/footer.html": "<hr>\n",
	})
	entries, problems := read(t, dir)
	if len(problems) > 1 || !strings.HasPrefix(problems[0], "pt-BR/Register.html:4: there is no content") {
		t.Errorf("problems %q", problems)
	}
	signIn := details("Ihr Code", "<p>\n</p>")
	signIn.ReplyTo = "help@example.com"
	generic := details("Code", "eins\nzwei")
	generic.ContentType = connector.TextPlain
	want := []templatefiles.Entry{
		templatefiles.Template("de", connector.Generic, generic),
		templatefiles.Template("de", connector.SignIn, signIn),
		templatefiles.Partial("footer", "<hr>"),
		templatefiles.Template("pt-BR", connector.BindMfa, details("x", "---")),
	}
	for _, c := range templatefiles.Compare(want, entries) {
		t.Errorf("%s", c.Unified("want/", "got/"))
	}
}

func TestReadTellsWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	const good = "---\nsubject: x\n---\nx\n"
	dir := folder(t, map[string]string{
		"SignIn.html":            good,
		"de_DE/SignIn.html":      good,
		"en/SignIn.html":         good,
		"en/SignIn.txt":          good,
		"en/signin.html":         good,
		"en/Letter.html":         good,
		"en/notes.md":            "",
		"en/deep/SignIn.html":    good,
		"partials/a b.html":      "x",
		"partials/footer.txt":    "x",
		"fr/BindMfa.html":        "<html>\n",
		"fr/Register.html":       "---\nsubject: x\n",
		"fr/Generic.html":        "---\nsubject: x\nSubject: y\n---\nx\n",
		"fr/MfaVerification.txt": "---\nsubject: x\ncontentType: text/html\n---\nx\n",
		"fr/SignIn.html":         "---\nreplyTo: x\nsubject: 42\n---\nx\n",
		"fr/ForgotPassword.html": "---\nsubject: Code #1\n---\nx\n",
		"it/BindMfa.html":        "---\nsubject: {{code}} e codice\n---\nx\n",
		"it/Generic.html":        "---\nreplyTo: \"a\n  b\"\nsubject: Code: x\n---\nx\n",
		"it/Register.html":       "---\nreplyTo: x\n---\nx\n",
		"it/SignIn.html":         "---\nsubject: x\nsubject: y\n---\nx\n",
		"nl/BindMfa.html":        "---\nsubject: x\n---\na\nb\xff\n",
		"nl/Generic.html":        "---\nsubject: x\n---\n" + strings.Repeat("x", 300<<10),
		"nl/Register.html":       strings.Repeat("x", 2<<20),
		"nl/SignIn.html":         "---\nsubject: {{code}}\n---\nx\n",
		"pl/BindMfa.html":        "---\nsubject: x\n...\nreplyTo: y\n---\nx\n",
		"pl/SignIn.html":         "---\n- x\n---\nx\n",
	})
	_, got := read(t, dir)
	want := []string{
		"SignIn.html:0: must be in a folder that is called as its language, such as en/SignIn.html",
		"de_DE:0: is no language tag, such as de or pt-BR",
		`en/Letter.html:0: "Letter" is none of the template types: SignIn, Register,`,
		"en/SignIn.txt:0: is a second template for SignIn beside SignIn.html: keep one of the two",
		"en/deep:0: is no file",
		"en/notes.md:0: must be called as a template type with .html or .txt",
		"en/signin.html:0: must be called SignIn.html or SignIn.txt",
		"fr/BindMfa.html:1: must begin with a line ---",
		"fr/ForgotPassword.html:2: subject has a comment behind it",
		`fr/Generic.html:3: "Subject" is no key of the front matter: subject, replyTo, sendFrom, contentType`,
		`fr/MfaVerification.txt:3: contentType is "text/html", but the file's ending says text/plain`,
		"fr/Register.html:1: the front matter has no end",
		"fr/SignIn.html:3: subject must be a text: put it in quotes",
		"it/BindMfa.html:2: not YAML: ",
		"it/Generic.html:4: not YAML: ",
		"it/Register.html:1: the front matter has no subject",
		"it/SignIn.html:3: subject is there twice",
		"nl/BindMfa.html:5: this is not UTF-8",
		"nl/Generic.html:4: the content is larger than 256 KiB",
		"nl/Register.html:0: the file is larger than 1024 KiB",
		"nl/SignIn.html:2: subject must be a text: put it in quotes",
		"partials/a b.html:0: must be called NAME.html",
		"partials/footer.txt:0: must be called NAME.html",
		"pl/BindMfa.html:2: the front matter must be one YAML document",
		"pl/SignIn.html:2: the front matter must be lines such as",
	}
	if len(got) != len(want) {
		t.Errorf("%d problems, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !strings.HasPrefix(got[i], want[i]) || strings.Contains(got[i], "\n") {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

func TestLanguagesOfOneNameAreRefused(t *testing.T) {
	t.Parallel()
	const good = "---\nsubject: x\n---\nx\n"
	dir := folder(t, map[string]string{"pt-BR/SignIn.html": good, "pt-br/SignIn.html": good})
	entries, problems := read(t, dir)
	if len(entries) == 2 {
		t.Fatal("both are read")
	}
	if list, err := os.ReadDir(dir); err == nil && len(list) == 1 {
		t.Skip("this file system does not tell cases apart")
	}
	if !slices.Equal(problems, []string{"pt-br:0: is the same language as pt-BR: put both into one folder"}) {
		t.Errorf("problems %q", problems)
	}
}

func TestNothingOutsideOfTheFolderIsTouched(t *testing.T) {
	t.Parallel()
	const good = "---\nsubject: x\n---\nx\n"
	outside := folder(t, map[string]string{"secret": good, "SignIn.html": good})
	dir := folder(t, map[string]string{"en/SignIn.html": good})
	for link, to := range map[string]string{
		"en/Generic.html": filepath.Join(outside, "secret"), "en/BindMfa.html": "../../nowhere", "fr": outside,
		"en/Register.html": "SignIn.html",
	} {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(link))); err != nil {
			t.Skip(err)
		}
	}
	entries, problems := read(t, dir)
	if len(entries) != 2 || entries[0].Path() != "en/Register.html" {
		t.Errorf("entries %v", entries)
	}
	const why = ":0: is a link that leads out of the folder, or nowhere"
	if !slices.Equal(problems, []string{"en/BindMfa.html" + why, "en/Generic.html" + why, "fr" + why}) {
		t.Errorf("problems %q", problems)
	}
	if err := templatefiles.Write(dir, []templatefiles.Entry{templatefiles.Template("fr", connector.SignIn, details("y", "y"))}); err == nil {
		t.Error("wrote through a link")
	}
	if err := templatefiles.Remove(dir, []templatefiles.Entry{templatefiles.Template("fr", connector.SignIn, details("y", "y"))}); err == nil {
		t.Error("removed through a link")
	}
	if text, err := os.ReadFile(filepath.Join(outside, "SignIn.html")); err != nil || string(text) != good {
		t.Errorf("outside: %q, %v", text, err)
	}
}

func TestWriteRefusesNamesOfServices(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "templates")
	for name, e := range map[string]templatefiles.Entry{
		"a path as language":   templatefiles.Template("../en", connector.SignIn, details("x", "x")),
		"partials as language": templatefiles.Template("Partials", connector.SignIn, details("x", "x")),
		"a path as type":       templatefiles.Template("en", "../../x", details("x", "x")),
		"a path as name":       templatefiles.Partial("../x", "x"),
		"a long name":          templatefiles.Partial(strings.Repeat("x", 65), "x"),
		"a strange content":    templatefiles.Template("en", connector.SignIn, templates.Details{ContentType: "image/png"}),
	} {
		entries := []templatefiles.Entry{templatefiles.Template("en", connector.BindMfa, details("x", "x")), e}
		if err := templatefiles.Write(dir, entries); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	twins := []templatefiles.Entry{templatefiles.Partial("a", "x"), templatefiles.Partial("A", "x")}
	if err := templatefiles.Write(dir, twins); err == nil {
		t.Error("two files that some file systems take for one are written")
	}
	if _, _, err := templatefiles.Read(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

func TestWriteReplacesAndRemoves(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"en/SignIn.html": "---\nsubject: x\n---\nx\n", "en/.keep": "", "de/SignIn.html": "---\nsubject: x\n---\nx\n"})
	plain := details("y", "y")
	plain.ContentType = connector.TextPlain
	if err := templatefiles.Write(dir, []templatefiles.Entry{templatefiles.Template("en", connector.SignIn, plain)}); err != nil {
		t.Fatal(err)
	}
	entries, problems := read(t, dir)
	if len(problems) > 0 || len(entries) != 2 || entries[1].Path() != "en/SignIn.txt" {
		t.Fatalf("%v %v", entries, problems)
	}
	for range 2 {
		if err := templatefiles.Remove(dir, entries); err != nil {
			t.Fatal(err)
		}
	}
	if entries, _ := read(t, dir); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
	if _, err := os.Stat(filepath.Join(dir, "de")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty folder: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "en", ".keep")); err != nil {
		t.Errorf("the hidden file: %v", err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	plain := details("x", "x")
	plain.ContentType = connector.TextPlain
	was := []templatefiles.Entry{
		templatefiles.Template("en", connector.SignIn, details("x", "a\nb")),
		templatefiles.Template("PT-br", connector.SignIn, details("x", "x")),
		templatefiles.Template("fr", connector.SignIn, details("x", "x")),
		templatefiles.Partial("gone", "x"),
	}
	is := []templatefiles.Entry{
		templatefiles.Template("fr", connector.SignIn, plain),
		templatefiles.Template("pt-BR", connector.SignIn, details("x", "x")),
		templatefiles.Template("en", connector.SignIn, details("x", "a\nc\nd")),
		templatefiles.Template("en", connector.Generic, details("x", "x")),
	}
	var got []string
	var text strings.Builder
	for _, c := range templatefiles.Compare(was, is) {
		added, removed := c.Lines()
		got = append(got, fmt.Sprintf("%s %s +%d -%d", c.Kind, c.Path(), added, removed))
		text.WriteString(c.Unified("service/", "templates/"))
	}
	want := []string{"added en/Generic.html +4 -0", "changed en/SignIn.html +2 -1", "changed fr/SignIn.txt +0 -0", "removed partials/gone.html +0 -1"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, want := range []string{
		"--- /dev/null\n+++ templates/en/Generic.html\n@@ -0,0 +1,4 @@\n+---\n",
		"--- service/en/SignIn.html\n+++ templates/en/SignIn.html\n@@ -2,4 +2,5 @@\n subject: x\n ---\n a\n-b\n+c\n+d\n",
		"rename from service/fr/SignIn.html\nrename to templates/fr/SignIn.txt\n",
		"--- service/partials/gone.html\n+++ /dev/null\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	spelled := templatefiles.Spelled(was, is)
	if spelled[1].Path() != "pt-BR/SignIn.html" || was[1].Path() != "PT-br/SignIn.html" {
		t.Errorf("%q is spelled %q", was[1].Path(), spelled[1].Path())
	}
}

func TestPlacesAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"en/SignIn.html":       "---\n# a comment\nreplyTo: 'x'\nsubject: Code\nsendFrom: |\n  x\n---\none\ntwo\n",
		"partials/footer.html": "one\ntwo\n",
	})
	entries, _ := read(t, dir)
	template, partial := entries[0], entries[1]
	for _, c := range []struct {
		entry        templatefiles.Entry
		field        string
		line, column int
		want         [2]int
	}{
		{template, "content", 2, 3, [2]int{9, 3}},
		{template, "content", 1, 1, [2]int{8, 1}},
		{template, "content", 0, 0, [2]int{8, 0}},
		{template, "subject", 1, 2, [2]int{4, 11}},
		{template, "subject", 0, 0, [2]int{4, 0}},
		{template, "subject", 2, 1, [2]int{4, 0}},
		{template, "replyTo", 1, 1, [2]int{3, 11}},
		{template, "contentType", 0, 0, [2]int{1, 0}},
		{partial, "content", 2, 3, [2]int{2, 3}},
	} {
		line, column := c.entry.Place(c.field, c.line, c.column)
		if got := [2]int{line, column}; got != c.want {
			t.Errorf("%s %d:%d is at %v, want %v", c.field, c.line, c.column, got, c.want)
		}
	}
}
