package templatefiles_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/templatefiles"
	"github.com/postern-mail/postern/internal/templates"
)

// awkward are pieces of which texts are made that YAML, or files, could get
// wrong.
func awkward() []string {
	return []string{
		`"`, "'", ":", ": ", " #", "#", "---", "\n---\n", "...", "\r\n", "\n", "\r", " ", "\t", "{{code}}", "{", "}", "[", "]", "*a", "&a", "!x", "|", ">",
		"%", "@", "`", "\\", "\\n", "null", "~", "yes", "true", "42", "1e3", "0x10", "2024-01-01", "12:30", "<<", "=", "- ", "? ", ",",
		"Ihr Code für {{product}}", "کد ورود\u200c", "👩\u200d💻", "\u00a0", "\u202f", "\u2028", "\u0085", "\ufeff", "\x00", "\x1b[31m", "\x7f", "\u202e", "\ufffd", "\uffff",
		"\U0010ffff", "日本語", "subject: x", "é", "e\u0301",
	}
}

func text(least int) *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom(awkward()), rapid.String())
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, least, 6).Draw(t, "pieces"), "")
	}).Filter(func(s string) bool { return len(s) >= least })
}

func entry() *rapid.Generator[templatefiles.Entry] {
	return rapid.Custom(func(t *rapid.T) templatefiles.Entry {
		if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			return templatefiles.Partial(rapid.StringMatching(`[a-z0-9_-]{1,64}`).Draw(t, "name"), text(0).Draw(t, "content"))
		}
		return templatefiles.Template(
			rapid.SampledFrom([]string{"de", "pt-BR", "x-elvish", "zh-Hant-TW"}).Draw(t, "language"),
			rapid.SampledFrom(connector.TemplateTypes()).Draw(t, "type"),
			templates.Details{
				Subject: text(1).Draw(t, "subject"), Content: text(1).Draw(t, "content"),
				ReplyTo: text(0).Draw(t, "replyTo"), SendFrom: text(0).Draw(t, "sendFrom"),
				ContentType: rapid.SampledFrom([]connector.ContentType{"", connector.TextHTML, connector.TextPlain}).Draw(t, "contentType"),
			})
	})
}

// Templates that are written and read again are the same, to the letter, and
// make the same files.
func TestFilesKeepTemplates(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		want := rapid.SliceOfNDistinct(entry(), 1, 5, templatefiles.Entry.Key).Draw(t, "entries")
		if err := templatefiles.Write(dir, want); err != nil {
			t.Fatal(err)
		}
		got, problems, err := templatefiles.Read(dir)
		if err != nil || len(problems) > 0 {
			t.Fatalf("%v %v", problems, err)
		}
		if changes := templatefiles.Compare(want, got); len(changes) > 0 {
			t.Fatalf("became others:\n%s", changes[0].Unified("", ""))
		}
		for i, e := range templatefiles.Sorted(want) {
			onDisk, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(e.Path())))
			if err != nil {
				t.Fatal(err)
			}
			if string(onDisk) != string(e.Text()) || string(got[i].Text()) != string(onDisk) {
				t.Fatalf("%q is written as %q, then as %q", e.Path(), onDisk, got[i].Text())
			}
		}
	})
}

// Whatever stands in a file, reading it ends in templates or problems, and
// templates stay what they are.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "---\n", "---\nsubject: x\n---\nbody\n", "---\r\nsubject: x\r\n---\r\nbody\r\n", "\ufeff---\nsubject: \"x\\u00e9\"\n---\n\n\n",
		"---\nsubject: &a x\nreplyTo: *a\n---\nx", "---\n<<: {}\n---\n", "---\nsubject: |\n  a\n  b\n---\nx", "---\n- x\n---\n", "---\n...\n---\nx",
		"---\nsubject: ! x\n---\nx", "---\n? [a]\n: b\n---\nx", "---\n# only\n---\nx", "---\nsubject: x\n%YAML 1.1\n---\nx",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "en"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "en", "SignIn.html"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, problems, err := templatefiles.Read(dir)
		if err != nil || len(got)+len(problems) != 1 {
			t.Fatalf("%d templates, %d problems, %v", len(got), len(problems), err)
		}
		if len(got) == 0 {
			return
		}
		if err := templatefiles.Write(dir, got); err != nil {
			t.Fatal(err)
		}
		again, problems, err := templatefiles.Read(dir)
		if err != nil || len(problems) > 0 || len(templatefiles.Compare(got, again)) > 0 {
			t.Fatalf("%q was read as %+v, then as %+v, %v, %v", data, got, again, problems, err)
		}
	})
}
