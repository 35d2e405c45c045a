package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/compose"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/templates"
)

type previewInput struct {
	Body previewRequestJSON
}

type previewRequestJSON struct {
	TemplateType typeJSON             `json:"templateType"`
	LanguageTag  string               `json:"languageTag,omitempty" maxLength:"64" example:"de" doc:"As locale of a mail; the payload's, then the default unless given."`
	Details      *templateDetailsJSON `json:"details,omitempty" doc:"What to render, in place of the template that would be used."`
	Payload      payloadJSON          `json:"payload,omitzero"`
	ConnectorID  string               `json:"connectorId,omitempty" maxLength:"128" doc:"Id of a connector; the one in use unless given."`
}

type previewOutput struct {
	Body previewJSON
}

type previewJSON struct {
	Subject     string                `json:"subject" example:"Your code is 507293"`
	HTML        string                `json:"html,omitempty" doc:"Missing for a mail of plain text."`
	Text        string                `json:"text"`
	From        string                `json:"from" doc:"The template's sender, or the connector's."`
	ReplyTo     string                `json:"replyTo" doc:"Empty for none."`
	LanguageTag string                `json:"languageTag" example:"de" doc:"Language of the template that was used."`
	Source      string                `json:"source" enum:"custom,config,builtin,provider" doc:"custom: stored or given; config: the connector's; provider: the provider renders, so at most the subject is known here."`
	Problems    []templateProblemJSON `json:"problems" doc:"What the check of templates found."`
}

type checkInput struct {
	Body checkRequestJSON
}

type checkRequestJSON struct {
	TemplateType typeJSON            `json:"templateType"`
	Details      templateDetailsJSON `json:"details"`
}

type checkOutput struct {
	Body checkJSON
}

type checkJSON struct {
	Problems []templateProblemJSON `json:"problems"`
}

type coverageOutput struct {
	Body coverageJSON
}

type coverageJSON struct {
	LanguageTags  []string            `json:"languageTags" doc:"Those of stored templates and the built-in ones."`
	TemplateTypes []typeJSON          `json:"templateTypes"`
	Entries       []coverageEntryJSON `json:"entries" doc:"One for each language and type."`
}

type coverageEntryJSON struct {
	LanguageTag  string        `json:"languageTag" example:"de"`
	TemplateType typeJSON      `json:"templateType"`
	Source       string        `json:"source" enum:"custom,config,builtin,provider" doc:"What a mail in this language and of this type is made from now."`
	ServedBy     *servedByJSON `json:"servedBy,omitempty" doc:"The template used, for the sources custom and config."`
}

type servedByJSON struct {
	ID           string   `json:"id,omitempty" doc:"Of a stored template."`
	LanguageTag  string   `json:"languageTag,omitempty" example:"en" doc:"Of a stored template."`
	TemplateType typeJSON `json:"templateType"`
}

func (s *server) mountWorkbench() {
	register(s, operation{
		id: "previewEmailTemplate", method: http.MethodPost, path: "/api/email-templates/preview", tag: tagTemplates,
		scope: access.Management, summary: "Show a mail as it would be sent",
		description: "Variables that the payload does not give are samples. Nothing is sent or stored.",
		failures: map[int]string{
			http.StatusNotFound:            "`entity.not_found`: no such connector",
			http.StatusUnprocessableEntity: "`entity.invalid_input`: the template cannot be rendered with this payload",
		},
	}, s.previewTemplate)
	register(s, operation{
		id: "checkEmailTemplate", method: http.MethodPost, path: "/api/email-templates/check", tag: tagTemplates,
		scope: access.Management, summary: "Check a template",
		description: "Tells what is wrong or unwise in a template, each with its place and what to do. Nothing is stored.",
	}, s.checkTemplate)
	register(s, operation{
		id: "getEmailTemplateCoverage", method: http.MethodGet, path: "/api/email-templates/coverage", tag: tagTemplates,
		scope: access.Management, summary: "List what serves each language and type",
	}, s.coverage)
}

// templateType reads the type that a template is for.
func templateType(t typeJSON) (connector.TemplateType, error) {
	read := connector.TemplateType(t)
	if !read.Valid() {
		return "", fault.Input("must be one of "+names(connector.TemplateTypes()), "templateType")
	}
	return read, nil
}

func (s *server) previewTemplate(ctx context.Context, in *previewInput) (*previewOutput, error) {
	request, err := s.previewRequest(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	var details *templates.Details
	if in.Body.Details != nil {
		given := in.Body.Details.details()
		if err := s.Templates.Check(ctx, request.TenantID, given, "details"); err != nil {
			return nil, err
		}
		details = &given
	}
	via, err := s.connectorOr(ctx, in.Body.ConnectorID)
	if err != nil {
		return nil, err
	}
	p, err := s.Composer.Preview(ctx, request, details, via)
	if failure, ok := errors.AsType[*connector.Error](err); ok {
		f := fault.New(fault.Unprocessable, "entity.invalid_input", "%s", failure.Message)
		f.Err = failure.Err
		return nil, f
	}
	if err != nil {
		return nil, err
	}
	body := previewJSON{
		Subject: p.Message.Subject, HTML: p.Message.HTML, Text: p.Message.Text,
		From: mailboxText(p.Message.From), ReplyTo: mailboxText(p.Message.ReplyTo),
		LanguageTag: p.Language, Source: string(p.Source), Problems: []templateProblemJSON{},
	}
	if p.Details != nil {
		if body.Problems, err = s.problems(ctx, request.Type, *p.Details); err != nil {
			return nil, err
		}
	}
	return &previewOutput{Body: body}, nil
}

// previewRequest reads what is to be shown.
func (s *server) previewRequest(ctx context.Context, b previewRequestJSON) (compose.Request, error) {
	t, err := templateType(b.TemplateType)
	if err != nil {
		return compose.Request{}, err
	}
	if err := checkTexts("languageTag", b.LanguageTag, "connectorId", b.ConnectorID); err != nil {
		return compose.Request{}, err
	}
	payload, err := b.Payload.read()
	if err != nil {
		return compose.Request{}, err
	}
	r := compose.Request{TenantID: callOf(ctx).key.TenantID, Type: t, Payload: payload, Validity: outbox.OtherLifetime}
	if err := s.speak(ctx, r.TenantID, payload, "", b.LanguageTag); err != nil {
		return compose.Request{}, err
	}
	if b.LanguageTag != "" { // what is asked for by name goes before the payload's wishes
		payload["locale"] = b.LanguageTag
	}
	if t.CarriesCode() {
		settings, err := s.Settings.Settings(ctx, r.TenantID)
		if err != nil {
			return compose.Request{}, err
		}
		r.Validity = settings.VerificationCodePolicy.Expiration()
	}
	return r, nil
}

// connectorOr returns the connector with an id; without one, the connector in
// use, or nil where there is none.
func (s *server) connectorOr(ctx context.Context, id string) (*routing.Opened, error) {
	tenantID := callOf(ctx).key.TenantID
	if id != "" {
		via, err := s.Router.Get(ctx, tenantID, id)
		if err != nil {
			return nil, err
		}
		err = via.Broken()
		return via, err
	}
	via, err := s.Router.InUse(ctx, tenantID)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "connector.not_found" {
		return nil, nil //nolint:nilnil // a mail can be shown without one
	}
	return via, err
}

// mailboxText writes a mailbox as people read it.
func mailboxText(m connector.Mailbox) string {
	if m.Name == "" || m.Address == "" {
		return m.Name + m.Address
	}
	return m.Name + " <" + m.Address + ">"
}

func (s *server) checkTemplate(ctx context.Context, in *checkInput) (*checkOutput, error) {
	t, err := templateType(in.Body.TemplateType)
	if err != nil {
		return nil, err
	}
	problems, err := s.problems(ctx, t, in.Body.Details.details())
	if err != nil {
		return nil, err
	}
	return &checkOutput{Body: checkJSON{Problems: problems}}, nil
}

func (s *server) coverage(ctx context.Context, _ *struct{}) (*coverageOutput, error) {
	via, err := s.connectorOr(ctx, "")
	if err != nil {
		return nil, err
	}
	languages, served, err := s.Composer.Coverage(ctx, callOf(ctx).key.TenantID, via)
	if err != nil {
		return nil, err
	}
	body := coverageJSON{LanguageTags: languages, Entries: make([]coverageEntryJSON, len(served))}
	for _, t := range connector.TemplateTypes() {
		body.TemplateTypes = append(body.TemplateTypes, typeJSON(t))
	}
	for i, cell := range served {
		body.Entries[i] = coverageEntryJSON{
			LanguageTag: cell.Language, TemplateType: typeJSON(cell.Type), Source: string(cell.Source),
		}
		if cell.TemplateType != "" {
			body.Entries[i].ServedBy = &servedByJSON{
				ID: cell.TemplateID, LanguageTag: cell.TemplateLanguage, TemplateType: typeJSON(cell.TemplateType),
			}
		}
	}
	return &coverageOutput{Body: body}, nil
}
