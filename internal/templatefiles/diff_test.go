package templatefiles

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestUnified(t *testing.T) {
	t.Parallel()
	lines := func(letters string) string { return strings.Join(strings.Split(letters, ""), "\n") + "\n" }
	for name, c := range map[string]struct{ was, is, want string }{
		"alike":                {lines("abc"), lines("abc"), ""},
		"a line in the middle": {lines("abcdefghi"), lines("abcdXfghi"), "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n"},
		"the first line":       {lines("ab"), lines("Xab"), "@@ -1,2 +1,3 @@\n+X\n a\n b\n"},
		"the last line":        {lines("ab"), lines("a"), "@@ -1,2 +1 @@\n a\n-b\n"},
		"from nothing":         {"", lines("a"), "@@ -0,0 +1 @@\n+a\n"},
		"to nothing":           {lines("ab"), "", "@@ -1,2 +0,0 @@\n-a\n-b\n"},
		"two hunks":            {lines("Xabcdefghy"), lines("abcdefghyZ"), "@@ -1,4 +1,3 @@\n-X\n a\n b\n c\n@@ -8,3 +7,4 @@\n g\n h\n y\n+Z\n"},
		"changes that touch":   {lines("Xabcdef"), lines("abcdefZ"), "@@ -1,7 +1,7 @@\n-X\n a\n b\n c\n d\n e\n f\n+Z\n"},
		"fences are no anchor": {lines("-s-p"), lines("-sr-hp"), "@@ -1,4 +1,6 @@\n -\n s\n+r\n -\n+h\n p\n"},
	} {
		if c.want != "" {
			c.want = "diff was is\n--- was\n+++ is\n" + c.want
		}
		if got := unified("was", "is", c.was, c.is); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// Edits lead from one text to the other, and no shorter ones do.
func TestEditsAreExactAndFew(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n"}), 0, 12)
		was, is := text.Draw(t, "was"), text.Draw(t, "is")
		var gotWas, gotIs []string
		changes := 0
		for _, e := range compareLines(was, is) {
			if e.mark != '+' {
				gotWas = append(gotWas, e.line)
			}
			if e.mark != '-' {
				gotIs = append(gotIs, e.line)
			}
			if e.changes() {
				changes++
			}
		}
		if strings.Join(gotWas, "") != strings.Join(was, "") || strings.Join(gotIs, "") != strings.Join(is, "") {
			t.Fatalf("leads from %q to %q", gotWas, gotIs)
		}
		if fewest := len(was) + len(is) - 2*common(was, is); changes != fewest {
			t.Fatalf("%d changes, want %d", changes, fewest)
		}
	})
}

// common is the length of the longest common subsequence, by definition.
func common(a, b []string) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return 0
	case a[0] == b[0]:
		return 1 + common(a[1:], b[1:])
	}
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := range slices.Backward(a) {
		for j := range slices.Backward(b) {
			table[i][j] = max(table[i+1][j], table[i][j+1])
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			}
		}
	}
	return table[0][0]
}

// The program patch makes one text of the other by the diff.
func TestPatchUnderstandsDiffs(t *testing.T) {
	t.Parallel()
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("patch is not installed")
	}
	dir := t.TempDir()
	file, diff := filepath.Join(dir, "file"), filepath.Join(dir, "diff")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "---\n", "\n", "+\n", "c\n"}), 1, 40),
			func(lines []string) string { return strings.Join(lines, "") })
		was, is := text.Draw(t, "was"), text.Draw(t, "is")
		change := unified("was", "is", was, is)
		if change == "" {
			return
		}
		for name, data := range map[string]string{file: was, diff: change} {
			if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.Command(patch, "--fuzz=0", file, diff).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, out, change)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != is {
			t.Fatalf("%v: got %q, want %q, by\n%s", err, got, is, change)
		}
	})
}

// Texts that have nothing in common are replaced, and in little time.
func TestLongTextsAreCompared(t *testing.T) {
	t.Parallel()
	was, is := strings.Repeat("a\n", 100_000), strings.Repeat("b\n", 100_000)
	got := unified("was", "is", "x\n"+was+"y\n", "x\n"+is+"y\n")
	if !strings.HasPrefix(got, "diff was is\n--- was\n+++ is\n@@ -1,100002 +1,100002 @@\n x\n-a\n") || !strings.HasSuffix(got, "+b\n y\n") {
		t.Errorf("got %d bytes: %.100q", len(got), got)
	}
}
