package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/locale"
	"github.com/postern-mail/postern/internal/templates"
)

// contentTypeJSON is the content type of a template.
type contentTypeJSON string

// Schema implements huma.SchemaProvider.
func (contentTypeJSON) Schema(huma.Registry) *huma.Schema { return contentTypeSchema() }

func contentTypeSchema() *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Enum: enum([]connector.ContentType{connector.TextHTML, connector.TextPlain}),
		Description: "text/html unless given.",
	}
}

// templateDetailsJSON is what a template says. Package templates checks it.
type templateDetailsJSON struct {
	Subject     string          `json:"subject" example:"Your code is {{code}}" doc:"At most 2,048 bytes."`
	Content     string          `json:"content" example:"<p>Your code is {{code}}.</p>" doc:"At most 256 KiB."`
	ContentType contentTypeJSON `json:"contentType,omitempty"`
	ReplyTo     string          `json:"replyTo,omitempty" example:"help@example.com" doc:"A mailbox (RFC 5322); may hold variables."`
	SendFrom    string          `json:"sendFrom,omitempty" example:"{{application.name}} <no-reply@example.com>" doc:"A mailbox, or a name alone; may hold variables. The connector's own sender unless given."`
}

func (d templateDetailsJSON) details() templates.Details {
	return templates.Details{
		Subject: d.Subject, Content: d.Content, ContentType: connector.ContentType(d.ContentType),
		ReplyTo: d.ReplyTo, SendFrom: d.SendFrom,
	}
}

func detailsOf(d templates.Details) templateDetailsJSON {
	return templateDetailsJSON{
		Subject: d.Subject, Content: d.Content, ContentType: contentTypeJSON(d.ContentType),
		ReplyTo: d.ReplyTo, SendFrom: d.SendFrom,
	}
}

// templateProblemJSON is something unwise in a template.
type templateProblemJSON struct {
	Severity string `json:"severity" enum:"error,warning" doc:"error: a mail of this template misses its purpose."`
	Code     string `json:"code" example:"missing_code"`
	Message  string `json:"message"`
	Field    string `json:"field" example:"content" doc:"Of the details."`
	Line     int    `json:"line" doc:"From 1; 0 for the whole field."`
	Column   int    `json:"column" doc:"In characters from 1; 0 for the whole field."`
}

type templateJSON struct {
	ID           string                `json:"id" example:"3f1c0c8e-5f0e-4b0f-9d0a-2f6f1f0f7a11"`
	TenantID     string                `json:"tenantId" example:"default"`
	LanguageTag  string                `json:"languageTag" example:"de"`
	TemplateType typeJSON              `json:"templateType"`
	Details      templateDetailsJSON   `json:"details"`
	CreatedAt    int64                 `json:"createdAt" example:"1767225600000" doc:"Milliseconds since 1970."`
	UpdatedAt    int64                 `json:"updatedAt" example:"1767225600000" doc:"Of the last change; milliseconds since 1970."`
	Version      int                   `json:"version" example:"1" doc:"From 1, rising with every change."`
	UpdatedBy    string                `json:"updatedBy" doc:"Id of the API key that made the last change."`
	Problems     []templateProblemJSON `json:"problems,omitempty" doc:"In answers to a change: what the check of templates found."`
}

func templateOf(t templates.Stored) templateJSON {
	return templateJSON{
		ID: t.ID, TenantID: t.TenantID, LanguageTag: t.Language, TemplateType: typeJSON(t.Type),
		Details: detailsOf(t.Details), CreatedAt: t.CreatedAt.UnixMilli(), UpdatedAt: t.UpdatedAt.UnixMilli(),
		Version: t.Version, UpdatedBy: t.UpdatedBy,
	}
}

// problems runs the check of templates with the partials of the caller's
// tenant; the list is never nil.
func (s *server) problems(ctx context.Context, t connector.TemplateType, d templates.Details) ([]templateProblemJSON, error) {
	list := []templateProblemJSON{}
	if s.CheckTemplate == nil {
		return list, nil
	}
	library, err := s.Templates.Library(ctx, callOf(ctx).key.TenantID)
	if err != nil {
		return nil, err
	}
	for _, p := range s.CheckTemplate(t, d.Custom(library)) {
		list = append(list, templateProblemJSON(p))
	}
	return list, nil
}

// changed is a template in the answer to a change. When the check fails, the
// change is made all the same, so the answer says nothing of it.
func (s *server) changed(ctx context.Context, t templates.Stored) templateJSON {
	out := templateOf(t)
	if problems, err := s.problems(ctx, t.Type, t.Details); err == nil {
		out.Problems = problems
	}
	return out
}

type putTemplatesInput struct {
	Body putTemplatesJSON
}

type putTemplatesJSON struct {
	Templates []newTemplateJSON `json:"templates" minItems:"1" maxItems:"200"`
}

type newTemplateJSON struct {
	LanguageTag  string              `json:"languageTag" minLength:"1" maxLength:"16" example:"de" doc:"BCP 47; upper and lower case are the same."`
	TemplateType typeJSON            `json:"templateType"`
	Details      templateDetailsJSON `json:"details"`
}

type templatesOutput struct {
	PageOutput
	Body []templateJSON
}

type templateOutput struct {
	ETag string `header:"ETag" doc:"The version, for If-Match."`
	Body templateJSON
}

func answerTemplate(t templateJSON) *templateOutput {
	return &templateOutput{ETag: etag(t.Version), Body: t}
}

func etag(version int) string { return strconv.Quote(strconv.Itoa(version)) }

// TemplateFilter narrows a list of templates. The name is exported because
// package huma passes over embedded types that are not.
type TemplateFilter struct {
	LanguageTag  string   `query:"languageTag" maxLength:"16" example:"de" doc:"Only templates in this language, in any case."`
	TemplateType typeJSON `query:"templateType" doc:"Only templates of this type."`
}

func (f TemplateFilter) read() (templates.Filter, error) {
	if f.LanguageTag != "" && !locale.Valid(f.LanguageTag) {
		return templates.Filter{}, fault.Input("must be a language tag (BCP 47)", "languageTag")
	}
	return templates.Filter{Language: f.LanguageTag, Type: connector.TemplateType(f.TemplateType)}, nil
}

type templateListInput struct {
	PageInput
	TemplateFilter
}

type deletedTemplatesOutput struct {
	Body deletedTemplatesJSON
}

type deletedTemplatesJSON struct {
	RowCount int `json:"rowCount" doc:"How many templates were deleted."`
}

type changeDetailsInput struct {
	IDInput
	IfMatch string `header:"If-Match" maxLength:"128" doc:"The ETag that the template was read with: refuses a change of another version."`
	Body    changedDetailsJSON
}

// changedDetailsJSON are some of a template's details.
type changedDetailsJSON struct {
	Subject     givenText            `json:"subject,omitzero"`
	Content     givenText            `json:"content,omitzero"`
	ContentType removableContentType `json:"contentType,omitzero"`
	ReplyTo     removableText        `json:"replyTo,omitzero"`
	SendFrom    removableText        `json:"sendFrom,omitzero"`
}

// givenText is a text that may be missing; null makes it empty.
type givenText struct {
	given bool
	text  string
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *givenText) UnmarshalJSON(data []byte) error {
	g.given, g.text = true, "" // null leaves the text as it is
	return json.Unmarshal(data, &g.text)
}

// Schema implements huma.SchemaProvider.
func (givenText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString}
}

// lay puts the text, if it was given, over what there was.
func (g givenText) lay(over string) string {
	if !g.given {
		return over
	}
	return g.text
}

// removableText is a text that null removes.
type removableText struct{ givenText }

// Schema implements huma.SchemaProvider.
func (removableText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true}
}

// removableContentType is a content type that null removes.
type removableContentType struct{ givenText }

// Schema implements huma.SchemaProvider.
func (removableContentType) Schema(huma.Registry) *huma.Schema {
	schema := contentTypeSchema()
	schema.Nullable, schema.Enum = true, append(schema.Enum, nil)
	return schema
}

func (c changedDetailsJSON) lay(d templates.Details) templates.Details {
	return templates.Details{
		Subject: c.Subject.lay(d.Subject), Content: c.Content.lay(d.Content),
		ContentType: connector.ContentType(c.ContentType.lay(string(d.ContentType))),
		ReplyTo:     c.ReplyTo.lay(d.ReplyTo), SendFrom: c.SendFrom.lay(d.SendFrom),
	}
}

// noTemplate documents that there is no such template.
const noTemplate = "`entity.not_exists_with_id`"

func (s *server) mountTemplates() {
	register(s, operation{
		id: "putEmailTemplates", method: http.MethodPut, path: "/api/email-templates", tag: tagTemplates,
		scope: access.Management, summary: "Store templates",
		description: "All or none. A template replaces the one of its language and type, which keeps its id. The answer " +
			"has them in the order given; what the check found is no reason to refuse one.",
	}, s.putTemplates)
	register(s, operation{
		id: "listEmailTemplates", method: http.MethodGet, path: "/api/email-templates", tag: tagTemplates,
		scope: access.Management, summary: "List templates by language, then type", failures: pageFailures(),
	}, s.listTemplates)
	register(s, operation{
		id: "deleteEmailTemplates", method: http.MethodDelete, path: "/api/email-templates", tag: tagTemplates,
		scope: access.Management, summary: "Delete the templates of a language, of a type, or the one of both",
		failures: map[int]string{
			http.StatusBadRequest:          "`guard.invalid_input`",
			http.StatusUnprocessableEntity: "`connector.email_connector.bulk_deletion_no_filter`: neither was given",
		},
	}, s.deleteTemplates)
	register(s, operation{
		id: "getEmailTemplate", method: http.MethodGet, path: "/api/email-templates/{id}", tag: tagTemplates,
		scope: access.Management, summary: "Get a template", failures: map[int]string{http.StatusNotFound: noTemplate},
	}, func(ctx context.Context, in *IDInput) (*templateOutput, error) {
		t, err := s.template(ctx, in.ID)
		return answerTemplate(templateOf(t)), err
	})
	register(s, operation{
		id: "updateEmailTemplateDetails", method: http.MethodPatch, path: "/api/email-templates/{id}/details",
		tag: tagTemplates, scope: access.Management, summary: "Change some details of a template",
		description: "Details that are not given stay as they are; null removes contentType, replyTo and sendFrom.",
		failures: map[int]string{
			http.StatusNotFound:           noTemplate,
			http.StatusPreconditionFailed: "`request.precondition_failed`: `If-Match` names another version",
		},
	}, s.changeDetails)
	register(s, operation{
		id: "deleteEmailTemplate", method: http.MethodDelete, path: "/api/email-templates/{id}", tag: tagTemplates,
		scope: access.Management, summary: "Delete a template with its versions",
		failures: map[int]string{http.StatusNotFound: noTemplate},
	}, func(ctx context.Context, in *IDInput) (*struct{}, error) {
		if !validID(in.ID) {
			return nil, errNoTemplate()
		}
		return nil, s.Templates.Delete(ctx, callOf(ctx).key.TenantID, in.ID)
	})
}

func errNoTemplate() error {
	return fault.New(fault.NotFound, "entity.not_exists_with_id", "There is no template with this id.")
}

// template returns one template, or the fault entity.not_exists_with_id.
func (s *server) template(ctx context.Context, id string) (templates.Stored, error) {
	if !validID(id) {
		return templates.Stored{}, errNoTemplate()
	}
	return s.Templates.Get(ctx, callOf(ctx).key.TenantID, id)
}

func (s *server) putTemplates(ctx context.Context, in *putTemplatesInput) (*templatesOutput, error) {
	c := callOf(ctx)
	drafts := make([]templates.Draft, len(in.Body.Templates))
	for i, t := range in.Body.Templates {
		drafts[i] = templates.Draft{
			Language: t.LanguageTag, Type: connector.TemplateType(t.TemplateType), Details: t.Details.details(),
		}
	}
	stored, err := s.Templates.Put(ctx, c.key.TenantID, c.key.ID, drafts)
	if err != nil {
		return nil, err
	}
	out := &templatesOutput{Body: make([]templateJSON, len(stored))}
	for i, t := range stored {
		out.Body[i] = s.changed(ctx, t)
	}
	return out, nil
}

func (s *server) listTemplates(ctx context.Context, in *templateListInput) (*templatesOutput, error) {
	c := callOf(ctx)
	f, err := in.read()
	if err != nil {
		return nil, err
	}
	list, err := s.Templates.List(ctx, c.key.TenantID, f)
	if err != nil {
		return nil, err
	}
	out := &templatesOutput{PageOutput: in.output(c.r.URL, len(list)), Body: []templateJSON{}}
	for _, t := range cut(in.PageInput, list) {
		out.Body = append(out.Body, templateOf(t))
	}
	return out, nil
}

func (s *server) deleteTemplates(ctx context.Context, in *TemplateFilter) (*deletedTemplatesOutput, error) {
	f, err := in.read()
	if err != nil {
		return nil, err
	}
	n, err := s.Templates.DeleteAll(ctx, callOf(ctx).key.TenantID, f)
	return &deletedTemplatesOutput{Body: deletedTemplatesJSON{RowCount: n}}, err
}

func (s *server) changeDetails(ctx context.Context, in *changeDetailsInput) (*templateOutput, error) {
	c := callOf(ctx)
	if !validID(in.ID) {
		return nil, errNoTemplate()
	}
	t, err := s.Templates.Update(ctx, c.key.TenantID, c.key.ID, in.ID, func(t templates.Stored) (templates.Details, error) {
		if !matches(in.IfMatch, t.Version) {
			return templates.Details{}, errPrecondition()
		}
		return in.Body.lay(t.Details), nil
	})
	if err != nil {
		return nil, err
	}
	return answerTemplate(s.changed(ctx, t)), nil
}

// matches reports whether an If-Match header (RFC 9110 section 13.1.1) names
// this version; no header names every one.
func matches(header string, version int) bool {
	if header == "" {
		return true
	}
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag(version) {
			return true
		}
	}
	return false
}

func errPrecondition() error {
	// No kind of fault is a failed precondition: the service's parts know no HTTP.
	return &problem{status: http.StatusPreconditionFailed, header: http.Header{}, errorJSON: errorJSON{
		Code: "request.precondition_failed", Message: "Somebody changed this meanwhile. Read it again, then change that.",
	}}
}
