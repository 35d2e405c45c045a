package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/routing"
)

type fallbackJSON struct {
	ConnectorID string          `json:"connectorId" example:"resend-email" doc:"Id of the factory."`
	Config      json.RawMessage `json:"config,omitempty" doc:"The settings; ******** keeps a secret of the fallback with this id."`
	ID          string          `json:"id,omitempty" maxLength:"128" doc:"Of a fallback that stays; a new one unless given."`
}

type fallbacksInput struct {
	Body struct {
		Fallbacks []fallbackJSON `json:"fallbackConnectors" maxItems:"3" doc:"In the order in which they are tried; an empty list for none."`
	}
}

type fallbacksOutput struct {
	Body []connectorJSON
}

func (s *server) mountFallbacks() {
	register(s, operation{
		id: "listFallbackConnectors", method: http.MethodGet, path: "/api/connectors/fallbacks", tag: tagConnectors,
		scope: access.Management, summary: "List the fallback connectors, in the order in which they are tried",
	}, func(ctx context.Context, _ *struct{}) (*fallbacksOutput, error) {
		list, err := s.Router.Fallbacks(ctx, callOf(ctx).key.TenantID)
		return s.answerFallbacks(list, err)
	})
	register(s, operation{
		id: "setFallbackConnectors", method: http.MethodPut, path: "/api/connectors/fallbacks", tag: tagConnectors,
		scope: access.Management, summary: "Set the fallback connectors",
		description: "Up to three further connectors. A mail goes out through the first that is in order: one that failed " +
			"three times in a row, or asked for a pause, is passed over, and tried again by one mail after half a minute. " +
			"A failed attempt goes on with the next connector at once, but never after the recipient or the mail itself was " +
			"refused. Takes effect at once; when one is refused all stay as they were.",
		failures: map[int]string{
			http.StatusBadRequest: configFailure,
			http.StatusUnprocessableEntity: "`connector.not_found_with_connector_id`: unknown factory; " +
				"`entity.unique_integrity_violation`: an id is taken",
		},
	}, s.setFallbacks)
}

func (s *server) setFallbacks(ctx context.Context, in *fallbacksInput) (*fallbacksOutput, error) {
	list := make([]routing.Draft, len(in.Body.Fallbacks))
	for i, f := range in.Body.Fallbacks {
		if err := checkConnectorID(f.ID, "fallbackConnectors", i, "id"); err != nil {
			return nil, err
		}
		list[i] = routing.Draft{ID: f.ID, FactoryID: f.ConnectorID, Config: f.Config}
	}
	set, err := s.Router.SetFallbacks(ctx, callOf(ctx).key.TenantID, list)
	return s.answerFallbacks(set, err)
}

func (s *server) answerFallbacks(list []*routing.Opened, err error) (*fallbacksOutput, error) {
	if err != nil {
		return nil, err
	}
	body, err := s.connectorsOf(list)
	return &fallbacksOutput{Body: body}, err
}
