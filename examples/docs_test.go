package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guide is the page that walks through custom-connector.
const guide = "../docs/connectors/writing-your-own.md"

var (
	// source is a sentence that names the file of the code below it.
	source = regexp.MustCompile(`\[[\w.]+\.go\]\(([^)]+\.go)\)`)
	blocks = regexp.MustCompile("(?s)(.*?)```go\n(.*?)```\n")
	links  = regexp.MustCompile(`\]\((\.\./[^)]+)\)`)
)

// Each piece of Go on the page stands in the file that the page named last;
// a line "…" is what was left out.
func TestGuideShowsRealCode(t *testing.T) {
	t.Parallel()
	page := read(t, guide)
	file, shown := "", 0
	for _, block := range blocks.FindAllStringSubmatch(page, -1) {
		if named := source.FindAllStringSubmatch(block[1], -1); named != nil {
			file = filepath.Join(filepath.Dir(guide), named[len(named)-1][1])
		}
		rest := read(t, file)
		for part := range strings.SplitSeq(block[2], "…\n") {
			at := strings.Index(rest, part)
			if at < 0 {
				t.Errorf("%s does not hold\n%s", file, part)
				continue
			}
			rest = rest[at+len(part):]
			shown++
		}
	}
	if shown < 10 {
		t.Errorf("%d pieces of code on the page; is it read rightly?", shown)
	}
}

// The program on the page is the example's, whole.
func TestGuideShowsTheProgram(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, guide), "```go\n"+read(t, "custom-connector/main.go")+"```\n") {
		t.Error("the program on the page is not custom-connector/main.go")
	}
}

func TestGuideLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, link := range links.FindAllStringSubmatch(read(t, guide), -1) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(guide), link[1])); err != nil {
			t.Error(err)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
