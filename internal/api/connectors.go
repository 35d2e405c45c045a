package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/routing"
)

type connectorJSON struct {
	ID          string          `json:"id" example:"3f1c0c8e-5f0e-4b0f-9d0a-2f6f1f0f7a11"`
	ConnectorID string          `json:"connectorId" example:"simple-mail-transfer-protocol" doc:"Id of the factory."`
	Config      json.RawMessage `json:"config" doc:"The settings; secrets read as ********."`

	ProviderFields

	Metadata           map[string]any `json:"metadata" doc:"Always empty for e-mail."`
	SyncProfile        bool           `json:"syncProfile" doc:"Always false for e-mail."`
	EnableTokenStorage bool           `json:"enableTokenStorage" doc:"Always false for e-mail."`
	ExtraInfo          map[string]any `json:"extraInfo"`

	Up           bool   `json:"up" doc:"Whether mails go out through it now: false while it is passed over after failures, or cannot be opened."`
	CallbackPath string `json:"callbackPath,omitempty" example:"/callbacks/3f1c0c8e-5f0e-4b0f-9d0a-2f6f1f0f7a11/AX…" doc:"Where the provider reports what became of mails: have it call this path at the service's public address. It holds a secret. Only for providers whose reports are read."`
}

func (s *server) connectorOf(o *routing.Opened) (connectorJSON, error) {
	out := connectorJSON{
		ID: o.ID, ConnectorID: o.FactoryID, Config: json.RawMessage("{}"),
		Metadata: map[string]any{}, ExtraInfo: map[string]any{}, Up: o.Up(s.Now()),
	}
	if o.Factory == nil || o.PlainConfig == nil {
		// This build does not know it: it can be seen, replaced and deleted.
		out.ProviderFields = unknownProvider(o.FactoryID)
		return out, nil
	}
	out.ProviderFields = providerOf(o.Factory)
	var err error
	if out.Config, err = o.Factory.Mask(o.PlainConfig); err != nil {
		return connectorJSON{}, fmt.Errorf("mask settings of connector %s: %w", o.ID, err)
	}
	out.CallbackPath, err = s.Router.CallbackPath(o)
	return out, err
}

// connectorsOf are several, in their order.
func (s *server) connectorsOf(list []*routing.Opened) ([]connectorJSON, error) {
	out := make([]connectorJSON, len(list))
	for i, o := range list {
		var err error
		if out[i], err = s.connectorOf(o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type connectorOutput struct {
	Body connectorJSON
}

type connectorsOutput struct {
	PageOutput
	Body []connectorJSON
}

type connectorListInput struct {
	PageInput
	Target string `query:"target" example:"smtp" doc:"Only connectors of this provider."`
}

type newConnectorJSON struct {
	ConnectorID string          `json:"connectorId" example:"simple-mail-transfer-protocol" doc:"Id of the factory."`
	Config      json.RawMessage `json:"config,omitempty" doc:"The settings; ******** stands for secrets of the connector in use."`
	ID          string          `json:"id,omitempty" maxLength:"128" doc:"Letters, digits, - and _; a new one unless given."`
	Metadata    json.RawMessage `json:"metadata,omitempty" doc:"Refused: e-mail connectors have none."`
	SyncProfile bool            `json:"syncProfile,omitempty" doc:"No meaning for e-mail."`
}

type createConnectorInput struct {
	Body newConnectorJSON
}

type changedConnectorJSON struct {
	Config   json.RawMessage `json:"config,omitempty" doc:"Replaces all settings; ******** keeps a secret."`
	Metadata json.RawMessage `json:"metadata,omitempty" doc:"Refused: e-mail connectors have none."`
}

type changeConnectorInput struct {
	IDInput
	Body *changedConnectorJSON
}

type deleteConnectorInput struct {
	IDInput
	Force bool `query:"force" doc:"Delete it although mails are still to go out through it."`
}

// configFailure documents what refused settings are answered with.
const configFailure = "`connector.invalid_config`: `data.issues` lists what is wrong with the settings; " +
	"`connector.cannot_overwrite_metadata_for_non_standard_connector`"

// checkConnectorID refuses ids that cannot be, or that the paths of the API
// have for themselves. "" is given a new one.
func checkConnectorID(id string, path ...any) error {
	switch {
	case id == "":
		return nil
	case id == "fallbacks":
		return fault.Input("must be another id: fallbacks is a path of the API", path...)
	case !validID(id):
		return fault.Input("must be 1 to 128 letters, digits, - and _", path...)
	}
	return nil
}

func (s *server) mountConnectors() {
	register(s, operation{
		id: "createConnector", method: http.MethodPost, path: "/api/connectors", tag: tagConnectors,
		scope: access.Management, summary: "Set the e-mail connector",
		description: "There is one e-mail connector: the new one takes the place of the old one at once, " +
			"for mails under way too. When the settings are refused the old one stays. The settings are those that the " +
			"factory's formItems describe; unknown keys are refused.",
		failures: map[int]string{
			http.StatusBadRequest: configFailure,
			http.StatusUnprocessableEntity: "`connector.not_found_with_connector_id`: unknown factory; " +
				"`entity.unique_integrity_violation`: the id is taken",
		},
	}, s.createConnector)
	register(s, operation{
		id: "listConnectors", method: http.MethodGet, path: "/api/connectors", tag: tagConnectors,
		scope: access.Management, summary: "List the connectors in use", failures: pageFailures(),
	}, s.listConnectors)
	register(s, operation{
		id: "getConnector", method: http.MethodGet, path: "/api/connectors/{id}", tag: tagConnectors,
		scope: access.Management, summary: "Get a connector",
		failures: map[int]string{http.StatusNotFound: "`entity.not_found`"},
	}, s.getConnector)
	register(s, operation{
		id: "updateConnector", method: http.MethodPatch, path: "/api/connectors/{id}", tag: tagConnectors,
		scope: access.Management, summary: "Replace the settings of a connector",
		failures: map[int]string{
			http.StatusBadRequest: configFailure, http.StatusNotFound: "`entity.not_found`",
			http.StatusUnprocessableEntity: "`entity.invalid_input`: nothing to change was given",
		},
	}, s.updateConnector)
	register(s, operation{
		id: "deleteConnector", method: http.MethodDelete, path: "/api/connectors/{id}", tag: tagConnectors,
		scope: access.Management, summary: "Delete a connector",
		failures: map[int]string{
			http.StatusBadRequest: "`guard.invalid_input`", http.StatusNotFound: "`entity.not_found`",
			http.StatusUnprocessableEntity: "`connector.in_use`: mails are still to go out; `data.openMessages` says how many",
		},
	}, s.deleteConnector)
}

// errMetadata refuses metadata, which only standard (OIDC, SAML, OAuth)
// connectors may have.
func errMetadata() error {
	return fault.New(fault.Invalid, "connector.cannot_overwrite_metadata_for_non_standard_connector",
		"An e-mail connector takes no metadata.")
}

func (s *server) createConnector(ctx context.Context, in *createConnectorInput) (*connectorOutput, error) {
	b := in.Body
	if b.Metadata != nil {
		return nil, errMetadata()
	}
	if err := checkConnectorID(b.ID, "id"); err != nil {
		return nil, err
	}
	opened, err := s.Router.Set(ctx, callOf(ctx).key.TenantID, b.ConnectorID, b.ID, b.Config)
	return s.answerConnector(opened, err)
}

func (s *server) answerConnector(opened *routing.Opened, err error) (*connectorOutput, error) {
	if err != nil {
		return nil, err
	}
	body, err := s.connectorOf(opened)
	return &connectorOutput{Body: body}, err
}

func (s *server) listConnectors(ctx context.Context, in *connectorListInput) (*connectorsOutput, error) {
	c := callOf(ctx)
	all, err := s.Router.Connectors(ctx, c.key.TenantID)
	if err != nil {
		return nil, err
	}
	list := []connectorJSON{}
	for _, o := range all {
		one, err := s.connectorOf(o)
		if err != nil {
			return nil, err
		}
		if o.Slot == routing.InUse && (in.Target == "" || in.Target == one.Target) {
			list = append(list, one)
		}
	}
	return &connectorsOutput{PageOutput: in.output(c.r.URL, len(list)), Body: cut(in.PageInput, list)}, nil
}

func (s *server) getConnector(ctx context.Context, in *IDInput) (*connectorOutput, error) {
	opened, err := s.Router.Get(ctx, callOf(ctx).key.TenantID, in.ID)
	return s.answerConnector(opened, err)
}

func (s *server) updateConnector(ctx context.Context, in *changeConnectorInput) (*connectorOutput, error) {
	switch {
	case in.Body != nil && in.Body.Metadata != nil:
		return nil, errMetadata()
	case in.Body == nil || in.Body.Config == nil:
		return nil, fault.New(fault.Unprocessable, "entity.invalid_input", "Give the config to change.")
	}
	opened, err := s.Router.Update(ctx, callOf(ctx).key.TenantID, in.ID, in.Body.Config)
	return s.answerConnector(opened, err)
}

func (s *server) deleteConnector(ctx context.Context, in *deleteConnectorInput) (*struct{}, error) {
	return nil, s.Router.Delete(ctx, callOf(ctx).key.TenantID, in.ID, in.Force)
}
