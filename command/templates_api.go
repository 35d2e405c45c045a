package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/templatefiles"
	"github.com/postern-mail/postern/internal/templates"
)

const (
	templatesPath = "/api/email-templates"
	partialsPath  = "/api/email-partials"
	// maxList is the longest list of templates that is read, in bytes.
	maxList = 256 << 20
)

// templateBody is a template in the API, as far as it is looked at.
type templateBody struct {
	ID       string                 `json:"id,omitempty"`
	Language string                 `json:"languageTag,omitempty"`
	Type     connector.TemplateType `json:"templateType"`
	Details  templates.Details      `json:"details"`
	Problems []templateProblem      `json:"problems,omitempty"`
}

// templateProblem is what the check of templates tells.
type templateProblem struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Field    string `json:"field"`
	Line     int    `json:"line"`   // in the field, from 1, or 0
	Column   int    `json:"column"` // in characters from 1, or 0
}

// putTemplates is the body of PUT /api/email-templates.
type putTemplates struct {
	Templates []templateBody `json:"templates"`
}

// partialBody is a partial in the API.
type partialBody struct {
	Name    string `json:"name,omitempty"`
	Content string `json:"content"`
}

// remote is what the service holds.
type remote struct {
	entries []templatefiles.Entry
	ids     map[templatefiles.Key]string
}

// fetch reads the service's templates, as far as they were asked for, and
// spells their languages as the folder does.
func fetch(ctx context.Context, c *client, f templateFlags, here local) (*remote, error) {
	var list []templateBody
	if err := c.do(ctx, call{method: http.MethodGet, path: templatesPath, limit: maxList}, &list); err != nil {
		return nil, err
	}
	var partials []partialBody
	if err := c.do(ctx, call{method: http.MethodGet, path: partialsPath, limit: maxList}, &partials); err != nil {
		return nil, err
	}
	r := &remote{ids: make(map[templatefiles.Key]string, len(list))}
	for _, t := range list {
		e := templatefiles.Template(t.Language, t.Type, t.Details)
		r.entries = append(r.entries, e)
		r.ids[e.Key()] = t.ID
	}
	for _, partial := range partials {
		r.entries = append(r.entries, templatefiles.Partial(partial.Name, partial.Content))
	}
	r.entries = templatefiles.Spelled(f.filter(r.entries), here.entries)
	for _, language := range *f.languages {
		if !speaks(r.entries, language) && !speaks(here.entries, language) {
			return nil, usagef("--language: neither the folder nor the service has templates in %q", language)
		}
	}
	return r, nil
}

// still is an error when the service holds something else by now: an answer
// may take its time, and was about what was shown.
func (r *remote) still(ctx context.Context, c *client, f templateFlags, here local) error {
	now, err := fetch(ctx, c, f, here)
	if err != nil {
		return err
	}
	if len(templatefiles.Compare(r.entries, now.entries)) > 0 {
		return errors.New("somebody changed the service's templates meanwhile, so nothing was pushed: try again")
	}
	return nil
}

func speaks(entries []templatefiles.Entry, language string) bool {
	one := templateFlags{languages: &[]string{language}}
	for _, e := range entries {
		if e.Partial == "" && one.wants(e.Language) {
			return true
		}
	}
	return false
}

// checkTemplate has the service look at a template.
func (c *client) checkTemplate(ctx context.Context, e templatefiles.Entry) ([]templateProblem, error) {
	var answer struct {
		Problems []templateProblem `json:"problems"`
	}
	asked := call{method: http.MethodPost, path: templatesPath + "/check", body: templateBody{Type: e.Type, Details: e.Details}}
	err := c.do(ctx, asked, &answer)
	return answer.Problems, err
}

// put stores templates, all or none, and returns what the service says of
// each.
func (c *client) put(ctx context.Context, body putTemplates) ([]templateBody, error) {
	var stored []templateBody
	err := c.do(ctx, call{method: http.MethodPut, path: templatesPath, body: body, limit: maxList}, &stored)
	return stored, err
}

func (c *client) deleteTemplate(ctx context.Context, id string) error {
	if id == "" {
		return fmt.Errorf("%s gave a template no id", c.base.Host)
	}
	return c.do(ctx, call{method: http.MethodDelete, path: templatesPath + "/" + url.PathEscape(id)}, nil)
}

func (c *client) putPartial(ctx context.Context, e templatefiles.Entry) error {
	body := partialBody{Content: e.Details.Content}
	return c.do(ctx, call{method: http.MethodPut, path: partialsPath + "/" + url.PathEscape(e.Partial), body: body}, nil)
}

func (c *client) deletePartial(ctx context.Context, name string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: partialsPath + "/" + url.PathEscape(name)}, nil)
}
