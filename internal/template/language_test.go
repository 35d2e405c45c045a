package template_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/postern-mail/postern/internal/template"
)

// TestLanguage pins the language: handlebarstest runs the same table with the
// official Handlebars, but for the cases that are the project's own.
func TestLanguage(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/language.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Payload map[string]any
		Cases   []struct {
			Template, Expected string
			Payload            map[string]any
			Partials           map[string]string
			HTML, Own          bool
		}
	}
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Cases) < 70 {
		t.Fatalf("only %d cases", len(table.Cases))
	}
	for _, c := range table.Cases {
		o := template.Options{Escape: template.None, Library: template.NewLibrary(c.Partials)}
		if c.HTML {
			o.Escape = template.HTML
		}
		if c.Payload == nil {
			c.Payload = table.Payload
		}
		tpl, err := template.Compile(c.Template, o)
		if err != nil {
			t.Errorf("%q: %v", c.Template, err)
			continue
		}
		got, err := tpl.Render(c.Payload)
		if err != nil || got != c.Expected {
			t.Errorf("%q: %v\n got %q\nwant %q", c.Template, err, got, c.Expected)
		}
	}
}
