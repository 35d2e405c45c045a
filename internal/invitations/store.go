package invitations

import (
	"context"
	"errors"
	"time"

	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/outbox"
)

// Errors of a Store.
var (
	ErrNotFound = errors.New("no such invitation")
	ErrPending  = errors.New("the invitee has a pending invitation into the organization")
	ErrMember   = errors.New("the invitee is a member of the organization")
)

// Store keeps invitations.
type Store interface {
	// InvitationRoles returns those of a tenant's organization roles that
	// have one of these ids, by name.
	InvitationRoles(ctx context.Context, tenantID string, ids []string) ([]directory.RoleName, error)
	// InsertInvitation stores an invitation and, unless it is nil, its mail
	// with the job that delivers it, all or nothing. A pending invitation of
	// the same invitee that has run out at r.CreatedAt is stored as Expired.
	// Its errors are ErrPending, ErrMember, a *directory.MissingError for an
	// organization, an inviter or a role that is not there, and a fault for a
	// mail that a limit does not allow.
	InsertInvitation(ctx context.Context, r Record, mail *outbox.Message) error
	// Invitation returns one; ok is false when there is none.
	Invitation(ctx context.Context, tenantID, id string) (r Record, ok bool, err error)
	// ListInvitations returns invitations, newest first, and how many there
	// are in all.
	ListInvitations(ctx context.Context, tenantID string, f Filter) (list []Record, total int, err error)
	// ChangeInvitation runs decide on an invitation in one transaction that no
	// other change of it runs beside, and stores what it decides. An error of
	// decide is returned, and nothing is stored. ErrNotFound when there is no
	// such invitation, and a fault for a mail that a limit does not allow.
	ChangeInvitation(ctx context.Context, tenantID, id string, decide Decide) error
	// DeleteInvitation deletes one, or returns ErrNotFound.
	DeleteInvitation(ctx context.Context, tenantID, id string) error
	// DueInvitations returns invitations of all tenants, stored as Pending,
	// whose reminder is due at a time; where they are more than limit, those
	// that have been due longest.
	DueInvitations(ctx context.Context, at time.Time, limit int) ([]Record, error)
}

// Decide decides what becomes of an invitation. It may be run more than once.
type Decide = func(r Record, emailOf EmailOf) (Decision, error)

// EmailOf returns a user's primary address, or "", of the invitation's tenant;
// ok is false when there is no such user.
type EmailOf = func(userID string) (email string, ok bool, err error)

// Decision is what becomes of an invitation.
type Decision struct {
	Record Record // as it is to be stored
	// Joins makes its AcceptedUserID a member of the organization, with its
	// roles.
	Joins bool
	Mail  *outbox.Message // nil for none
}

// Filter narrows a list; empty fields do not.
type Filter struct {
	OrganizationID string
	InviterID      string
	Invitee        string // address.Key
	Status         Status // at At
	At             time.Time
	Limit, Offset  int
}
