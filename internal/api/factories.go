package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
)

// ProviderFields is what a connector has from its factory. The name is
// exported because package huma passes over embedded types that are not.
type ProviderFields struct {
	Type        string               `json:"type" enum:"Email"`
	Target      string               `json:"target" example:"smtp" doc:"The provider's short name."`
	Platform    *string              `json:"platform" doc:"Always null for e-mail."`
	Name        map[string]string    `json:"name" doc:"By language (BCP 47); en is always there."`
	Description map[string]string    `json:"description" doc:"By language (BCP 47); en is always there."`
	Logo        string               `json:"logo" doc:"data: URL."`
	LogoDark    *string              `json:"logoDark" doc:"data: URL for dark backgrounds, or null."`
	Readme      string               `json:"readme" doc:"Step-by-step guide, Markdown."`
	FormItems   []connector.FormItem `json:"formItems" doc:"The fields of the settings, in order."`
	IsDemo      bool                 `json:"isDemo" doc:"Always false."`
}

type factoryJSON struct {
	ID string `json:"id" example:"simple-mail-transfer-protocol"`

	ProviderFields
}

func providerOf(f connector.Factory) ProviderFields {
	meta := f.Metadata()
	p := ProviderFields{
		Type: "Email", Target: meta.Target, Name: meta.Name, Description: meta.Description,
		Logo: meta.Logo, Readme: meta.Readme, FormItems: f.Form(),
	}
	if meta.LogoDark != "" {
		p.LogoDark = &meta.LogoDark
	}
	if p.FormItems == nil {
		p.FormItems = []connector.FormItem{}
	}
	return p
}

// unknownProvider stands for a factory that this build does not have.
func unknownProvider(factoryID string) ProviderFields {
	return ProviderFields{
		Type: "Email", Target: factoryID, Name: map[string]string{"en": factoryID},
		Description: map[string]string{"en": "This build does not have this connector, or cannot read its settings."},
		FormItems:   []connector.FormItem{},
	}
}

type factoriesOutput struct {
	PageOutput
	Body []factoryJSON
}

type factoryOutput struct {
	Body factoryJSON
}

// IDInput is the id in a path.
type IDInput struct {
	ID string `path:"id"`
}

func (s *server) mountFactories() {
	register(s, operation{
		id: "listConnectorFactories", method: http.MethodGet, path: "/api/connector-factories",
		tag: tagConnectors, scope: access.Management,
		summary:     "List the providers that mails can go out through",
		description: "Each entry has the form of its settings and a guide.",
		failures:    pageFailures(),
	}, s.listFactories)
	register(s, operation{
		id: "getConnectorFactory", method: http.MethodGet, path: "/api/connector-factories/{id}",
		tag: tagConnectors, scope: access.Management,
		summary:  "Get one provider",
		failures: map[int]string{http.StatusNotFound: "`entity.not_found`"},
	}, s.getFactory)
}

func (s *server) listFactories(ctx context.Context, in *PageInput) (*factoriesOutput, error) {
	all := s.Router.Registry().All()
	out := &factoriesOutput{PageOutput: in.output(callOf(ctx).r.URL, len(all)), Body: []factoryJSON{}}
	for _, f := range cut(*in, all) {
		out.Body = append(out.Body, factoryJSON{ID: f.Metadata().ID, ProviderFields: providerOf(f)})
	}
	return out, nil
}

func (s *server) getFactory(_ context.Context, in *IDInput) (*factoryOutput, error) {
	f, ok := s.Router.Registry().Get(in.ID)
	if !ok {
		return nil, errNotFound("connector factory")
	}
	return &factoryOutput{Body: factoryJSON{ID: in.ID, ProviderFields: providerOf(f)}}, nil
}
