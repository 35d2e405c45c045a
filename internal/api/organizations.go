package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/directory"
)

type organizationJSON struct {
	directory.Organization
	IsMfaRequired bool `json:"isMfaRequired" doc:"Always false."`
}

// OrganizationFields are what a new organization may have and a change may
// touch.
type OrganizationFields struct {
	Description optional[directory.Text]    `json:"description,omitzero" maxLength:"256" example:"Makers of everything."`
	CustomData  objectJSON                  `json:"customData,omitzero"`
	Branding    optional[branding.Branding] `json:"branding,omitzero"`
}

func (f OrganizationFields) lay(o *directory.Organization) {
	f.Description.lay(&o.Description)
	f.CustomData.lay(&o.CustomData)
	f.Branding.lay(&o.Branding)
}

type newOrganizationJSON struct {
	Name string `json:"name" minLength:"1" maxLength:"128" example:"Acme"`
	OrganizationFields
}

type changedOrganizationJSON struct {
	Name optional[string] `json:"name,omitzero" minLength:"1" maxLength:"128" example:"Acme"`
	OrganizationFields
}

type newOrganizationInput struct {
	Body newOrganizationJSON
}

type changeOrganizationInput struct {
	IDInput
	IfMatchInput
	Body changedOrganizationJSON
}

func (s *server) mountOrganizations() {
	r := resource[directory.Organization, organizationJSON]{
		s: s, from: func(d *directory.Service) directory.Collection[directory.Organization] { return d.Organizations },
		head: func(o directory.Organization) directory.Head { return o.Head },
		show: func(o directory.Organization) organizationJSON { return organizationJSON{Organization: o} },
	}
	register(s, operation{
		id: "listOrganizations", method: http.MethodGet, path: "/api/organizations", tag: tagOrganizations,
		scope: access.Management, summary: "List organizations, newest first",
		description: searchWords("id, name and description"),
		failures:    pageFailures(),
	}, r.list)
	register(s, operation{
		id: "createOrganization", method: http.MethodPost, path: "/api/organizations", tag: tagOrganizations,
		scope: access.Management, status: http.StatusCreated, summary: "Add an organization",
	}, func(ctx context.Context, in *newOrganizationInput) (*thingOutput[organizationJSON], error) {
		o := directory.Organization{Name: in.Body.Name}
		in.Body.lay(&o)
		return r.create(ctx, o)
	})
	register(s, operation{
		id: "getOrganization", method: http.MethodGet, path: "/api/organizations/{id}", tag: tagOrganizations,
		scope: access.Management, summary: "Get an organization", failures: noThing("organization"),
	}, r.get)
	register(s, operation{
		id: "updateOrganization", method: http.MethodPatch, path: "/api/organizations/{id}", tag: tagOrganizations,
		scope: access.Management, summary: "Change an organization",
		description: "Fields that are not given stay as they are; null empties one. branding and customData are each replaced as a whole.",
		failures:    changeFailures("organization"),
	}, func(ctx context.Context, in *changeOrganizationInput) (*thingOutput[organizationJSON], error) {
		return r.output(r.change(ctx, in.ID, in.IfMatch, func(o *directory.Organization) {
			in.Body.Name.lay(&o.Name)
			in.Body.lay(o)
		}))
	})
	register(s, operation{
		id: "deleteOrganization", method: http.MethodDelete, path: "/api/organizations/{id}", tag: tagOrganizations,
		scope: access.Management, summary: "Delete an organization",
		description: "With its memberships and invitations.", failures: changeFailures("organization"),
	}, r.delete)
}
