package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern-mail/postern/internal/directory"
)

// ListMembers implements directory.Members.
func (s *Store) ListMembers(
	ctx context.Context, tenantID, organizationID string, f directory.Filter,
) ([]directory.Member, int, error) {
	from := ` FROM organization_members AS m JOIN users AS u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
		WHERE m.tenant_id = $1 AND m.organization_id = $2` + matching(f, "u.search", 3)
	args := []any{tenantID, organizationID}
	if f.Pattern != "" {
		args = append(args, f.Pattern)
	}
	var total int
	if _, err := one(ctx, s.db.reader(), []any{&total}, `SELECT count(*)`+from, args...); err != nil {
		return nil, 0, fmt.Errorf("count: %w", err)
	}
	window, args := page(f.Limit, f.Offset, args)
	window = ` ORDER BY m.created_at DESC, u.id` + window
	list, users := []directory.Member{}, s.users()
	err := all(ctx, s.db.reader(), func(r rows) error {
		u, err := users.scan(r)
		list = append(list, directory.Member{User: u, Roles: []directory.RoleName{}})
		return err
	}, `SELECT `+users.selected("u.")+from+window, args...)
	if err != nil {
		return nil, 0, err
	}
	roles := make(map[string][]directory.RoleName, len(list))
	err = all(ctx, s.db.reader(), func(r rows) error {
		var userID string
		var role directory.RoleName
		err := r.Scan(&userID, &role.ID, &role.Name)
		roles[userID] = append(roles[userID], role)
		return err
	}, `SELECT mr.user_id, r.id, r.name FROM organization_member_roles AS mr
		JOIN organization_roles AS r ON r.tenant_id = mr.tenant_id AND r.id = mr.role_id
		WHERE mr.tenant_id = $1 AND mr.organization_id = $2 AND mr.user_id IN (SELECT u.id`+from+window+`)
		ORDER BY r.name, r.id`, args...)
	for i := range list {
		list[i].Roles = append(list[i].Roles, roles[list[i].ID]...)
	}
	return list, total, err
}

// MemberRoles implements directory.Members.
func (s *Store) MemberRoles(
	ctx context.Context, tenantID, organizationID, userID string,
) (list []directory.Role, ok bool, err error) {
	var found int
	ok, err = one(ctx, s.db.reader(), []any{&found}, `SELECT 1 FROM organization_members
		WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3`, tenantID, organizationID, userID)
	if err != nil || !ok {
		return nil, false, err
	}
	list, roles := []directory.Role{}, s.roles()
	err = all(ctx, s.db.reader(), func(r rows) error {
		role, err := roles.scan(r)
		list = append(list, role)
		return err
	}, `SELECT `+roles.selected("r.")+` FROM organization_member_roles AS mr
		JOIN organization_roles AS r ON r.tenant_id = mr.tenant_id AND r.id = mr.role_id
		WHERE mr.tenant_id = $1 AND mr.organization_id = $2 AND mr.user_id = $3
		ORDER BY r.name, r.id`, tenantID, organizationID, userID)
	return list, err == nil, err
}

// AddMembers implements directory.Members.
func (s *Store) AddMembers(ctx context.Context, tenantID, organizationID string, userIDs []string, at time.Time) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		if err := s.holdThing(ctx, t, directory.OrganizationKind, tenantID, organizationID); err != nil {
			return err
		}
		for _, userID := range userIDs {
			added, err := s.addMember(ctx, t, tenantID, organizationID, userID, at)
			if err != nil {
				return err
			}
			if !added {
				return directory.ErrMeanwhile
			}
		}
		return nil
	})
}

// addMember makes a user a member of an organization that is held; added is
// false when it is one already.
func (s *Store) addMember(ctx context.Context, t tx, tenantID, organizationID, userID string, at time.Time) (added bool, err error) {
	if err := s.holdThing(ctx, t, directory.UserKind, tenantID, userID); err != nil {
		return false, err
	}
	n, err := t.exec(ctx, `INSERT INTO organization_members (tenant_id, organization_id, user_id, created_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, organization_id, user_id) DO NOTHING`,
		tenantID, organizationID, userID, millis(at))
	return n > 0, err
}

// addMemberRole gives a member a role, unless it has it.
func (s *Store) addMemberRole(ctx context.Context, t tx, tenantID, organizationID, userID, roleID string) error {
	if err := s.holdThing(ctx, t, directory.RoleKind, tenantID, roleID); err != nil {
		return err
	}
	_, err := t.exec(ctx, `INSERT INTO organization_member_roles (tenant_id, organization_id, user_id, role_id)
		VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, organization_id, user_id, role_id) DO NOTHING`,
		tenantID, organizationID, userID, roleID)
	return err
}

// holdThing keeps others from changing or deleting a thing until the
// transaction ends, or returns a *directory.MissingError.
func (s *Store) holdThing(ctx context.Context, t tx, k directory.Kind, tenantID, id string) error {
	table := map[directory.Kind]string{
		directory.ApplicationKind: "applications", directory.OrganizationKind: "organizations",
		directory.UserKind: "users", directory.RoleKind: "organization_roles",
	}[k]
	var found int
	ok, err := one(ctx, t, []any{&found}, `SELECT 1 FROM `+table+` WHERE tenant_id = $1 AND id = $2`+s.db.forUpdate(), tenantID, id)
	if err == nil && !ok {
		err = &directory.MissingError{Kind: k, ID: id}
	}
	return err
}

// holdMember keeps others from changing a membership until the transaction
// ends, or returns directory.ErrMeanwhile when it is not as given.
func (s *Store) holdMember(ctx context.Context, t tx, m directory.Membership) error {
	var found int
	ok, err := one(ctx, t, []any{&found}, `SELECT 1 FROM organization_members
		WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3`+s.db.forUpdate(), m.TenantID, m.OrganizationID, m.UserID)
	if err != nil {
		return err
	}
	has := []string{}
	err = all(ctx, t, func(r rows) error {
		var id string
		err := r.Scan(&id)
		has = append(has, id)
		return err
	}, `SELECT role_id FROM organization_member_roles
		WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3`, m.TenantID, m.OrganizationID, m.UserID)
	slices.Sort(has)
	if err == nil && (!ok || !slices.Equal(has, m.RoleIDs)) {
		err = directory.ErrMeanwhile
	}
	return err
}

// SetMemberRoles implements directory.Members.
func (s *Store) SetMemberRoles(ctx context.Context, m directory.Membership, roleIDs []string) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		if err := s.holdMember(ctx, t, m); err != nil {
			return err
		}
		for _, id := range roleIDs {
			if slices.Contains(m.RoleIDs, id) {
				continue
			}
			if err := s.addMemberRole(ctx, t, m.TenantID, m.OrganizationID, m.UserID, id); err != nil {
				return err
			}
		}
		for _, id := range m.RoleIDs {
			if slices.Contains(roleIDs, id) {
				continue
			}
			_, err := t.exec(ctx, `DELETE FROM organization_member_roles
				WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3 AND role_id = $4`,
				m.TenantID, m.OrganizationID, m.UserID, id)
			if err != nil {
				return fmt.Errorf("take role: %w", err)
			}
		}
		return nil
	})
}

// RemoveMember implements directory.Members.
func (s *Store) RemoveMember(ctx context.Context, m directory.Membership) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		if err := s.holdMember(ctx, t, m); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM organization_members
			WHERE tenant_id = $1 AND organization_id = $2 AND user_id = $3`, m.TenantID, m.OrganizationID, m.UserID)
		return err
	})
}
