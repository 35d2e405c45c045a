package markdown

import (
	"strings"
	"testing"
)

func TestDemote(t *testing.T) {
	t.Parallel()
	const text = "# One\n\n## Two\n#no heading\n```sh\n# a comment\n~~~\n```\n###### Six\n   ````\n# code\n```\n# code\n````\n### Three #4\n"
	const want = "## One\n\n### Two\n#no heading\n```sh\n# a comment\n~~~\n```\n###### Six\n   ````\n# code\n```\n# code\n````\n#### Three #4\n"
	if got := Demote(text); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"# Pigeon post\n\nFly.\n": {"Pigeon post", "Fly.\n"},
		"\n## Deeper":             {"Deeper", ""},
		"Fly.\n# Later\n":         {"", "Fly.\n# Later\n"},
		"":                        {"", ""},
	} {
		if title, rest := Title(text); title != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q", text, title, rest)
		}
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	if got := Cell("a|b <c@d>\ne"); got != `a\|b &lt;c@d> e` {
		t.Errorf("cell %q", got)
	}
	for text, want := range map[string]string{"a": "`a`", "a|b": "`a\\|b`", "a`b": "``a`b``", "`a": "`` `a ``"} {
		if got := Code(text); got != want {
			t.Errorf("code %q: %q, want %q", text, got, want)
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"paragraphs": {
			"# A title\nOne two three four five six seven eight nine.\nTen.\n\n\nNext.",
			"# A title\nOne two three four five six\nseven eight nine. Ten.\n\nNext.\n",
		},
		"lists": {
			"1. One two three four five six seven\n   eight.\n2. Two\n\n   Two more\n   * [deep](https://x.example) and **very strong**",
			"1. One two three four five six\n   seven eight.\n2. Two\n\n   Two more\n   * deep <https://x.example>\n     and very strong\n",
		},
		"code": {
			"Say:\n\n```sh\nwide --and=wider than the terminal is   # so\n\n# no heading\n```\nand `a b`",
			"Say:\n\n    wide --and=wider than the terminal is   # so\n\n    # no heading\nand `a b`\n",
		},
		"a table": {
			"| A | B |\n|---|:-:|\n| `x\\|y` | one two three four five six |\n| z | |",
			"A      B\n-----  -----------------------\n`x|y`  one two three four five\n       six\nz\n",
		},
		"a wide table": {
			"| A | B | C | D |\n|-|-|-|-|\n| one | two three | four five six | seven eight nine |\n| 1 | 2 | 3 | |",
			"one\n  B: two three\n  C: four five six\n  D: seven eight nine\n1\n  B: 2\n  C: 3\n  D:\n",
		},
		"a long word": {"a https://example.com/longer-than-a-line b", "a\nhttps://example.com/longer-than-a-line\nb\n"},
		"nothing":     {"", "\n"},
	} {
		if got := (Layout{Width: 30}).Render(test.text); strings.ReplaceAll(got, "    \n", "\n") != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

// Marks are around each word, so that they do not run into the next column,
// and take no room.
func TestRenderMarked(t *testing.T) {
	t.Parallel()
	bold := func(s string) string { return "\x1b[1m" + s + "\x1b[0m" }
	got := Layout{Width: 20, Title: bold, Strong: bold, Code: bold}.Render("# T\n**a b** `c` 456789012 45678901")
	want := bold("T") + "\n" + bold("a") + " " + bold("b") + " " + bold("c") + " 456789012\n45678901\n"
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
