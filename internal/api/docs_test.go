package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/api"
)

type document struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct {
		Schemas         map[string]json.RawMessage
		SecuritySchemes map[string]struct{ Type, Scheme string }
	}
	Tags []struct{ Name string }
}

type operation struct {
	OperationID, Summary string
	Tags                 []string
	Security             []map[string][]string
	Responses            map[string]struct {
		Description string
		Content     map[string]struct {
			Schema struct {
				Ref string `json:"$ref"`
			}
		}
	}
}

func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	text, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := api.OpenAPI(); err != nil || string(again) != string(text) {
		t.Error("the document is another one each time")
	}
	served := start(t).do(request{method: "GET", path: "/api/openapi.json"}).is(200)
	if served.body != string(text) || served.header.Get("Content-Type") != "application/json" {
		t.Error("another document is served")
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Components.SecuritySchemes["apiKey"].Scheme != "bearer" {
		t.Errorf("document %s %v", doc.OpenAPI, doc.Components.SecuritySchemes)
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths {
		for method, op := range item {
			where := strings.ToUpper(method) + " " + path
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Tags) != 1 {
				t.Errorf("%s: id %q, summary %q, tags %v", where, op.OperationID, op.Summary, op.Tags)
			}
			ids[op.OperationID] = true
			public := strings.HasSuffix(path, "z") || path == "/api/status" || strings.HasPrefix(path, "/callbacks/")
			if (len(op.Security) == 0) != public {
				t.Errorf("%s: security %v", where, op.Security)
			}
			for status, response := range op.Responses {
				if response.Description == "" {
					t.Errorf("%s: %s says nothing", where, status)
				}
				if ref := response.Content["application/json"].Schema.Ref; status >= "400" && ref != "#/components/schemas/Error" {
					t.Errorf("%s: %s has the schema %q", where, status, ref)
				}
			}
		}
	}
	if len(ids) < 20 {
		t.Errorf("only %d operations", len(ids))
	}
	for _, ref := range regexp.MustCompile(`"\$ref": "#/components/schemas/([^"]*)"`).FindAllStringSubmatch(string(text), -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("the schema %s is missing", ref[1])
		}
	}
	for _, never := range []string{"ErrorModel", "problem+json", `"null"` + "\n" + `                ],` + "\n" + `                "items"`} {
		if strings.Contains(string(text), never) {
			t.Errorf("the document holds %q", never)
		}
	}
}

// Every operation of the document is there, and every one that needs a key
// asks for it.
func TestDocumentAndServiceAgree(t *testing.T) {
	t.Parallel()
	s := start(t)
	var doc document
	served := s.do(request{method: "GET", path: "/api/openapi.json"}).is(200)
	served.into(&doc)
	for path, item := range doc.Paths {
		for method, op := range item {
			at := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x")
			a := s.do(request{method: strings.ToUpper(method), path: at})
			switch {
			case len(op.Security) > 0:
				a.is(http.StatusUnauthorized)
			case strings.HasPrefix(path, "/callbacks/"): // its path holds a secret
				a.refuses(http.StatusNotFound, "entity.not_found")
			case a.status >= 300:
				t.Errorf("%s %s: %d", method, path, a.status)
			}
		}
	}
}

// The page for people is one file without script, and the browser is told so.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.do(request{method: "GET", path: "/api/docs"}).is(200)
	if a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("headers %v", a.header)
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(a.body)
	if style == nil || !strings.Contains(policy, "'sha256-"+hash(style[1])+"'") {
		t.Error("the policy does not allow the page's own style")
	}
	for _, never := range []string{"<script", "<link", "<img", "src=", "@import", "url(", "style=", `href="http`} {
		if strings.Contains(a.body, never) {
			t.Errorf("the page holds %s", never)
		}
	}
	for _, want := range []string{"POST /api/verification-codes", "/api/openapi.json", "v1.2.3-test", "Revoke an API key", `id="schema-Error"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, anchor := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		if !strings.Contains(a.body, `id="`+anchor[1]+`"`) {
			t.Errorf("a link leads to %s, which is not there", anchor[1])
		}
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}
