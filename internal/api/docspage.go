package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html.tmpl
var docsTemplate string

//go:embed docs.css
var docsStyle string

// docs is the page for people: one file, no script, nothing from elsewhere.
type docs struct {
	html   []byte
	policy string // Content-Security-Policy
}

// docsPage writes the OpenAPI document as a page.
func docsPage(api *huma.OpenAPI, version string) (docs, error) {
	t, err := template.New("docs").Funcs(template.FuncMap{"marked": marked}).Parse(docsTemplate)
	if err != nil {
		return docs{}, fmt.Errorf("read template: %w", err)
	}
	groups, err := docsGroups(api)
	if err != nil {
		return docs{}, err
	}
	schemas, err := docsSchemas(api)
	if err != nil {
		return docs{}, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, map[string]any{
		"Title": api.Info.Title, "About": strings.Split(api.Info.Description, "\n\n"), "Version": version,
		"Style":  template.CSS(docsStyle), //nolint:gosec // our own file
		"Groups": groups, "Schemas": schemas,
	})
	if err != nil {
		return docs{}, fmt.Errorf("write page: %w", err)
	}
	style := sha256.Sum256([]byte(docsStyle))
	return docs{html: page.Bytes(), policy: "default-src 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(style[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}, nil
}

// marked shows what a text has between backticks as code.
func marked(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			part = "<code>" + template.HTMLEscapeString(part) + "</code>"
		} else {
			part = template.HTMLEscapeString(part)
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped
}

type docsGroup struct {
	Name, About string
	Operations  []docsOperation
}

type docsOperation struct {
	*huma.Operation

	Body      []docsBody
	Responses []docsResponse
}

type docsResponse struct {
	Status, Text string
	Body         []docsBody
}

// docsBody is the schema of a body: the name of a shared one, or its text.
type docsBody struct {
	Media, Name, Text string
	List              bool
}

// docsGroups orders the operations by tag, path and method.
func docsGroups(api *huma.OpenAPI) ([]docsGroup, error) {
	byTag := map[string][]docsOperation{}
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		item := api.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			one, err := docsOperationOf(op)
			if err != nil {
				return nil, err
			}
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]], one)
		}
	}
	groups := make([]docsGroup, 0, len(api.Tags))
	for _, tag := range api.Tags {
		groups = append(groups, docsGroup{Name: tag.Name, About: tag.Description, Operations: byTag[tag.Name]})
	}
	return groups, nil
}

func docsOperationOf(op *huma.Operation) (docsOperation, error) {
	out := docsOperation{Operation: op}
	var err error
	if op.RequestBody != nil {
		if out.Body, err = docsBodies(op.RequestBody.Content); err != nil {
			return docsOperation{}, err
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		response := docsResponse{Status: status, Text: op.Responses[status].Description}
		if response.Body, err = docsBodies(op.Responses[status].Content); err != nil {
			return docsOperation{}, err
		}
		out.Responses = append(out.Responses, response)
	}
	return out, nil
}

func docsBodies(content map[string]*huma.MediaType) ([]docsBody, error) {
	var bodies []docsBody
	for _, media := range slices.Sorted(maps.Keys(content)) {
		schema := content[media].Schema
		body := docsBody{Media: media}
		if schema.Type == huma.TypeArray && schema.Items.Ref != "" {
			schema, body.List = schema.Items, true
		}
		if body.Name = strings.TrimPrefix(schema.Ref, schemaPrefix); body.Name == "" {
			text, err := json.MarshalIndent(schema, "", "  ")
			if err != nil {
				return nil, fmt.Errorf("write schema: %w", err)
			}
			body.Text = string(text)
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

type docsSchema struct{ Name, Text string }

func docsSchemas(api *huma.OpenAPI) ([]docsSchema, error) {
	all := api.Components.Schemas.Map()
	out := make([]docsSchema, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text, err := json.MarshalIndent(all[name], "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write schema: %w", err)
		}
		out = append(out, docsSchema{Name: name, Text: string(text)})
	}
	return out, nil
}
