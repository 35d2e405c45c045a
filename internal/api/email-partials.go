package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/templates"
)

type partialJSON struct {
	Name      string `json:"name" example:"footer"`
	Content   string `json:"content"`
	UpdatedAt int64  `json:"updatedAt" example:"1767225600000" doc:"Milliseconds since 1970."`
	UpdatedBy string `json:"updatedBy" doc:"Id of the API key that made the last change."`
}

func partialOf(p templates.Partial) partialJSON {
	return partialJSON{Name: p.Name, Content: p.Content, UpdatedAt: p.UpdatedAt.UnixMilli(), UpdatedBy: p.UpdatedBy}
}

// PartialInput is the name in a path.
type PartialInput struct {
	Name string `path:"name" example:"footer" doc:"1 to 64 letters, digits, - and _."`
}

type putPartialInput struct {
	PartialInput
	Body putPartialJSON
}

type putPartialJSON struct {
	Content string `json:"content" example:"<p>Example Ltd</p>" doc:"At most 256 KiB. A layout has {{> @partial-block}} where the template goes."`
}

type partialOutput struct {
	Body partialJSON
}

type partialListOutput struct {
	PageOutput
	Body []partialJSON
}

func (s *server) mountPartials() {
	missing := map[int]string{http.StatusNotFound: "`entity.not_found`"}
	register(s, operation{
		id: "listEmailPartials", method: http.MethodGet, path: "/api/email-partials", tag: tagTemplates,
		scope: access.Management, summary: "List partials by name", failures: pageFailures(),
	}, s.listPartials)
	register(s, operation{
		id: "getEmailPartial", method: http.MethodGet, path: "/api/email-partials/{name}", tag: tagTemplates,
		scope: access.Management, summary: "Get a partial", failures: missing,
	}, func(ctx context.Context, in *PartialInput) (*partialOutput, error) {
		p, err := s.Templates.Partial(ctx, callOf(ctx).key.TenantID, in.Name)
		return &partialOutput{Body: partialOf(p)}, err
	})
	register(s, operation{
		id: "putEmailPartial", method: http.MethodPut, path: "/api/email-partials/{name}", tag: tagTemplates,
		scope: access.Management, summary: "Store a partial",
		description: "Templates include it as `{{> name}}`, or lay themselves out in it with `{{#layout \"name\"}} … {{/layout}}`.",
	}, func(ctx context.Context, in *putPartialInput) (*partialOutput, error) {
		key := callOf(ctx).key
		p, err := s.Templates.PutPartial(ctx, key.TenantID, key.ID, in.Name, in.Body.Content)
		return &partialOutput{Body: partialOf(p)}, err
	})
	register(s, operation{
		id: "deleteEmailPartial", method: http.MethodDelete, path: "/api/email-partials/{name}", tag: tagTemplates,
		scope: access.Management, summary: "Delete a partial",
		failures: map[int]string{
			http.StatusNotFound: missing[http.StatusNotFound],
			http.StatusUnprocessableEntity: "`entity.in_use`: templates or other partials include it; " +
				"`data.templates` and `data.partials` say which",
		},
	}, s.deletePartial)
}

func (s *server) listPartials(ctx context.Context, in *PageInput) (*partialListOutput, error) {
	c := callOf(ctx)
	list, err := s.Templates.ListPartials(ctx, c.key.TenantID)
	if err != nil {
		return nil, err
	}
	out := &partialListOutput{PageOutput: in.output(c.r.URL, len(list)), Body: []partialJSON{}}
	for _, p := range cut(*in, list) {
		out.Body = append(out.Body, partialOf(p))
	}
	return out, nil
}

func (s *server) deletePartial(ctx context.Context, in *PartialInput) (*struct{}, error) {
	if !validID(in.Name) {
		return nil, errNotFound("partial")
	}
	return nil, s.Templates.DeletePartial(ctx, callOf(ctx).key.TenantID, in.Name)
}
