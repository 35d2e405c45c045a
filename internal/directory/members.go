package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/fault"
)

// RoleName is a role as lists of members show it.
type RoleName struct {
	ID   string `json:"id"`
	Name string `json:"name" example:"editor"`
}

// Member is a user who belongs to an organization.
type Member struct {
	User
	Roles []RoleName `json:"organizationRoles"` // by name
}

// MaxAtOnce is how many members, or roles, one call takes.
const MaxAtOnce = 200

// Members keeps who belongs to which organization, as what.
type Members interface {
	// ListMembers returns an organization's members, those who came last
	// first, and how many match in all.
	ListMembers(ctx context.Context, tenantID, organizationID string, f Filter) (list []Member, total int, err error)
	// MemberRoles returns a member's roles by name; ok is false when the user
	// is no member.
	MemberRoles(ctx context.Context, tenantID, organizationID, userID string) (roles []Role, ok bool, err error)
	// AddMembers adds users who are no members yet, all or none. It returns
	// ErrMeanwhile when one is, and a *MissingError for an organization or a
	// user that is not there.
	AddMembers(ctx context.Context, tenantID, organizationID string, userIDs []string, at time.Time) error
	// SetMemberRoles gives a member roles in the place of those it had. It
	// returns ErrMeanwhile when these were not its roles, or it is no member,
	// and a *MissingError for a role that is not there. Ids are sorted.
	SetMemberRoles(ctx context.Context, m Membership, roleIDs []string) error
	// RemoveMember ends a membership. It returns ErrMeanwhile when it was not
	// as given.
	RemoveMember(ctx context.Context, m Membership) error
}

// Membership is what a user is in an organization.
type Membership struct {
	TenantID       string   `json:"-"`
	OrganizationID string   `json:"organizationId"`
	UserID         string   `json:"userId"`
	RoleIDs        []string `json:"organizationRoleIds"` // sorted
}

// tell adds a change of a membership to ctx. Its subject is the organization,
// since a membership has no id of its own.
func (s *Service) tell(ctx context.Context, done string, m Membership, before, after any) (context.Context, error) {
	return audit.Tell(ctx, s.now(), audit.Change{
		TenantID: m.TenantID, Action: audit.Action(string(MemberKind) + "." + done), Subject: m.OrganizationID,
		Before: before, After: after,
	})
}

// Members returns an organization's members, those who came last first, and
// how many match in all.
func (s *Service) Members(ctx context.Context, tenantID, organizationID string, f Filter) ([]Member, int, error) {
	if _, err := s.Organizations.Get(ctx, tenantID, organizationID); err != nil {
		return nil, 0, err
	}
	list, total, err := s.store.ListMembers(ctx, tenantID, organizationID, f)
	if err != nil {
		return nil, 0, fmt.Errorf("list members: %w", err)
	}
	return list, total, nil
}

// AddMembers adds users to an organization, all or none. Those who belong to
// it already are passed over.
func (s *Service) AddMembers(ctx context.Context, tenantID, organizationID string, userIDs []string) error {
	if len(userIDs) == 0 || len(userIDs) > MaxAtOnce {
		return fault.Input(fmt.Sprintf("must hold 1 to %d ids", MaxAtOnce), "userIds")
	}
	if err := possibleIDs(UserKind, "userIds", userIDs); err != nil {
		return err
	}
	if _, err := s.Organizations.Get(ctx, tenantID, organizationID); err != nil {
		return err
	}
	ids := slices.Compact(slices.Sorted(slices.Values(userIDs)))
	for {
		fresh, told := make([]string, 0, len(ids)), ctx
		for _, id := range ids {
			_, there, err := s.store.MemberRoles(ctx, tenantID, organizationID, id)
			if err != nil {
				return fmt.Errorf("read member: %w", err)
			}
			if there {
				continue
			}
			fresh = append(fresh, id)
			m := Membership{TenantID: tenantID, OrganizationID: organizationID, UserID: id, RoleIDs: []string{}}
			if told, err = s.tell(told, "added", m, nil, m); err != nil {
				return err
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		err := s.store.AddMembers(told, tenantID, organizationID, fresh, s.now())
		if !errors.Is(err, ErrMeanwhile) {
			return refuseMissing(err, "userIds", userIDs)
		}
	}
}

// refuseMissing turns an id that is not there into a fault: one of the path is
// not found, one of the body's list under key is refused with its place.
func refuseMissing(err error, key string, ids []string) error {
	missing, ok := errors.AsType[*MissingError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return fmt.Errorf("store members: %w", err)
	case missing.Kind == OrganizationKind:
		return notFound(OrganizationKind)
	}
	f := fault.New(fault.Unprocessable, "entity.relation_foreign_key_not_found", "There is no %s with this id.", missing.Kind.words())
	f.Issues = []fault.Issue{{
		Path: []any{key, slices.Index(ids, missing.ID)}, Code: "invalid_value", Message: "is no id of a " + missing.Kind.words(),
	}}
	return f
}

// possibleIDs refuses ids that can be nobody's.
func possibleIDs(k Kind, key string, ids []string) error {
	for _, id := range ids {
		if !possibleID(id) {
			return refuseMissing(&MissingError{k, id}, key, ids)
		}
	}
	return nil
}

// membership returns what a user is in an organization, or a fault:
// entity.not_found for no such organization, otherwise noMember.
func (s *Service) membership(
	ctx context.Context, tenantID, organizationID, userID string, noMember error,
) (Membership, []Role, error) {
	m := Membership{TenantID: tenantID, OrganizationID: organizationID, UserID: userID, RoleIDs: []string{}}
	if _, err := s.Organizations.Get(ctx, tenantID, organizationID); err != nil {
		return m, nil, err
	}
	if !possibleID(userID) {
		return m, nil, noMember
	}
	roles, ok, err := s.store.MemberRoles(ctx, tenantID, organizationID, userID)
	switch {
	case err != nil:
		return m, nil, fmt.Errorf("read member: %w", err)
	case !ok:
		return m, nil, noMember
	}
	for _, r := range roles {
		m.RoleIDs = append(m.RoleIDs, r.ID)
	}
	slices.Sort(m.RoleIDs)
	return m, roles, nil
}

// RemoveMember ends a membership, or returns the fault entity.not_found.
func (s *Service) RemoveMember(ctx context.Context, tenantID, organizationID, userID string) error {
	for {
		m, _, err := s.membership(ctx, tenantID, organizationID, userID, notFound(MemberKind))
		if err != nil {
			return err
		}
		told, err := s.tell(ctx, "removed", m, m, nil)
		if err != nil {
			return err
		}
		if err := s.store.RemoveMember(told, m); !errors.Is(err, ErrMeanwhile) {
			return refuseMissing(err, "", nil)
		}
	}
}

// MemberRoles returns a member's roles by name, or the fault
// organization.require_membership.
func (s *Service) MemberRoles(ctx context.Context, tenantID, organizationID, userID string) ([]Role, error) {
	_, roles, err := s.membership(ctx, tenantID, organizationID, userID, notMember())
	return roles, err
}

func notMember() error {
	return fault.New(fault.Unprocessable, "organization.require_membership", "The user must be a member of the organization.")
}

// AddMemberRoles gives a member further roles; those it has are passed over.
func (s *Service) AddMemberRoles(ctx context.Context, tenantID, organizationID, userID string, roleIDs []string) error {
	return s.changeRoles(ctx, tenantID, organizationID, userID, roleIDs, func(has []string) ([]string, error) {
		return slices.Concat(has, roleIDs), nil
	})
}

// SetMemberRoles gives a member roles in the place of those it has.
func (s *Service) SetMemberRoles(ctx context.Context, tenantID, organizationID, userID string, roleIDs []string) error {
	return s.changeRoles(ctx, tenantID, organizationID, userID, roleIDs, func([]string) ([]string, error) {
		return roleIDs, nil
	})
}

// RemoveMemberRole takes a role from a member, or returns the fault
// entity.not_found.
func (s *Service) RemoveMemberRole(ctx context.Context, tenantID, organizationID, userID, roleID string) error {
	return s.changeRoles(ctx, tenantID, organizationID, userID, nil, func(has []string) ([]string, error) {
		left := slices.DeleteFunc(slices.Clone(has), func(id string) bool { return id == roleID })
		if len(left) == len(has) {
			return nil, fault.New(fault.NotFound, "entity.not_found", "The member does not have this role.")
		}
		return left, nil
	})
}

// changeRoles stores what change makes of a member's roles. given are those of
// the request.
func (s *Service) changeRoles(
	ctx context.Context, tenantID, organizationID, userID string, given []string, change func(has []string) ([]string, error),
) error {
	if len(given) > MaxAtOnce {
		return fault.Input(fmt.Sprintf("must hold at most %d ids", MaxAtOnce), "organizationRoleIds")
	}
	if err := possibleIDs(RoleKind, "organizationRoleIds", given); err != nil {
		return err
	}
	for {
		m, _, err := s.membership(ctx, tenantID, organizationID, userID, notMember())
		if err != nil {
			return err
		}
		changed, err := change(m.RoleIDs)
		if err != nil {
			return err
		}
		after := m
		after.RoleIDs = append([]string{}, slices.Compact(slices.Sorted(slices.Values(changed)))...)
		if slices.Equal(m.RoleIDs, after.RoleIDs) {
			return nil
		}
		told, err := s.tell(ctx, "updated", m, m, after)
		if err != nil {
			return err
		}
		err = s.store.SetMemberRoles(told, m, after.RoleIDs)
		if !errors.Is(err, ErrMeanwhile) {
			return refuseMissing(err, "organizationRoleIds", given)
		}
	}
}
