package mailgun

import (
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// deliveries are the wordings in the settings, by template type.
type deliveries map[connector.TemplateType]delivery

// delivery is one wording: HTML that is rendered here, or the name of a
// template at Mailgun.
type delivery struct {
	Subject   string         `json:"subject"`
	ReplyTo   string         `json:"replyTo"`
	HTML      string         `json:"html"`
	Text      string         `json:"text"`
	Template  string         `json:"template"`
	Variables map[string]any `json:"variables"`
}

// Validate implements connector.Validator.
func (d deliveries) Validate() []connector.Issue {
	var issues []connector.Issue
	for kind := range d {
		if !kind.Valid() {
			issues = append(issues, providerapi.Invalid("is not a template type", string(kind)))
		}
	}
	return issues
}

// Validate implements connector.Validator.
func (d delivery) Validate() []connector.Issue {
	var issues []connector.Issue
	switch {
	case d.HTML == "" && d.Template == "":
		issues = append(issues, providerapi.Invalid("must have html or template"))
	case d.HTML != "" && d.Template != "":
		issues = append(issues, providerapi.Invalid("does not go with html; give one of them", "template"))
	case d.HTML == "" && d.Text != "":
		issues = append(issues, providerapi.Invalid("belongs to html; the template has its own", "text"))
	case d.Template == "" && d.Variables != nil:
		issues = append(issues, providerapi.Invalid("belong to template", "variables"))
	}
	if !strings.Contains(d.ReplyTo, "{{") && len(providerapi.Mailbox(d.ReplyTo).Validate()) > 0 {
		issues = append(issues, providerapi.Invalid("must be an e-mail address, or a name with one in angle brackets", "replyTo"))
	}
	return issues
}

// ConfigTemplates implements connector.TemplateSource.
func (d deliveries) ConfigTemplates() []connector.Template {
	var list []connector.Template
	for _, kind := range connector.TemplateTypes() {
		if one, ok := d[kind]; ok {
			list = append(list, connector.Template{
				UsageType: kind, Subject: one.Subject, ReplyTo: one.ReplyTo,
				Content: one.HTML, Text: one.Text, AtProvider: one.Template != "",
			})
		}
	}
	return list
}

// of returns the delivery that a type goes by.
func (d deliveries) of(kind connector.TemplateType) delivery {
	if one, ok := d[kind]; ok {
		return one
	}
	return d[connector.Generic]
}
