package invitations_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/invitations"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/secrets"
)

// memory is an invitations.Store; the real ones have their own suite.
type memory struct {
	invitations.Store // what a test does not need

	records map[string]invitations.Record
	mails   []outbox.Message
	members []string
	full    error // refuses mails
	// meanwhile is called once, before the next change.
	meanwhile func()
}

func (m *memory) InsertInvitation(_ context.Context, r invitations.Record, mail *outbox.Message) error {
	if mail != nil && m.full != nil {
		return m.full
	}
	m.records[r.ID] = r
	m.send(mail)
	return nil
}

func (m *memory) send(mail *outbox.Message) {
	if mail != nil {
		m.mails = append(m.mails, *mail)
	}
}

func (m *memory) Invitation(_ context.Context, tenantID, id string) (invitations.Record, bool, error) {
	r, ok := m.records[id]
	return r, ok && r.TenantID == tenantID, nil
}

func (m *memory) ChangeInvitation(_ context.Context, tenantID, id string, decide invitations.Decide) error {
	if first := m.meanwhile; first != nil {
		m.meanwhile = nil
		first()
	}
	r, ok := m.records[id]
	if !ok || r.TenantID != tenantID {
		return invitations.ErrNotFound
	}
	d, err := decide(r, func(userID string) (string, bool, error) {
		return userID + "@example.com", userID != "nobody", nil
	})
	switch {
	case err != nil:
		return err
	case d.Mail != nil && m.full != nil:
		return m.full
	}
	m.records[id] = d.Record
	m.send(d.Mail)
	if d.Joins {
		m.members = append(m.members, d.Record.AcceptedUserID)
	}
	return nil
}

func (m *memory) DueInvitations(_ context.Context, at time.Time, limit int) ([]invitations.Record, error) {
	var due []invitations.Record
	for _, r := range m.records {
		if r.Status == invitations.Pending && !r.NextReminderAt.IsZero() && !r.NextReminderAt.After(at) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b invitations.Record) int { return a.NextReminderAt.Compare(b.NextReminderAt) })
	return due[:min(limit, len(due))], nil
}

// bench is a Service with its surroundings.
type bench struct {
	*invitations.Service
	t       *testing.T
	store   *memory
	outbox  *outbox.Outbox
	at      time.Time
	refuses error // of admissions
	broken  error // of the directory
}

func newBench(t *testing.T) *bench {
	t.Helper()
	text, err := secrets.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secrets.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, store: &memory{records: map[string]invitations.Record{}}, at: time.UnixMilli(1_760_000_000_000).UTC()}
	now := func() time.Time { return b.at }
	b.outbox = outbox.New(nil, keys, now)
	b.Service = invitations.New(invitations.Options{
		Store: b.store, Outbox: b.outbox, Keys: keys, Now: now,
		Keeps: func(context.Context, string) bool { return false },
		Admit: func(_ context.Context, r admission.Request) ([]limits.Charge, error) {
			return []limits.Charge{{Name: limits.Recipient, Key: r.To}}, b.refuses
		},
		Variables: func(_ context.Context, _ string, ids directory.IDs) (map[string]any, error) {
			known := map[string]any{"organization": map[string]any{"id": ids.OrganizationID}}
			if ids.InviterID != "" {
				known["inviter"] = map[string]any{"id": ids.InviterID}
			}
			return known, b.broken
		},
	})
	return b
}

const link = "https://example.com/join/5ecr3t"

// draft is an invitation for 30 days with a mail.
func (b *bench) draft(reminders ...int) invitations.Draft {
	return invitations.Draft{
		TenantID: "t1", OrganizationID: "o", InviterID: "bob", Invitee: "Ann@example.com", ExpiresAt: b.at.Add(30 * day),
		Payload: map[string]any{"link": link, "locale": "de"}, Reminders: reminders,
	}
}

const day = 24 * time.Hour

func (b *bench) create(d invitations.Draft) invitations.Invitation {
	b.t.Helper()
	made, _, err := b.Create(b.t.Context(), d)
	if err != nil {
		b.t.Fatal(err)
	}
	return made
}

// remind advances the clock and returns how many reminders that brings.
func (b *bench) remind(by time.Duration) int {
	b.t.Helper()
	b.at = b.at.Add(by)
	before := len(b.store.mails)
	sent, err := b.Remind(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if got := len(b.store.mails) - before; got != sent {
		b.t.Fatalf("%d mails, and %d are told of", got, sent)
	}
	return sent
}

// lastMail returns the payload of the newest mail.
func (b *bench) lastMail() map[string]any {
	b.t.Helper()
	payload, err := b.outbox.OpenPayload(b.store.mails[len(b.store.mails)-1])
	if err != nil {
		b.t.Fatal(err)
	}
	return payload
}

// refuses fails the test unless err is a fault with this code at this field.
func refuses(t *testing.T, what string, err error, code string, path ...any) {
	t.Helper()
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
		return
	}
	if len(path) > 0 && (len(f.Issues) != 1 || !slices.Equal(f.Issues[0].Path, path)) {
		t.Errorf("%s: fields at fault %+v, want %v", what, f.Issues, path)
	}
}

func with(payload map[string]any, key string, value any) map[string]any {
	changed := maps.Clone(payload)
	changed[key] = value
	return changed
}
