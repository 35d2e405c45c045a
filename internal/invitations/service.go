package invitations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/secrets"
)

// The actions of audit entries.
const (
	created audit.Action = "organizationInvitation.created"
	updated audit.Action = "organizationInvitation.updated"
	deleted audit.Action = "organizationInvitation.deleted"
)

// Admit returns what a mail is to be charged to, or the fault that refuses it.
type Admit func(ctx context.Context, r admission.Request) ([]limits.Charge, error)

// Variables returns what the directory knows for a mail:
// directory.Service.Variables.
type Variables func(ctx context.Context, tenantID string, ids directory.IDs) (map[string]any, error)

// Options are what a Service needs.
type Options struct {
	Store     Store
	Outbox    *outbox.Outbox
	Keys      *secrets.Keys
	Admit     Admit
	Variables Variables
	// Keeps reports whether a tenant's mails stay in the service.
	Keeps func(ctx context.Context, tenantID string) bool
	Now   func() time.Time
}

// Service invites people. It is safe for concurrent use.
type Service struct {
	store     Store
	outbox    *outbox.Outbox
	keys      *secrets.Keys
	admit     Admit
	variables Variables
	keeps     func(ctx context.Context, tenantID string) bool
	clock     func() time.Time
}

// New makes a Service.
func New(o Options) *Service {
	return &Service{store: o.Store, outbox: o.Outbox, keys: o.Keys, admit: o.Admit, variables: o.Variables, keeps: o.Keeps, clock: o.Now}
}

// now is the clock in whole milliseconds, as times are stored.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Millisecond) }

// Draft is what an invitation is made from.
type Draft struct {
	TenantID       string
	OrganizationID string
	InviterID      string // "" for none
	Invitee        string // checked by address.Parse
	ExpiresAt      time.Time
	RoleIDs        []string
	// Payload are variables of its mail; they go before what the directory
	// knows. nil for no mail.
	Payload map[string]any
	// Reminders are days after now on which the mail is sent again.
	Reminders []int
}

// Create invites somebody. With a mail it returns the message's id; if that
// cannot be accepted, there is no invitation.
func (s *Service) Create(ctx context.Context, d Draft) (made Invitation, messageID string, err error) {
	now := s.now()
	if err := d.check(now); err != nil {
		return Invitation{}, "", err
	}
	r, err := s.record(ctx, d, now)
	if err != nil {
		return Invitation{}, "", err
	}
	var mail *outbox.Message
	if d.Payload != nil {
		if mail, err = s.mail(ctx, r, d.Payload, now); err != nil {
			return Invitation{}, "", err
		}
		messageID = mail.ID
	}
	made = r.Shown(now)
	ctx, err = audit.Tell(ctx, now, audit.Change{TenantID: r.TenantID, Action: created, Subject: r.ID, After: made})
	if err != nil {
		return Invitation{}, "", err
	}
	if err := s.store.InsertInvitation(ctx, r, mail); err != nil {
		return Invitation{}, "", refusal(err)
	}
	return made, messageID, nil
}

// record makes the invitation of a draft.
func (s *Service) record(ctx context.Context, d Draft, now time.Time) (Record, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Record{}, fmt.Errorf("make id of invitation: %w", err)
	}
	r := Record{
		ID: id.String(), TenantID: d.TenantID, OrganizationID: d.OrganizationID, InviterID: d.InviterID, Invitee: d.Invitee,
		Status: Pending, Reminders: d.Reminders, CreatedAt: now, UpdatedAt: now, ExpiresAt: d.ExpiresAt,
	}
	if ids := slices.Compact(slices.Sorted(slices.Values(d.RoleIDs))); len(ids) > 0 {
		if r.Roles, err = s.store.InvitationRoles(ctx, d.TenantID, ids); err != nil {
			return Record{}, fmt.Errorf("read organization roles: %w", err)
		}
		if len(r.Roles) != len(ids) {
			return Record{}, unknown(directory.RoleKind, "organizationRoleIds")
		}
	}
	if len(r.Reminders) == 0 {
		return r, nil
	}
	if r.Variables, err = s.seal(r, d.Payload); err != nil {
		return Record{}, err
	}
	return r.remindNext(now), nil
}

// Get returns an invitation, or the fault entity.not_found.
func (s *Service) Get(ctx context.Context, tenantID, id string) (Invitation, error) {
	r, err := s.find(ctx, tenantID, id)
	return r.Shown(s.now()), err
}

func (s *Service) find(ctx context.Context, tenantID, id string) (Record, error) {
	r, ok, err := s.store.Invitation(ctx, tenantID, id)
	if err != nil {
		return Record{}, fmt.Errorf("read invitation: %w", err)
	}
	if !ok {
		return Record{}, refusal(ErrNotFound)
	}
	return r, nil
}

// List returns invitations, newest first, and how many there are in all.
// f.At is now.
func (s *Service) List(ctx context.Context, tenantID string, f Filter) ([]Invitation, int, error) {
	f.At = s.now()
	records, total, err := s.store.ListInvitations(ctx, tenantID, f)
	if err != nil {
		return nil, 0, fmt.Errorf("list invitations: %w", err)
	}
	list := make([]Invitation, len(records))
	for i, r := range records {
		list[i] = r.Shown(f.At)
	}
	return list, total, nil
}

// Delete deletes an invitation. A member it made stays one.
func (s *Service) Delete(ctx context.Context, tenantID, id string) error {
	was, err := s.find(ctx, tenantID, id)
	if err != nil {
		return err
	}
	now := s.now()
	ctx, err = audit.Tell(ctx, now, audit.Change{TenantID: tenantID, Action: deleted, Subject: id, Before: was.Shown(now)})
	if err != nil {
		return err
	}
	return refusal(s.store.DeleteInvitation(ctx, tenantID, id))
}

// Accept makes a user a member of the organization, with the invitation's
// roles. The user's primary address must be the invitee's.
func (s *Service) Accept(ctx context.Context, tenantID, id, userID string) (Invitation, error) {
	return s.end(ctx, tenantID, id, Accepted, userID)
}

// Revoke takes an invitation back.
func (s *Service) Revoke(ctx context.Context, tenantID, id string) (Invitation, error) {
	return s.end(ctx, tenantID, id, Revoked, "")
}

func (s *Service) end(ctx context.Context, tenantID, id string, status Status, userID string) (Invitation, error) {
	was, err := s.find(ctx, tenantID, id)
	if err != nil {
		return Invitation{}, err
	}
	now := s.now()
	shown := was.end(status, userID, now).Shown(now)
	ctx, err = audit.Tell(ctx, now, audit.Change{
		TenantID: tenantID, Action: updated, Subject: id, Before: was.Shown(now), After: shown,
	})
	if err != nil {
		return Invitation{}, err
	}
	err = s.store.ChangeInvitation(ctx, tenantID, id, func(r Record, emailOf EmailOf) (Decision, error) {
		if !r.Open(now) {
			return Decision{}, closed(r.StatusAt(now))
		}
		if status == Accepted {
			if err := mayAccept(r, userID, emailOf); err != nil {
				return Decision{}, err
			}
		}
		return Decision{Record: r.end(status, userID, now), Joins: status == Accepted}, nil
	})
	if err != nil {
		return Invitation{}, refusal(err)
	}
	return shown, nil
}

// mayAccept refuses users other than the invitee.
func mayAccept(r Record, userID string, emailOf EmailOf) error {
	if userID == "" {
		return unable("Give acceptedUserId: who accepts the invitation.", "acceptedUserId")
	}
	email, ok, err := emailOf(userID)
	switch {
	case err != nil:
		return fmt.Errorf("read user: %w", err)
	case !ok:
		return unknown(directory.UserKind, "acceptedUserId")
	case address.Key(email) != address.Key(r.Invitee):
		return unable("The user who accepts must have the invitee's address as primary e-mail address.", "acceptedUserId")
	}
	return nil
}

// refusal turns a store's error into the fault for it.
func refusal(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return fault.New(fault.NotFound, "entity.not_found", "There is no invitation with this id.")
	case errors.Is(err, ErrPending):
		return issue(fault.New(fault.Unprocessable, "entity.unique_integrity_violation",
			"This address has a pending invitation into the organization. Send that one again, or revoke it first."), "invitee")
	case errors.Is(err, ErrMember):
		return unable("The invitee is a member of the organization already.", "invitee")
	}
	if missing, ok := errors.AsType[*directory.MissingError](err); ok {
		return unknown(missing.Kind, map[directory.Kind]string{
			directory.OrganizationKind: "organizationId", directory.UserKind: "inviterId", directory.RoleKind: "organizationRoleIds",
		}[missing.Kind])
	}
	return err
}

func closed(s Status) error {
	f := unable(map[Status]string{
		Accepted: "The invitation was accepted already.",
		Expired:  "The invitation has expired. Create a new one.",
		Revoked:  "The invitation was revoked. Create a new one.",
	}[s])
	f.Data = map[string]any{"invitationStatus": string(s)}
	return f
}

func unknown(what directory.Kind, field string) *fault.Fault {
	missing := &directory.MissingError{Kind: what}
	return issue(fault.New(fault.Unprocessable, "entity.relation_foreign_key_not_found", "%s: %s.", field, missing), field)
}

func unable(message string, path ...any) *fault.Fault {
	f := fault.New(fault.Unprocessable, "request.invalid_input", "%s", message)
	if len(path) == 0 {
		return f
	}
	return issue(f, path...)
}

// issue names the field at fault.
func issue(f *fault.Fault, path ...any) *fault.Fault {
	f.Issues = []fault.Issue{{Path: path, Code: "invalid_value", Message: f.Message}}
	return f
}
