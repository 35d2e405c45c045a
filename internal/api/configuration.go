package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/fault"
)

// documentJSON is a configuration, unread: package configuration reads it more
// strictly than package huma would.
type documentJSON struct{ raw json.RawMessage }

// UnmarshalJSON implements json.Unmarshaler.
func (d *documentJSON) UnmarshalJSON(data []byte) error { return d.raw.UnmarshalJSON(data) }

// Schema implements huma.SchemaProvider.
func (documentJSON) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[configuration.Document](), true, "")
}

type exportInput struct {
	TenantInput
	Secrets string `query:"secrets" enum:"masked,sealed" default:"masked" doc:"sealed: with the secrets, which this installation alone opens."`
}

// TenantInput names a tenant in a path. The name is exported because package
// huma passes over embedded types that are not.
type TenantInput struct {
	ID string `path:"id" maxLength:"128" example:"dev"`
}

type documentOutput struct {
	Body configuration.Document
}

type importInput struct {
	TenantInput
	DryRun      bool   `query:"dryRun" doc:"Only check and compare."`
	Fingerprint string `query:"fingerprint" maxLength:"64" doc:"That of a dry run: nothing is done when somebody changed the tenant since."`
	Body        documentJSON
}

type promoteInput struct {
	TenantInput
	Body promoteJSON
}

type promoteJSON struct {
	To          string `json:"to" minLength:"1" maxLength:"128" example:"prod" doc:"Id of the tenant whose configuration is replaced."`
	DryRun      bool   `json:"dryRun,omitempty" doc:"Only check and compare."`
	Fingerprint string `json:"fingerprint,omitempty" maxLength:"64" doc:"That of a dry run: nothing is done when somebody changed either tenant since."`
	TestEmail   string `json:"testEmail,omitempty" example:"ann@example.com" doc:"Gets a test mail through the new connector first; when that is refused, nothing changes."`
}

type changesOutput struct {
	Body changesJSON
}

type changesJSON struct {
	Changes     []configuration.Change `json:"changes" doc:"By section. Of a secret they tell only that it changed."`
	Fingerprint string                 `json:"fingerprint" doc:"Names what was compared; another one after every change of it."`
	Applied     bool                   `json:"applied" doc:"Whether the tenant has this configuration now."`
}

// What promotions and imports are refused for.
const (
	changedFailure = "`configuration.changed`: somebody changed it since the dry run, or at the same moment; nothing was done"
	noTenant       = "`entity.not_found`: no such tenant, or not the caller's to see"
)

func (s *server) mountConfiguration() {
	register(s, operation{
		id: "exportConfiguration", method: http.MethodGet, path: "/api/tenants/{id}/configuration", tag: tagTenants,
		scope: access.Management, summary: "Export a tenant's configuration",
		description: "Connector, fallbacks, settings, templates and partials as one document, in a stable order. " +
			"Secrets are masked.",
		failures: map[int]string{
			http.StatusBadRequest: "`guard.invalid_input`", http.StatusNotFound: noTenant,
			http.StatusUnprocessableEntity: "`connector.not_found_with_connector_id`: a connector's factory is not in this build",
		},
	}, s.exportConfiguration)
	register(s, operation{
		id: "importConfiguration", method: http.MethodPut, path: "/api/tenants/{id}/configuration", tag: tagTenants,
		scope: access.Management, summary: "Import a configuration", maxBody: configuration.MaxDocument, strict: true,
		description: "Makes the tenant's configuration that of the document, all of it or nothing: what the document does " +
			"not have is removed. Unknown keys are refused. A masked secret takes the value that was sealed with it, else the " +
			"one that the tenant has in the same place of a connector of the same factory. Writes an audit entry. Takes effect at " +
			"once on this node and within a second on others.",
		failures: map[int]string{
			http.StatusBadRequest: "`configuration.secrets_required`: `data.issues` has one issue for each secret that " +
				"must be given in place of its mask",
			http.StatusNotFound: noTenant, http.StatusConflict: changedFailure,
		},
	}, s.importConfiguration)
	register(s, operation{
		id: "promoteConfiguration", method: http.MethodPost, path: "/api/tenants/{id}/promote", tag: tagTenants,
		scope: access.Management, summary: "Make another tenant's configuration that of this one",
		description: "Copies connector, fallbacks, settings, templates and partials, secrets included, all or nothing; what " +
			"this tenant does not have is removed from the other one. Messages, keys and people stay. Writes an audit entry " +
			"at the other tenant. Takes effect at once on this node and within a second on others. For keys of the tenant `default`.",
		failures: map[int]string{
			http.StatusBadRequest: "`connector.general`: the test mail was refused, with the provider's words; nothing changed",
			http.StatusNotFound:   noTenant, http.StatusConflict: changedFailure,
			http.StatusTooManyRequests: "`connector.rate_limit_exceeded`: too many test mails in a minute",
		},
	}, s.promote)
	s.describeDocument()
}

// describeDocument tells in the OpenAPI document that there may be no
// connector, for which struct tags have no words.
func (s *server) describeDocument() {
	connector := s.huma.OpenAPI().Components.Schemas.Map()["ConfigurationDocument"].Properties["connector"]
	reference := connector.Ref
	*connector = huma.Schema{
		Description: connector.Description,
		OneOf:       []*huma.Schema{{Ref: reference}, {Type: "null"}},
	}
}

func (s *server) exportConfiguration(ctx context.Context, in *exportInput) (*documentOutput, error) {
	t, err := s.tenant(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := s.Configurations.Export(ctx, t.ID, in.Secrets == "sealed")
	return &documentOutput{Body: d}, err
}

func (s *server) importConfiguration(ctx context.Context, in *importInput) (*changesOutput, error) {
	c := callOf(ctx)
	t, err := s.tenant(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	document, err := configuration.Parse(in.Body.raw)
	if err != nil {
		return nil, err
	}
	plan, err := s.Configurations.PlanImport(ctx, t.ID, document, func(tenantID string) bool {
		return tenantID == c.key.TenantID || administers(c.key)
	})
	if err == nil {
		err = plan.Expect(in.Fingerprint)
	}
	if err != nil {
		return nil, err
	}
	return s.apply(ctx, plan, in.DryRun)
}

func (s *server) promote(ctx context.Context, in *promoteInput) (*changesOutput, error) {
	from, err := s.tenant(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	to, err := s.tenant(ctx, in.Body.To)
	if err != nil {
		return nil, err
	}
	if from.ID == to.ID {
		return nil, fault.Input("must be another tenant than the one promoted", "to")
	}
	var address string
	if in.Body.TestEmail != "" {
		if address, err = parseAddress(in.Body.TestEmail, "testEmail"); err != nil {
			return nil, err
		}
	}
	plan, err := s.Configurations.PlanPromotion(ctx, from.ID, to.ID)
	if err == nil {
		err = plan.Expect(in.Body.Fingerprint)
	}
	if err == nil && address != "" && !in.Body.DryRun {
		err = s.tryPlan(ctx, plan, address)
	}
	if err != nil {
		return nil, err
	}
	return s.apply(ctx, plan, in.Body.DryRun)
}

// apply makes a planned change, or only tells what it is.
func (s *server) apply(ctx context.Context, plan *configuration.Plan, dryRun bool) (*changesOutput, error) {
	if !dryRun {
		if err := s.Configurations.Apply(ctx, plan, callOf(ctx).key.ID); err != nil {
			return nil, err
		}
	}
	return &changesOutput{Body: changesJSON{Changes: plan.Changes, Fingerprint: plan.Fingerprint, Applied: !dryRun}}, nil
}

// tryPlan sends a test mail through the connector that a plan brings.
func (s *server) tryPlan(ctx context.Context, plan *configuration.Plan, address string) error {
	c := callOf(ctx)
	factoryID, settings, ok := plan.Connector()
	if !ok {
		return fault.Input("there is no connector to send a test mail through", "testEmail")
	}
	request, err := s.testRequest(&testInput{FactoryID: factoryID, Body: testJSON{Email: address}})
	if err != nil {
		return err
	}
	request.TenantID = plan.TenantID
	if err := s.speak(ctx, request.TenantID, request.Payload, "", ""); err != nil {
		return err
	}
	via, err := s.Router.OpenForTest(ctx, plan.TenantID, factoryID, settings)
	if err != nil {
		return err
	}
	defer s.closeTested(c, via)
	return s.sendTest(ctx, c, request, via)
}
