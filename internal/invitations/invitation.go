package invitations

import (
	"slices"
	"time"

	"github.com/postern-mail/postern/internal/directory"
)

// Status is where an invitation stands.
type Status string

// The statuses. All but Pending are final.
const (
	Pending  Status = "Pending"
	Accepted Status = "Accepted"
	Expired  Status = "Expired"
	Revoked  Status = "Revoked"
)

// Statuses returns all statuses.
func Statuses() []Status { return []Status{Pending, Accepted, Expired, Revoked} }

// Invitation is what is shown of an invitation. Its JSON is that of the API
// and of audit entries; it has no link.
type Invitation struct {
	ID             string               `json:"id"`
	TenantID       string               `json:"tenantId"`
	InviterID      *string              `json:"inviterId" doc:"Id of the user who invites, or null."`
	Invitee        string               `json:"invitee" example:"ann@example.com" doc:"Address of the person invited."`
	AcceptedUserID *string              `json:"acceptedUserId" doc:"Id of the user who accepted, or null."`
	OrganizationID string               `json:"organizationId"`
	Status         Status               `json:"status" enum:"Pending,Accepted,Expired,Revoked" doc:"Expired from expiresAt on unless it has ended before."`
	CreatedAt      int64                `json:"createdAt" example:"1767225600000" doc:"Milliseconds since 1970."`
	UpdatedAt      int64                `json:"updatedAt" example:"1767225600000" doc:"When it was accepted or revoked, else createdAt."`
	ExpiresAt      int64                `json:"expiresAt" example:"1767830400000" doc:"From then on it cannot be accepted."`
	Roles          []directory.RoleName `json:"organizationRoles" doc:"What accepting gives, by name."`
	Reminders      []int                `json:"reminders" doc:"Days after createdAt on which it is sent again."`
	NextReminderAt *int64               `json:"nextReminderAt" doc:"When it is sent again, or null."`
}

// Record is an invitation as stored. Times are whole milliseconds.
type Record struct {
	ID, TenantID   string
	OrganizationID string
	InviterID      string // "" for none
	Invitee        string // as given; see address.Parse
	AcceptedUserID string // "" unless accepted
	// Status is what was stored last: an invitation that ran out may still say
	// Pending. See Open and StatusAt.
	Status Status
	Roles  []directory.RoleName
	// Variables are what reminders are made from, sealed; nil when none is to
	// come.
	Variables      []byte
	Reminders      []int // days after CreatedAt
	NextReminderAt time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
	ExpiresAt      time.Time
}

// Open reports whether the invitation can be accepted at a time. At ExpiresAt
// it cannot any more.
func (r Record) Open(at time.Time) bool { return r.Status == Pending && at.Before(r.ExpiresAt) }

// StatusAt is where the invitation stands at a time.
func (r Record) StatusAt(at time.Time) Status {
	if r.Status == Pending && !r.Open(at) {
		return Expired
	}
	return r.Status
}

// Shown is what is shown of the invitation at a time.
func (r Record) Shown(at time.Time) Invitation {
	shown := Invitation{
		ID: r.ID, TenantID: r.TenantID, InviterID: optional(r.InviterID), Invitee: r.Invitee,
		AcceptedUserID: optional(r.AcceptedUserID), OrganizationID: r.OrganizationID, Status: r.StatusAt(at),
		CreatedAt: r.CreatedAt.UnixMilli(), UpdatedAt: r.UpdatedAt.UnixMilli(), ExpiresAt: r.ExpiresAt.UnixMilli(),
		Roles: append([]directory.RoleName{}, r.Roles...), Reminders: append([]int{}, r.Reminders...),
	}
	if r.Open(at) && !r.NextReminderAt.IsZero() {
		next := r.NextReminderAt.UnixMilli()
		shown.NextReminderAt = &next
	}
	return shown
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// day is what reminders are counted in.
const day = 24 * time.Hour

// remindNext plans the first reminder after a time. Where none is left, what
// it would be made from is not kept either.
func (r Record) remindNext(after time.Time) Record {
	at := func(days int) time.Time { return r.CreatedAt.Add(time.Duration(days) * day) }
	i := slices.IndexFunc(r.Reminders, func(days int) bool { return at(days).After(after) })
	if i < 0 || !r.Open(at(r.Reminders[i])) {
		return r.remindNever()
	}
	r.NextReminderAt = at(r.Reminders[i])
	return r
}

func (r Record) remindNever() Record {
	r.NextReminderAt, r.Variables = time.Time{}, nil
	return r
}

// end is the invitation with a final status.
func (r Record) end(s Status, userID string, at time.Time) Record {
	r.Status, r.AcceptedUserID, r.UpdatedAt = s, userID, at
	return r.remindNever()
}
