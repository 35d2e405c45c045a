package invitations

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
)

const (
	// maxLink is the longest link of an invitation, in bytes.
	maxLink = 2048
	// maxReminders and maxReminderDay bound the reminders of one invitation.
	maxReminders   = 10
	maxReminderDay = 90
	// mailLifetime is how long a mail is tried at most: an invitation may be
	// valid for months, but no server is asked for that long (RFC 5321 section
	// 4.5.4.1 speaks of 4 to 5 days).
	mailLifetime = 7 * day
)

// check returns what is wrong with a draft. Payload fields are told below
// "payload".
func (d Draft) check(now time.Time) error {
	if !now.Before(d.ExpiresAt) {
		return issue(fault.New(fault.Invalid, "request.invalid_input", "expiresAt must be in the future."), "expiresAt")
	}
	if d.Payload != nil {
		if err := checkPayload(d.Payload); err != nil {
			return err
		}
	}
	return d.checkReminders(now)
}

func (d Draft) checkReminders(now time.Time) error {
	switch {
	case len(d.Reminders) == 0:
		return nil
	case d.Payload == nil:
		return fault.Input("need a mail to repeat: give messagePayload, too", "reminders")
	case len(d.Reminders) > maxReminders:
		return fault.Input(fmt.Sprintf("must be at most %d days", maxReminders), "reminders")
	}
	last := 0
	for i, days := range d.Reminders {
		switch {
		case days < 1 || days > maxReminderDay:
			return fault.Input(fmt.Sprintf("must be from 1 to %d", maxReminderDay), "reminders", i)
		case days <= last:
			return fault.Input("must be after the day before it in the list", "reminders", i)
		case !now.Add(time.Duration(days) * day).Before(d.ExpiresAt):
			return fault.Input("must be before expiresAt", "reminders", i)
		}
		last = days
	}
	return nil
}

// checkPayload returns what is wrong with the variables that a caller gives.
func checkPayload(payload map[string]any) error {
	if _, given := payload["code"]; given {
		return fault.Input("an invitation has no code", "payload", "code")
	}
	link, ok := payload["link"].(string)
	switch {
	case !ok:
		return fault.Input("is required: the http or https URL at which the invitation is accepted", "payload", "link")
	case len(link) > maxLink:
		return fault.Input(fmt.Sprintf("must be at most %d bytes", maxLink), "payload", "link")
	case !webURL(link):
		return fault.Input("must be an http or https URL", "payload", "link")
	}
	return nil
}

// webURL reports whether s is an absolute http or https URL, as it may stand
// in a mail.
func webURL(s string) bool {
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
	if !utf8.ValidString(s) || strings.ContainsFunc(s, odd) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}

// mail makes the mail of an invitation with these variables.
func (s *Service) mail(ctx context.Context, r Record, payload map[string]any, now time.Time) (*outbox.Message, error) {
	charges, err := s.admit(ctx, admission.Request{
		TenantID: r.TenantID, Type: connector.OrganizationInvitation, To: r.Invitee, Keeps: s.keeps(ctx, r.TenantID),
	})
	if err != nil {
		return nil, err
	}
	known, err := s.variables(ctx, r.TenantID, directory.IDs{OrganizationID: r.OrganizationID, InviterID: r.InviterID})
	if err != nil {
		return nil, fmt.Errorf("variables of invitation: %w", err)
	}
	all := map[string]any{outbox.ExpiresAt: r.ExpiresAt.UnixMilli()}
	maps.Copy(all, known)
	maps.Copy(all, payload)
	m, err := s.outbox.Make(outbox.Draft{
		TenantID: r.TenantID, Type: connector.OrganizationInvitation, To: r.Invitee, Payload: all, Charges: charges,
		Lifetime: min(r.ExpiresAt.Sub(now), mailLifetime),
	})
	return &m, err
}

// Sent is a mail on its way.
type Sent struct {
	MessageID string
	To        string
}

// Send sends a pending invitation again. Reminders to come are made from these
// variables, too.
func (s *Service) Send(ctx context.Context, tenantID, id string, payload map[string]any) (Sent, error) {
	if err := checkPayload(payload); err != nil {
		return Sent{}, err
	}
	r, err := s.find(ctx, tenantID, id)
	if err != nil {
		return Sent{}, err
	}
	now := s.now()
	if !r.Open(now) {
		return Sent{}, closed(r.StatusAt(now))
	}
	mail, err := s.mail(ctx, r, payload, now)
	if err != nil {
		return Sent{}, err
	}
	sealed, err := s.seal(r, payload)
	if err != nil {
		return Sent{}, err
	}
	err = s.store.ChangeInvitation(ctx, tenantID, id, func(r Record, _ EmailOf) (Decision, error) {
		if !r.Open(now) {
			return Decision{}, closed(r.StatusAt(now))
		}
		if !r.NextReminderAt.IsZero() {
			r.Variables = sealed
		}
		return Decision{Record: r, Mail: mail}, nil
	})
	return Sent{MessageID: mail.ID, To: r.Invitee}, refusal(err)
}

// seal keeps variables for reminders; they open for this invitation alone.
func (s *Service) seal(r Record, payload map[string]any) ([]byte, error) {
	plain, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode variables of invitation: %w", err)
	}
	return s.keys.Seal(plain, purpose(r))
}

func (s *Service) open(r Record) (map[string]any, error) {
	plain, err := s.keys.Open(r.Variables, purpose(r))
	if err != nil {
		return nil, err
	}
	var payload map[string]any
	if err := json.Unmarshal(plain, &payload); err != nil {
		return nil, fmt.Errorf("decode variables of invitation: %w", err)
	}
	return payload, nil
}

func purpose(r Record) string { return "invitation:" + r.TenantID + ":" + r.ID }
