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

// pages are those that show code, and how many pieces each has at least.
func pages() map[string]int {
	return map[string]int{guide: 10, "../docs/clients.md": 10, "../clients/typescript/README.md": 6}
}

var (
	// source is a sentence that names the file of the code below it.
	source = regexp.MustCompile(`\[[\w.-]+\.(?:go|ts)\]\(([^)]+\.(?:go|ts))\)`)
	blocks = regexp.MustCompile("(?s)(.*?)```(?:go|ts)\n(.*?)```\n")
	links  = regexp.MustCompile(`\]\(((?:\.\./|examples/)[^)]+)\)`)
	indent = regexp.MustCompile(`(?m)^[\t ]+`)
)

// Each piece of code on a page stands in the file that the page named last,
// perhaps further to the right; a line "…" is what was left out.
func TestPagesShowRealCode(t *testing.T) {
	t.Parallel()
	for page, least := range pages() {
		file, shown := "", 0
		for _, block := range blocks.FindAllStringSubmatch(read(t, page), -1) {
			if named := source.FindAllStringSubmatch(block[1], -1); named != nil {
				file = filepath.Join(filepath.Dir(page), named[len(named)-1][1])
			}
			rest := indent.ReplaceAllString(read(t, file), "")
			for part := range strings.SplitSeq(indent.ReplaceAllString(block[2], ""), "…\n") {
				at := strings.Index(rest, part)
				if at < 0 {
					t.Errorf("%s shows what %s does not hold:\n%s", page, file, part)
					continue
				}
				rest = rest[at+len(part):]
				shown++
			}
		}
		if shown < least {
			t.Errorf("%d pieces of code on %s; is it read rightly?", shown, page)
		}
	}
}

// The program on the page is the example's, whole.
func TestGuideShowsTheProgram(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, guide), "```go\n"+read(t, "custom-connector/main.go")+"```\n") {
		t.Error("the program on the page is not custom-connector/main.go")
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for page := range pages() {
		for _, link := range links.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), link[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
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
