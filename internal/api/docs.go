package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// apiVersion is the version of the API, not of the build.
const apiVersion = "1.0.0"

// The groups of operations in the documentation.
const (
	tagCodes         = "Verification codes"
	tagMessages      = "Messages"
	tagApplications  = "Applications"
	tagOrganizations = "Organizations"
	tagInvitations   = "Organization invitations"
	tagUsers         = "Users"
	tagConnectors    = "Connectors"
	tagTemplates     = "E-mail templates"
	tagInbox         = "Inbox"
	tagSuppressed    = "Suppressions"
	tagCallbacks     = "Callbacks"
	tagSettings      = "Settings"
	tagTenants       = "Tenants"
	tagAudit         = "Audit log"
	tagKeys          = "API keys"
	tagHealth        = "Health"
)

// describe fills in what the OpenAPI document says of the API as a whole.
func describe(doc *huma.OpenAPI) {
	doc.Info.Description = "The e-mail layer of sign-in: sends verification codes, invitations and security mail " +
		"through any provider, and checks the codes.\n\n" +
		"Times are milliseconds since 1970. Every error has the same shape; its `code` is for programs. " +
		"Every answer carries `X-Request-Id`."
	doc.Info.License = &huma.License{Name: "MIT", Identifier: "MIT"}
	doc.Tags = []*huma.Tag{
		{Name: tagCodes, Description: "Send one-time codes by mail and check them."},
		{Name: tagMessages, Description: "Mails sent, and what became of them."},
		{Name: tagInvitations, Description: "Invite people into organizations, by mail."},
		{Name: tagConnectors, Description: "The way that mails go out."},
		{Name: tagTemplates, Description: "The wording of mails, by language and type, and the partials that it includes."},
		{Name: tagInbox, Description: "Mails kept in the service itself, for development."},
		{Name: tagSuppressed, Description: "Addresses that no mail is sent to, and why."},
		{Name: tagCallbacks, Description: "Where providers report what became of mails."},
		{Name: tagSettings, Description: "Languages, and the rules for codes, limits and addresses."},
		{Name: tagTenants, Description: "Isolated sets of connector, templates, settings, keys and messages, " +
			"and moving a configuration from one to another. Management keys of the tenant `default` administer all of them; " +
			"those of another tenant see that one alone."},
		{Name: tagApplications, Description: "What users sign in to, as mails tell of it."},
		{Name: tagOrganizations, Description: "Groups of users, their members and what these can be."},
		{Name: tagUsers, Description: "People, as mails tell of them."},
		{Name: tagAudit, Description: "Who changed what."},
		{Name: tagKeys, Description: "Who may call the API, and for what."},
		{Name: tagHealth, Description: "For load balancers and monitors."},
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"apiKey": {
		Type: "http", Scheme: "bearer",
		Description: "An API key. Its scopes: `management` (everything), `messages:send`, `verification`.",
	}}
}

// pageFailures documents what a list refuses.
func pageFailures() map[int]string {
	return map[int]string{http.StatusBadRequest: "`guard.invalid_pagination`, `guard.invalid_input`"}
}

// tidyDocument removes what package huma adds for errors that are never sent,
// and takes null out of lists, which package huma lets in: none is sent, and
// none is taken.
func (s *server) tidyDocument() {
	doc := s.huma.OpenAPI()
	schemas := doc.Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, schema := range schemas {
		listsNotNull(schema)
	}
	for _, item := range doc.Paths {
		if item.Get == nil {
			continue
		}
		for _, response := range item.Get.Responses {
			for _, media := range response.Content {
				listsNotNull(media.Schema)
			}
		}
	}
}

func listsNotNull(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	listsNotNull(s.Items)
	for _, property := range s.Properties {
		listsNotNull(property)
	}
}

// document returns the OpenAPI document.
func (s *server) document() ([]byte, error) {
	compact, err := json.Marshal(s.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("make OpenAPI document: %w", err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		return nil, fmt.Errorf("make OpenAPI document: %w", err)
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

func (s *server) mountDocs(document []byte, page docs) {
	s.mux.Get("/api/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaJSON)
		_, _ = w.Write(document) // nothing is left to do for a client that is gone
	})
	s.mux.Get("/api/docs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", page.policy)
		_, _ = w.Write(page.html)
	})
}
