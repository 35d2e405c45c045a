package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
)

type versionJSON struct {
	Version   int                 `json:"version" doc:"From 1."`
	Details   templateDetailsJSON `json:"details"`
	CreatedAt int64               `json:"createdAt" doc:"Milliseconds since 1970."`
	CreatedBy string              `json:"createdBy" doc:"Id of the API key that made it."`
}

type versionListInput struct {
	IDInput
	PageInput
}

type versionListOutput struct {
	PageOutput
	Body []versionJSON
}

type restoreInput struct {
	IDInput
	Version int `path:"version" minimum:"1"`
}

func (s *server) mountVersions() {
	register(s, operation{
		id: "listEmailTemplateVersions", method: http.MethodGet, path: "/api/email-templates/{id}/versions",
		tag: tagTemplates, scope: access.Management, summary: "List what a template said, newest first",
		description: "The last 50 versions are kept; the first one listed is what it says now.",
		failures: map[int]string{
			http.StatusBadRequest: "`guard.invalid_pagination`, `guard.invalid_input`", http.StatusNotFound: noTemplate,
		},
	}, s.listVersions)
	register(s, operation{
		id: "restoreEmailTemplateVersion", method: http.MethodPost,
		path: "/api/email-templates/{id}/versions/{version}/restore",
		tag:  tagTemplates, scope: access.Management, summary: "Make a template say again what it said",
		description: "Makes a new version, unless the template says so already.",
		failures: map[int]string{
			http.StatusBadRequest: "`guard.invalid_input`: not the number of a version",
			http.StatusNotFound:   noTemplate + "; `entity.not_found`: no such version is kept",
		},
	}, s.restoreVersion)
}

func (s *server) listVersions(ctx context.Context, in *versionListInput) (*versionListOutput, error) {
	c := callOf(ctx)
	if !validID(in.ID) {
		return nil, errNoTemplate()
	}
	list, err := s.Templates.Versions(ctx, c.key.TenantID, in.ID)
	if err != nil {
		return nil, err
	}
	out := &versionListOutput{PageOutput: in.output(c.r.URL, len(list)), Body: []versionJSON{}}
	for _, v := range cut(in.PageInput, list) {
		out.Body = append(out.Body, versionJSON{
			Version: v.Number, Details: detailsOf(v.Details), CreatedAt: v.At.UnixMilli(), CreatedBy: v.By,
		})
	}
	return out, nil
}

func (s *server) restoreVersion(ctx context.Context, in *restoreInput) (*templateOutput, error) {
	c := callOf(ctx)
	if !validID(in.ID) {
		return nil, errNoTemplate()
	}
	t, err := s.Templates.Restore(ctx, c.key.TenantID, c.key.ID, in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	return answerTemplate(s.changed(ctx, t)), nil
}
