package api_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/api"
)

// The document tells of each call on people and things what it may refuse, and
// of each field that a client sends what it may hold.
func TestDirectoryIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	tags := map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
	}
	n := 0
	for path, item := range doc.Paths {
		root, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
		if !slices.Contains([]string{"applications", "organizations", "organization-roles", "users"}, root) {
			continue
		}
		for method, op := range item {
			n++
			member := strings.Contains(path, "/users/{userId}") || path == "/api/organizations/{id}/users"
			want := map[string]bool{
				"400": method == "post" || method == "put" || method == "patch" || (method == "get" && !strings.HasSuffix(path, "{id}") && !strings.HasSuffix(path, "sign-in-experience")),
				"404": strings.Contains(path, "{id}"),
				"412": strings.Contains(path, "{id}") && !member && method != "get",
			}
			for status, wanted := range want {
				if _, there := op.Responses[status]; there != wanted {
					t.Errorf("%s %s: tells of %s: %v, want %v", method, path, status, there, wanted)
				}
			}
			if len(op.Tags) != 1 || !tags[op.Tags[0]] {
				t.Errorf("%s %s: tags %v", method, path, op.Tags)
			}
		}
	}
	if n != 30 {
		t.Errorf("%d calls", n)
	}
	for name, required := range map[string]string{
		"NewApplication": "name type", "NewOrganization": "name", "NewOrganizationRole": "name", "ChangedUser": "", "ChangedApplication": "",
	} {
		var schema struct {
			Properties map[string]struct {
				Ref       string `json:"$ref"`
				Type      any
				Examples  []any
				Enum      []any
				MaxLength int
			}
			Required []string
		}
		if err := json.Unmarshal(doc.Components.Schemas[name], &schema); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := strings.Join(schema.Required, " "); got != required {
			t.Errorf("%s requires %q, want %q", name, got, required)
		}
		for key, p := range schema.Properties {
			if p.Ref == "" && p.Type != "boolean" && len(p.Examples)+len(p.Enum) == 0 {
				t.Errorf("%s.%s has no example", name, key)
			}
		}
	}
}
