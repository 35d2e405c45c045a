package handlebarstest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/test/servers"
)

// TestLikeHandlebars renders the same templates here and there.
func TestLikeHandlebars(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs node and npm")
	}
	list := append(golden(t), cases(800)...)
	judged := judge(t, list)
	if judged.CLDR != tableCLDR(t) {
		t.Logf("this node has CLDR %s, the table was made from another: dates are not compared", judged.CLDR)
	}
	compared, wrong := 0, 0
	for i, c := range list {
		want := judged.Results[i]
		if want.Error != "" {
			t.Fatalf("Handlebars refuses the case %d, which the generator should not have made: %s\n%q", i, want.Error, c.Template)
		}
		if strings.Contains(c.Template, "{{date") && judged.CLDR != tableCLDR(t) {
			continue
		}
		compared++
		if got := render(t, c); got != want.Output {
			t.Errorf("%q\npayload %s\n got %q\nwant %q", c.Template, encode(t, c.Payload), got, want.Output)
			if wrong++; wrong == 10 {
				t.Fatal("and so on")
			}
		}
	}
	if compared < 800 {
		t.Errorf("only %d cases compared", compared)
	}
}

// golden returns the cases of the committed table that are not the project's
// own.
func golden(t *testing.T) []testCase {
	t.Helper()
	data, err := os.ReadFile("../testdata/language.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Payload map[string]any
		Cases   []struct {
			testCase

			Own bool
		}
	}
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	var list []testCase
	for _, c := range table.Cases {
		if c.Own {
			continue
		}
		if c.Payload == nil {
			c.Payload = table.Payload
		}
		list = append(list, c.testCase)
	}
	if len(list) < 50 {
		t.Fatalf("only %d golden cases", len(list))
	}
	return list
}

// TestDatesOfEveryLanguage: the dates of every language that there are built-in
// mails in are compared.
func TestDatesOfEveryLanguage(t *testing.T) {
	t.Parallel()
	builtin, err := templates.NewBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range builtin.Languages() {
		if !slices.Contains(languages(), tag) {
			t.Errorf("no dates in %s: add it to dates.js", tag)
		}
	}
}

func render(t *testing.T, c testCase) string {
	t.Helper()
	o := template.Options{Escape: template.None, Library: template.NewLibrary(c.Partials)}
	if c.HTML {
		o.Escape = template.HTML
	}
	tpl, err := template.Compile(c.Template, o)
	if err != nil {
		t.Fatalf("%q: %v", c.Template, err)
	}
	if problems := tpl.Problems(); len(problems) > 0 {
		t.Fatalf("%q: %+v", c.Template, problems)
	}
	got, err := tpl.Render(c.Payload)
	if err != nil {
		t.Fatalf("%q: %v", c.Template, err)
	}
	return got
}

// verdict is what the script writes.
type verdict struct {
	CLDR    string
	Results []struct{ Output, Error string }
}

// judge renders the cases with the official package.
func judge(t *testing.T, list []testCase) verdict {
	t.Helper()
	modules := servers.NodeModules(t, ".")
	cmd := exec.CommandContext(t.Context(), "node", "run.js")
	cmd.Env = append(cmd.Environ(), "NODE_PATH="+modules)
	cmd.Stdin = strings.NewReader(encode(t, list))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("node run.js: %v\n%s", err, stderr.String())
	}
	var v verdict
	if err := json.Unmarshal(stdout.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Results) != len(list) {
		t.Fatalf("%d results for %d cases", len(v.Results), len(list))
	}
	return v
}

func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tableCLDR returns the version of CLDR that the table of dates is from.
func tableCLDR(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("../date_table.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "from CLDR ")
	version, _, ok := strings.Cut(rest, ";")
	if !ok {
		t.Fatal("date_table.go does not say which CLDR it is from")
	}
	return version
}
