package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/tenants"
)

// cast are members with their roles, as name:role+role.
func cast(list []directory.Member) string {
	names := make([]string, len(list))
	for i, m := range list {
		roles := make([]string, len(m.Roles))
		for n, r := range m.Roles {
			roles[n] = r.Name
		}
		names[i] = string(m.Username) + ":" + strings.Join(roles, "+")
	}
	return strings.Join(names, " ")
}

func testMembers(t *testing.T, db Database) {
	s := open(t, db)
	d := catalog(s)
	ctx := t.Context()
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	acme, other := newOrganization(t, d, "Acme"), newOrganization(t, d, "Other")
	ann, bob := newUser(t, d, directory.User{Username: "ann"}), newUser(t, d, directory.User{Username: "bob"})
	eve := newUser(t, d, directory.User{Username: "eve"})
	editor, viewer := newRole(t, d, "editor"), newRole(t, d, "viewer")
	stranger, err := d.Users.Create(ctx, "t2", directory.User{Username: "stranger"})
	must(t, err)
	are := func(what, want string, f directory.Filter) {
		t.Helper()
		list, _, err := d.Members(ctx, tenant, acme.ID, f)
		must(t, err)
		equal(t, what, cast(list), want)
	}

	must(t, d.AddMembers(ctx, tenant, acme.ID, []string{ann.ID, ann.ID}))
	late := directory.NewService(s, func() time.Time { return start.Add(time.Second) })
	must(t, late.AddMembers(ctx, tenant, acme.ID, []string{bob.ID, ann.ID})) // ann is one already
	must(t, d.AddMembers(ctx, tenant, other.ID, []string{eve.ID}))
	are("members", "bob: ann:", directory.Filter{})
	for what, ids := range map[string][]string{
		"an unknown user": {eve.ID, "nobody"}, "another tenant's user": {eve.ID, stranger.ID}, "what is no id": {eve.ID, "a\x00b"},
	} {
		err := d.AddMembers(ctx, tenant, acme.ID, ids)
		wants(t, what, err, "entity.relation_foreign_key_not_found")
		if f, ok := errors.AsType[*fault.Fault](err); !ok || !reflect.DeepEqual(f.Issues[0].Path, []any{"userIds", 1}) {
			t.Errorf("%s: issues %+v", what, f)
		}
	}
	are("members after refusals", "bob: ann:", directory.Filter{})
	wants(t, "nobody", d.AddMembers(ctx, tenant, acme.ID, nil), "guard.invalid_input")
	wants(t, "too many", d.AddMembers(ctx, tenant, acme.ID, make([]string, directory.MaxAtOnce+1)), "guard.invalid_input")
	wants(t, "no organization", d.AddMembers(ctx, tenant, "nothing", []string{eve.ID}), "entity.not_found")
	wants(t, "another tenant's organization", d.AddMembers(ctx, "t2", acme.ID, []string{stranger.ID}), "entity.not_found")

	must(t, d.SetMemberRoles(ctx, tenant, acme.ID, ann.ID, []string{viewer.ID, editor.ID, viewer.ID}))
	must(t, d.AddMemberRoles(ctx, tenant, acme.ID, bob.ID, []string{viewer.ID}))
	must(t, d.AddMemberRoles(ctx, tenant, acme.ID, bob.ID, []string{viewer.ID}))
	are("members with roles", "bob:viewer ann:editor+viewer", directory.Filter{})
	are("one page", "ann:editor+viewer", directory.Filter{Limit: 1, Offset: 1})
	are("found", "bob:viewer", directory.Filter{Pattern: directory.Pattern("B%")})
	roles, err := d.MemberRoles(ctx, tenant, acme.ID, ann.ID)
	must(t, err)
	if len(roles) != 2 || !reflect.DeepEqual(roles[0], editor) {
		t.Errorf("roles %+v", roles)
	}
	must(t, d.RemoveMemberRole(ctx, tenant, acme.ID, ann.ID, viewer.ID))
	wants(t, "a role it has not", d.RemoveMemberRole(ctx, tenant, acme.ID, ann.ID, viewer.ID), "entity.not_found")
	wants(t, "an unknown role", d.AddMemberRoles(ctx, tenant, acme.ID, ann.ID, []string{viewer.ID, "nothing"}), "entity.relation_foreign_key_not_found")
	are("roles all or none", "bob:viewer ann:editor", directory.Filter{})
	for _, id := range []string{eve.ID, "nobody", "a\x00b"} {
		wants(t, "roles of no member", d.SetMemberRoles(ctx, tenant, acme.ID, id, nil), "organization.require_membership")
		wants(t, "removing no member", d.RemoveMember(ctx, tenant, acme.ID, id), "entity.not_found")
	}
	wants(t, "in no organization", d.SetMemberRoles(ctx, tenant, "nothing", ann.ID, nil), "entity.not_found")
	wants(t, "by another tenant", d.RemoveMember(ctx, "t2", acme.ID, ann.ID), "entity.not_found")

	var actions []string
	entries, _, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: 100})
	must(t, err)
	for _, e := range entries {
		if strings.HasPrefix(string(e.Action), "organizationMember.") {
			actions = append(actions, string(e.Action)[len("organizationMember."):])
		}
	}
	equal(t, "what was told, newest first", strings.Join(actions, " "), "updated updated updated added added added")

	must(t, d.Roles.Delete(ctx, tenant, viewer.ID, func(directory.Role) error { return nil }))
	are("without the role", "bob: ann:editor", directory.Filter{})
	must(t, d.RemoveMember(ctx, tenant, acme.ID, bob.ID))
	must(t, d.Users.Delete(ctx, tenant, ann.ID, func(directory.User) error { return nil }))
	are("members at the end", "", directory.Filter{})
	must(t, d.AddMembers(ctx, tenant, acme.ID, []string{bob.ID}))
	must(t, d.Organizations.Delete(ctx, tenant, acme.ID, func(directory.Organization) error { return nil }))
	_, _, err = d.Members(ctx, tenant, acme.ID, directory.Filter{})
	wants(t, "members of a deleted organization", err, "entity.not_found")
	list, _, err := d.Members(ctx, tenant, other.ID, directory.Filter{})
	must(t, err)
	equal(t, "members of the other one", cast(list), "eve:")
}

// Whatever happens to a membership at once, each change is made from what
// there was, and none is an error of the database.
func testMembersRace(t *testing.T, db Database) {
	s := open(t, db)
	d := catalog(s)
	ctx := t.Context()
	acme := newOrganization(t, d, "Acme")
	ann := newUser(t, d, directory.User{Username: "ann"})
	const n = 8
	roles := make([]string, n)
	for i := range roles {
		roles[i] = newRole(t, d, fmt.Sprint("role ", i)).ID
	}
	for _, err := range inParallel(n, func(int) error { return d.AddMembers(ctx, tenant, acme.ID, []string{ann.ID}) }) {
		must(t, err)
	}
	for _, err := range inParallel(n, func(i int) error {
		return d.AddMemberRoles(ctx, tenant, acme.ID, ann.ID, []string{roles[i]})
	}) {
		must(t, err)
	}
	has, err := d.MemberRoles(ctx, tenant, acme.ID, ann.ID)
	must(t, err)
	equal(t, "roles given at once", len(has), n)
	for _, err := range inParallel(n, func(i int) error {
		var err error
		switch i % 4 {
		case 0:
			err = d.Users.Delete(ctx, tenant, ann.ID, func(directory.User) error { return nil })
		case 1:
			err = d.AddMembers(ctx, tenant, acme.ID, []string{ann.ID})
		case 2:
			err = d.SetMemberRoles(ctx, tenant, acme.ID, ann.ID, roles[:i])
		default:
			err = d.RemoveMember(ctx, tenant, acme.ID, ann.ID)
		}
		if f, ok := errors.AsType[*fault.Fault](err); ok && f.Kind != fault.Internal {
			return nil
		}
		return err
	}) {
		must(t, err)
	}
	list, _, err := d.Members(ctx, tenant, acme.ID, directory.Filter{})
	must(t, err)
	equal(t, "members after the user was deleted", len(list), 0)
}

func testVariables(t *testing.T, db Database) {
	s := open(t, db)
	d := catalog(s)
	ctx := t.Context()
	look := branding.Branding{LogoURL: "https://example.com/logo.png"}
	app, err := d.Applications.Create(ctx, tenant, directory.Application{
		Name: "Shop", Type: directory.SPA, Experience: directory.SignInExperience{DisplayName: "The Shop", Branding: look},
	})
	must(t, err)
	plain, err := d.Applications.Create(ctx, tenant, directory.Application{Name: "Plain", Type: directory.Native, Description: "not told"})
	must(t, err)
	acme := newOrganization(t, d, "Acme")
	ann := newUser(t, d, directory.User{
		Username: "ann", PrimaryEmail: "ann@example.com", Name: "Ann",
		Profile: directory.Profile{GivenName: "Ann", Address: directory.PostalAddress{Locality: "Berlin"}},
	})
	nameless := newUser(t, d, directory.User{})
	type m = map[string]any
	for name, c := range map[string]struct {
		ids  directory.IDs
		want m
	}{
		"nothing": {directory.IDs{}, m{}},
		"all": {
			directory.IDs{ApplicationID: app.ID, OrganizationID: acme.ID, UserID: ann.ID, InviterID: nameless.ID},
			m{
				"application":  m{"id": app.ID, "name": "Shop", "displayName": "The Shop", "branding": m{"logoUrl": look.LogoURL}},
				"organization": m{"id": acme.ID, "name": "Acme"},
				"user": m{
					"id": ann.ID, "name": "Ann", "username": "ann", "primaryEmail": "ann@example.com",
					"profile": m{"givenName": "Ann", "address": m{"locality": "Berlin"}},
				},
				"inviter": m{"id": nameless.ID},
			},
		},
		"the least":       {directory.IDs{ApplicationID: plain.ID}, m{"application": m{"id": plain.ID, "name": "Plain"}}},
		"what is not":     {directory.IDs{ApplicationID: "nothing", OrganizationID: ann.ID, UserID: "a\x00b", InviterID: ann.ID}, m{"inviter": m{}}},
		"what is no text": {directory.IDs{UserID: "\xff"}, m{}},
	} {
		got, err := d.Variables(ctx, tenant, c.ids)
		must(t, err)
		if name == "what is not" && len(got) == 1 && got["inviter"] != nil {
			continue
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	got, err := d.Variables(ctx, "t2", directory.IDs{ApplicationID: app.ID, OrganizationID: acme.ID, UserID: ann.ID, InviterID: ann.ID})
	must(t, err)
	equal(t, "variables of another tenant's things", len(got), 0)
}
