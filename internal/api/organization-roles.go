package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/directory"
)

type organizationRoleJSON struct {
	directory.Role
}

type newOrganizationRoleJSON struct {
	Name        string                   `json:"name" minLength:"1" maxLength:"128" example:"editor"`
	Description optional[directory.Text] `json:"description,omitzero" maxLength:"256" example:"May write."`
	Type        directory.RoleType       `json:"type,omitempty" enum:"User,MachineToMachine" default:"User" doc:"Who can have the role."`
}

type changedOrganizationRoleJSON struct {
	Name        optional[string]             `json:"name,omitzero" minLength:"1" maxLength:"128" example:"editor"`
	Description optional[directory.Text]     `json:"description,omitzero" maxLength:"256" example:"May write."`
	Type        optional[directory.RoleType] `json:"type,omitzero" enum:"User,MachineToMachine"`
}

type newOrganizationRoleInput struct {
	Body newOrganizationRoleJSON
}

type changeOrganizationRoleInput struct {
	IDInput
	IfMatchInput
	Body changedOrganizationRoleJSON
}

// roleNameTaken documents the one refusal of its own that roles have.
const roleNameTaken = "`entity.unique_integrity_violation`: another role has the name"

func (s *server) mountOrganizationRoles() {
	r := resource[directory.Role, organizationRoleJSON]{
		s: s, from: func(d *directory.Service) directory.Collection[directory.Role] { return d.Roles },
		head: func(r directory.Role) directory.Head { return r.Head },
		show: func(r directory.Role) organizationRoleJSON { return organizationRoleJSON{r} },
	}
	register(s, operation{
		id: "listOrganizationRoles", method: http.MethodGet, path: "/api/organization-roles", tag: tagOrganizations,
		scope: access.Management, summary: "List organization roles, newest first",
		description: searchWords("id, name and description"),
		failures:    pageFailures(),
	}, r.list)
	register(s, operation{
		id: "createOrganizationRole", method: http.MethodPost, path: "/api/organization-roles", tag: tagOrganizations,
		scope: access.Management, status: http.StatusCreated, summary: "Add an organization role",
		description: "All organizations of the tenant have the same roles to give.",
		failures:    map[int]string{http.StatusUnprocessableEntity: roleNameTaken},
	}, func(ctx context.Context, in *newOrganizationRoleInput) (*thingOutput[organizationRoleJSON], error) {
		role := directory.Role{Name: in.Body.Name, Type: in.Body.Type}
		if role.Type == "" {
			role.Type = directory.RoleOfUsers
		}
		in.Body.Description.lay(&role.Description)
		return r.create(ctx, role)
	})
	register(s, operation{
		id: "getOrganizationRole", method: http.MethodGet, path: "/api/organization-roles/{id}", tag: tagOrganizations,
		scope: access.Management, summary: "Get an organization role", failures: noThing("role"),
	}, r.get)
	register(s, operation{
		id: "updateOrganizationRole", method: http.MethodPatch, path: "/api/organization-roles/{id}", tag: tagOrganizations,
		scope: access.Management, summary: "Change an organization role",
		description: "Fields that are not given stay as they are; null empties a description.",
		failures:    changeFailures("role", roleNameTaken),
	}, func(ctx context.Context, in *changeOrganizationRoleInput) (*thingOutput[organizationRoleJSON], error) {
		return r.output(r.change(ctx, in.ID, in.IfMatch, func(role *directory.Role) {
			in.Body.Name.lay(&role.Name)
			in.Body.Description.lay(&role.Description)
			in.Body.Type.lay(&role.Type)
		}))
	})
	register(s, operation{
		id: "deleteOrganizationRole", method: http.MethodDelete, path: "/api/organization-roles/{id}", tag: tagOrganizations,
		scope: access.Management, summary: "Delete an organization role",
		description: "Members and invitations that have it lose it.", failures: changeFailures("role"),
	}, r.delete)
}
