package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/tenants"
)

type tenantJSON struct {
	ID        string `json:"id" example:"dev"`
	Name      string `json:"name" example:"Development"`
	CreatedAt int64  `json:"createdAt" example:"1767225600000" doc:"Milliseconds since 1970."`
}

func tenantOf(t tenants.Tenant) tenantJSON {
	return tenantJSON{ID: t.ID, Name: t.Name, CreatedAt: t.CreatedAt.UnixMilli()}
}

type newTenantInput struct {
	Body newTenantJSON
}

type newTenantJSON struct {
	ID   string `json:"id,omitempty" maxLength:"64" example:"dev" doc:"1 to 64 lower-case letters, digits and hyphens; a random one unless given."`
	Name string `json:"name" minLength:"1" maxLength:"128" example:"Development"`
}

type tenantOutput struct {
	Body tenantJSON
}

type tenantsOutput struct {
	PageOutput
	Body []tenantJSON
}

func (s *server) mountTenants() {
	register(s, operation{
		id: "listTenants", method: http.MethodGet, path: "/api/tenants", tag: tagTenants,
		scope: access.Management, summary: "List tenants by id",
		description: "A key of another tenant than `default` sees its own alone.", failures: pageFailures(),
	}, s.listTenants)
	register(s, operation{
		id: "createTenant", method: http.MethodPost, path: "/api/tenants", tag: tagTenants,
		scope: access.Management, status: http.StatusCreated, summary: "Make a tenant",
		description: "It keeps its mails in the built-in inbox and has default settings. Make a key for it with " +
			"POST /api/api-keys and `tenantId`.",
		failures: map[int]string{
			http.StatusForbidden:           "`auth.forbidden`: a key of the tenant `default` is needed",
			http.StatusUnprocessableEntity: "`entity.unique_integrity_violation`: the id is taken",
		},
	}, s.createTenant)
}

// administers reports whether a key's tenant administers the installation:
// see docs/adr/0014.
func administers(k access.Key) bool { return k.TenantID == tenants.Default }

func errNotAdministrator() error {
	return fault.New(fault.Forbidden, "auth.forbidden",
		"Only a management key of the tenant %q may do this.", tenants.Default)
}

// tenant returns a tenant that the caller may see. Others are not found, so
// that nobody learns which ones there are.
func (s *server) tenant(ctx context.Context, id string) (tenants.Tenant, error) {
	if k := callOf(ctx).key; id != k.TenantID && !administers(k) {
		return tenants.Tenant{}, tenants.NotFound(id)
	}
	return tenants.Get(ctx, s.Tenants, id)
}

// tenantOrOwn returns the id of a tenant that the caller may see: its own
// unless another one is asked for.
func (s *server) tenantOrOwn(ctx context.Context, asked string) (string, error) {
	if asked == "" {
		return callOf(ctx).key.TenantID, nil
	}
	t, err := s.tenant(ctx, asked)
	return t.ID, err
}

func (s *server) listTenants(ctx context.Context, in *PageInput) (*tenantsOutput, error) {
	c := callOf(ctx)
	var list []tenants.Tenant
	var err error
	if administers(c.key) {
		list, err = s.Tenants.ListTenants(ctx)
	} else {
		list = make([]tenants.Tenant, 1)
		list[0], err = s.tenant(ctx, c.key.TenantID)
	}
	if err != nil {
		return nil, err
	}
	out := &tenantsOutput{PageOutput: in.output(c.r.URL, len(list)), Body: []tenantJSON{}}
	for _, t := range cut(*in, list) {
		out.Body = append(out.Body, tenantOf(t))
	}
	return out, nil
}

func (s *server) createTenant(ctx context.Context, in *newTenantInput) (*tenantOutput, error) {
	if !administers(callOf(ctx).key) {
		return nil, errNotAdministrator()
	}
	if err := checkText(in.Body.Name, "name"); err != nil {
		return nil, err
	}
	t, err := s.Configurations.CreateTenant(ctx, in.Body.ID, in.Body.Name)
	return &tenantOutput{Body: tenantOf(t)}, err
}
