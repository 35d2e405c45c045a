package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/directory"
)

type memberJSON struct {
	UserFields
	OrganizationRoles []directory.RoleName `json:"organizationRoles" doc:"By name."`
}

type memberListInput struct {
	IDInput
	PageInput
	SearchInput
}

type addMembersInput struct {
	IDInput
	Body memberIDsJSON
}

type memberIDsJSON struct {
	UserIDs []string `json:"userIds" minItems:"1" maxItems:"200"`
}

type memberIDsOutput struct {
	Body memberIDsJSON
}

// MemberInput names a member of an organization.
type MemberInput struct {
	ID     string `path:"id" doc:"Of the organization."`
	UserID string `path:"userId"`
}

type memberRoleInput struct {
	MemberInput
	RoleID string `path:"organizationRoleId"`
}

type memberRoleListInput struct {
	MemberInput
	PageInput
}

type memberRolesInput struct {
	MemberInput
	Body roleIDsJSON
}

type roleIDsJSON struct {
	OrganizationRoleIDs []string `json:"organizationRoleIds" maxItems:"200"`
}

type roleIDsOutput struct {
	Body roleIDsJSON
}

const noRelation = "`entity.relation_foreign_key_not_found`: there is no "

// memberFailures documents what changes of a member's roles refuse.
func memberFailures() map[int]string {
	return map[int]string{
		http.StatusNotFound: "`entity.not_found`: no such organization",
		http.StatusUnprocessableEntity: "`organization.require_membership`: the user is no member; " +
			noRelation + "role with one of the ids",
	}
}

func (s *server) mountOrganizationUsers() {
	const members, roles = "/api/organizations/{id}/users", "/api/organizations/{id}/users/{userId}/roles"
	lists := pageFailures()
	lists[http.StatusNotFound] = "`entity.not_found`: no such organization"
	register(s, operation{
		id: "listOrganizationUsers", method: http.MethodGet, path: members, tag: tagOrganizations,
		scope: access.Management, summary: "List the members of an organization, those who came last first",
		description: searchWords("id, username, primaryEmail, primaryPhone and name"),
		failures:    lists,
	}, s.listMembers)
	register(s, operation{
		id: "addOrganizationUsers", method: http.MethodPost, path: members, tag: tagOrganizations,
		scope: access.Management, status: http.StatusCreated, summary: "Add users to an organization",
		description: "All or none. Those who belong to it already stay as they are.",
		failures: map[int]string{
			http.StatusNotFound:            "`entity.not_found`: no such organization",
			http.StatusUnprocessableEntity: noRelation + "user with one of the ids",
		},
	}, func(ctx context.Context, in *addMembersInput) (*memberIDsOutput, error) {
		err := s.Directory.AddMembers(ctx, callOf(ctx).key.TenantID, in.ID, in.Body.UserIDs)
		return &memberIDsOutput{in.Body}, err
	})
	register(s, operation{
		id: "removeOrganizationUser", method: http.MethodDelete, path: members + "/{userId}", tag: tagOrganizations,
		scope: access.Management, summary: "Remove a user from an organization",
		failures: map[int]string{http.StatusNotFound: "`entity.not_found`: no such organization, or no such member"},
	}, func(ctx context.Context, in *MemberInput) (*struct{}, error) {
		return nil, s.Directory.RemoveMember(ctx, callOf(ctx).key.TenantID, in.ID, in.UserID)
	})
	s.mountMemberRoles(roles)
}

func (s *server) mountMemberRoles(path string) {
	lists := memberFailures()
	lists[http.StatusBadRequest] = pageFailures()[http.StatusBadRequest]
	lists[http.StatusUnprocessableEntity] = "`organization.require_membership`: the user is no member"
	register(s, operation{
		id: "listOrganizationUserRoles", method: http.MethodGet, path: path, tag: tagOrganizations,
		scope: access.Management, summary: "List a member's roles by name", failures: lists,
	}, s.listMemberRoles)
	register(s, operation{
		id: "addOrganizationUserRoles", method: http.MethodPost, path: path, tag: tagOrganizations,
		scope: access.Management, status: http.StatusCreated, summary: "Give a member further roles",
		description: "All or none. Those it has already stay.", failures: memberFailures(),
	}, func(ctx context.Context, in *memberRolesInput) (*roleIDsOutput, error) {
		err := s.Directory.AddMemberRoles(ctx, callOf(ctx).key.TenantID, in.ID, in.UserID, in.Body.OrganizationRoleIDs)
		return &roleIDsOutput{in.Body}, err
	})
	register(s, operation{
		id: "setOrganizationUserRoles", method: http.MethodPut, path: path, tag: tagOrganizations,
		scope: access.Management, status: http.StatusNoContent, summary: "Give a member roles in the place of those it has",
		description: "All or none; an empty list takes all.", failures: memberFailures(),
	}, func(ctx context.Context, in *memberRolesInput) (*struct{}, error) {
		return nil, s.Directory.SetMemberRoles(ctx, callOf(ctx).key.TenantID, in.ID, in.UserID, in.Body.OrganizationRoleIDs)
	})
	register(s, operation{
		id: "removeOrganizationUserRole", method: http.MethodDelete, path: path + "/{organizationRoleId}", tag: tagOrganizations,
		scope: access.Management, summary: "Take a role from a member",
		failures: map[int]string{
			http.StatusNotFound:            "`entity.not_found`: no such organization, or the member does not have the role",
			http.StatusUnprocessableEntity: "`organization.require_membership`: the user is no member",
		},
	}, func(ctx context.Context, in *memberRoleInput) (*struct{}, error) {
		return nil, s.Directory.RemoveMemberRole(ctx, callOf(ctx).key.TenantID, in.ID, in.UserID, in.RoleID)
	})
}

func (s *server) listMembers(ctx context.Context, in *memberListInput) (*thingsOutput[memberJSON], error) {
	c := callOf(ctx)
	f, err := in.filter(in.PageInput)
	if err != nil {
		return nil, err
	}
	list, total, err := s.Directory.Members(ctx, c.key.TenantID, in.ID, f)
	if err != nil {
		return nil, err
	}
	out := &thingsOutput[memberJSON]{PageOutput: in.output(c.r.URL, total), Body: make([]memberJSON, len(list))}
	for i, m := range list {
		out.Body[i] = memberJSON{UserFields: UserFields{User: m.User}, OrganizationRoles: m.Roles}
	}
	return out, nil
}

func (s *server) listMemberRoles(ctx context.Context, in *memberRoleListInput) (*thingsOutput[organizationRoleJSON], error) {
	c := callOf(ctx)
	list, err := s.Directory.MemberRoles(ctx, c.key.TenantID, in.ID, in.UserID)
	if err != nil {
		return nil, err
	}
	out := &thingsOutput[organizationRoleJSON]{PageOutput: in.output(c.r.URL, len(list)), Body: []organizationRoleJSON{}}
	for _, r := range cut(in.PageInput, list) {
		out.Body = append(out.Body, organizationRoleJSON{r})
	}
	return out, nil
}
