package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/invitations"
	"github.com/postern-mail/postern/internal/outbox"
)

const insertInvitation = `INSERT INTO organization_invitations (tenant_id, id, organization_id, inviter_id, invitee, invitee_key,
	accepted_user_id, status, message, reminders, next_reminder_at, created_at, updated_at, expires_at)
	VALUES ($1, $2, $3, NULLIF($4, ''), $5, $6, NULLIF($7, ''), $8, $9, $10, $11, $12, $13, $14)`

// invitationRow scans one role of an invitation, or an invitation without any.
type invitationRow struct {
	r                               invitations.Record
	reminders                       string
	next, created, updated, expires int64
	role                            directory.RoleName
}

func (row *invitationRow) scan(r rows) error {
	i := &row.r
	err := r.Scan(&i.TenantID, &i.ID, &i.OrganizationID, &i.InviterID, &i.Invitee, &i.AcceptedUserID, &i.Status, &i.Variables,
		&row.reminders, &row.next, &row.created, &row.updated, &row.expires, &row.role.ID, &row.role.Name)
	if err != nil {
		return err
	}
	i.NextReminderAt, i.CreatedAt = fromMillis(row.next), fromMillis(row.created)
	i.UpdatedAt, i.ExpiresAt = fromMillis(row.updated), fromMillis(row.expires)
	return json.Unmarshal([]byte(row.reminders), &i.Reminders)
}

// selectInvitations reads the invitations that a query chooses, newest first,
// each with its roles.
func selectInvitations(ctx context.Context, q querier, which string, args ...any) ([]invitations.Record, error) {
	list := []invitations.Record{}
	err := all(ctx, q, func(r rows) error {
		var row invitationRow
		if err := row.scan(r); err != nil {
			return err
		}
		if n := len(list); n == 0 || list[n-1].ID != row.r.ID || list[n-1].TenantID != row.r.TenantID {
			list = append(list, row.r)
		}
		if last := &list[len(list)-1]; row.role.ID != "" {
			last.Roles = append(last.Roles, row.role)
		}
		return nil
	}, `SELECT i.tenant_id, i.id, i.organization_id, COALESCE(i.inviter_id, ''), i.invitee, COALESCE(i.accepted_user_id, ''), i.status,
			i.message, i.reminders, i.next_reminder_at, i.created_at, i.updated_at, i.expires_at, COALESCE(o.id, ''), COALESCE(o.name, '')
		FROM (SELECT * FROM organization_invitations WHERE `+which+`) AS i
		LEFT JOIN organization_invitation_roles AS r ON r.tenant_id = i.tenant_id AND r.invitation_id = i.id
		LEFT JOIN organization_roles AS o ON o.tenant_id = r.tenant_id AND o.id = r.role_id
		ORDER BY i.id DESC, i.tenant_id, o.name, o.id`, args...)
	return list, err
}

// InvitationRoles implements invitations.Store.
func (s *Store) InvitationRoles(ctx context.Context, tenantID string, ids []string) ([]directory.RoleName, error) {
	args := []any{tenantID}
	for _, id := range ids {
		args = append(args, id)
	}
	var list []directory.RoleName
	err := all(ctx, s.db.reader(), func(r rows) error {
		var role directory.RoleName
		err := r.Scan(&role.ID, &role.Name)
		list = append(list, role)
		return err
	}, `SELECT id, name FROM organization_roles WHERE tenant_id = $1 AND id IN `+places(2, len(ids))+`
		ORDER BY name, id`, args...)
	return list, err
}

// InsertInvitation implements invitations.Store.
func (s *Store) InsertInvitation(ctx context.Context, r invitations.Record, mail *outbox.Message) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		if err := s.checkInvitation(ctx, t, r); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE organization_invitations SET status = $1, message = NULL, next_reminder_at = 0
			WHERE tenant_id = $2 AND organization_id = $3 AND invitee_key = $4 AND status = $5 AND expires_at <= $6`,
			string(invitations.Expired), r.TenantID, r.OrganizationID, address.Key(r.Invitee),
			string(invitations.Pending), millis(r.CreatedAt))
		if err != nil {
			return fmt.Errorf("expire invitation: %w", err)
		}
		if err := s.insertInvitation(ctx, t, r); err != nil {
			return err
		}
		return sendWith(ctx, t, mail)
	})
}

// checkInvitation looks for what an invitation speaks of, and keeps it there.
func (s *Store) checkInvitation(ctx context.Context, t tx, r invitations.Record) error {
	if err := s.holdThing(ctx, t, directory.OrganizationKind, r.TenantID, r.OrganizationID); err != nil {
		return err
	}
	if r.InviterID != "" {
		if err := s.holdThing(ctx, t, directory.UserKind, r.TenantID, r.InviterID); err != nil {
			return err
		}
	}
	for _, role := range r.Roles {
		if err := s.holdThing(ctx, t, directory.RoleKind, r.TenantID, role.ID); err != nil {
			return err
		}
	}
	var found int
	member, err := one(ctx, t, []any{&found}, `SELECT 1 FROM users AS u
		JOIN organization_members AS m ON m.tenant_id = u.tenant_id AND m.user_id = u.id
		WHERE u.tenant_id = $1 AND u.email_key = $2 AND m.organization_id = $3`,
		r.TenantID, address.Key(r.Invitee), r.OrganizationID)
	if err != nil {
		return fmt.Errorf("find member: %w", err)
	}
	if member {
		return invitations.ErrMember
	}
	return nil
}

func (s *Store) insertInvitation(ctx context.Context, t tx, r invitations.Record) error {
	reminders, err := json.Marshal(append([]int{}, r.Reminders...))
	if err != nil {
		return fmt.Errorf("encode reminders: %w", err)
	}
	_, err = t.exec(ctx, insertInvitation, r.TenantID, r.ID, r.OrganizationID, r.InviterID, r.Invitee, address.Key(r.Invitee),
		r.AcceptedUserID, string(r.Status), bytesOrNull(r.Variables), string(reminders), millis(r.NextReminderAt),
		millis(r.CreatedAt), millis(r.UpdatedAt), millis(r.ExpiresAt))
	if s.db.uniqueViolation(err) {
		return invitations.ErrPending
	}
	if err != nil {
		return fmt.Errorf("insert invitation: %w", err)
	}
	for _, role := range r.Roles {
		_, err := t.exec(ctx, `INSERT INTO organization_invitation_roles (tenant_id, invitation_id, role_id) VALUES ($1, $2, $3)`,
			r.TenantID, r.ID, role.ID)
		if err != nil {
			return fmt.Errorf("insert role of invitation: %w", err)
		}
	}
	return nil
}

// sendWith accepts a mail, if there is one, in the transaction of what it
// tells of.
func sendWith(ctx context.Context, t tx, mail *outbox.Message) error {
	if mail == nil {
		return nil
	}
	var stands string
	return accepted{message: *mail, stands: &stands}.insert(ctx, t)
}

// Invitation implements invitations.Store.
func (s *Store) Invitation(ctx context.Context, tenantID, id string) (invitations.Record, bool, error) {
	return oneInvitation(ctx, s.db.reader(), tenantID, id, "")
}

func oneInvitation(ctx context.Context, q querier, tenantID, id, lock string) (invitations.Record, bool, error) {
	list, err := selectInvitations(ctx, q, `tenant_id = $1 AND id = $2`+lock, tenantID, id)
	if err != nil || len(list) == 0 {
		return invitations.Record{}, false, err
	}
	return list[0], true, nil
}

// ListInvitations implements invitations.Store.
func (s *Store) ListInvitations(
	ctx context.Context, tenantID string, f invitations.Filter,
) ([]invitations.Record, int, error) {
	where := []string{"tenant_id = $1"}
	args := []any{tenantID}
	narrow := func(condition string, value any) {
		args = append(args, value)
		where = append(where, strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1))
	}
	for _, only := range [][2]string{
		{"organization_id = ?", f.OrganizationID}, {"inviter_id = ?", f.InviterID}, {"invitee_key = ?", f.Invitee},
	} {
		if only[1] != "" {
			narrow(only[0], only[1])
		}
	}
	switch f.Status { // as Record.StatusAt has it
	case "":
	case invitations.Pending:
		narrow("status = 'Pending' AND expires_at > ?", millis(f.At))
	case invitations.Expired:
		narrow("(status = 'Expired' OR status = 'Pending' AND expires_at <= ?)", millis(f.At))
	case invitations.Accepted, invitations.Revoked:
		narrow("status = ?", string(f.Status))
	}
	which := strings.Join(where, " AND ")
	var total int
	_, err := one(ctx, s.db.reader(), []any{&total}, `SELECT count(*) FROM organization_invitations WHERE `+which, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("count invitations: %w", err)
	}
	window, args := page(f.Limit, f.Offset, args)
	list, err := selectInvitations(ctx, s.db.reader(), which+` ORDER BY id DESC`+window, args...)
	return list, total, err
}

// ChangeInvitation implements invitations.Store.
func (s *Store) ChangeInvitation(ctx context.Context, tenantID, id string, decide invitations.Decide) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		r, ok, err := oneInvitation(ctx, t, tenantID, id, s.db.forUpdate())
		if err != nil {
			return fmt.Errorf("read invitation: %w", err)
		}
		if !ok {
			return invitations.ErrNotFound
		}
		d, err := decide(r, func(userID string) (string, bool, error) {
			var email string
			ok, err := one(ctx, t, []any{&email}, `SELECT COALESCE(primary_email, '') FROM users WHERE tenant_id = $1 AND id = $2`+
				s.db.forUpdate(), tenantID, userID)
			return email, ok, err
		})
		if err != nil {
			return err
		}
		return s.storeDecision(ctx, t, d)
	})
}

func (s *Store) storeDecision(ctx context.Context, t tx, d invitations.Decision) error {
	r := d.Record
	if d.Joins {
		// First, so that nobody invites the member anew meanwhile.
		if err := s.join(ctx, t, r); err != nil {
			return fmt.Errorf("join organization: %w", err)
		}
	}
	_, err := t.exec(ctx, `UPDATE organization_invitations SET status = $3, accepted_user_id = NULLIF($4, ''), message = $5,
		next_reminder_at = $6, updated_at = $7 WHERE tenant_id = $1 AND id = $2`,
		r.TenantID, r.ID, string(r.Status), r.AcceptedUserID, bytesOrNull(r.Variables),
		millis(r.NextReminderAt), millis(r.UpdatedAt))
	if err != nil {
		return fmt.Errorf("update invitation: %w", err)
	}
	return sendWith(ctx, t, d.Mail)
}

// join makes who accepts an invitation a member. Who is one already gets the
// roles, too.
func (s *Store) join(ctx context.Context, t tx, r invitations.Record) error {
	if err := s.holdThing(ctx, t, directory.OrganizationKind, r.TenantID, r.OrganizationID); err != nil {
		return err
	}
	if _, err := s.addMember(ctx, t, r.TenantID, r.OrganizationID, r.AcceptedUserID, r.UpdatedAt); err != nil {
		return err
	}
	for _, role := range r.Roles {
		err := s.addMemberRole(ctx, t, r.TenantID, r.OrganizationID, r.AcceptedUserID, role.ID)
		if _, gone := errors.AsType[*directory.MissingError](err); gone {
			continue // it was deleted this moment, and is none of the invitation's any more
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DeleteInvitation implements invitations.Store.
func (s *Store) DeleteInvitation(ctx context.Context, tenantID, id string) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		n, err := t.exec(ctx, `DELETE FROM organization_invitations WHERE tenant_id = $1 AND id = $2`, tenantID, id)
		if err == nil && n == 0 {
			return invitations.ErrNotFound
		}
		return err
	})
}

// DueInvitations implements invitations.Store.
func (s *Store) DueInvitations(ctx context.Context, at time.Time, limit int) ([]invitations.Record, error) {
	return selectInvitations(ctx, s.db.reader(), `status = 'Pending' AND next_reminder_at > 0 AND next_reminder_at <= $1
		ORDER BY next_reminder_at LIMIT $2`, millis(at), limit)
}

// bytesOrNull is a value as stored where NULL is none.
func bytesOrNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}
