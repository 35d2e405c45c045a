package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/invitations"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
)

// invitation makes one into the organization "o" that lasts a week.
func invitation(t *testing.T, invitee string, roles ...string) invitations.Record {
	t.Helper()
	r := invitations.Record{
		ID: newID(t), TenantID: tenant, OrganizationID: "o", Invitee: invitee, Status: invitations.Pending,
		CreatedAt: start, UpdatedAt: start, ExpiresAt: start.Add(7 * 24 * time.Hour),
	}
	for _, id := range roles {
		r.Roles = append(r.Roles, directory.RoleName{ID: id, Name: "role " + id})
	}
	return r
}

func invitationMail(t *testing.T, to string) *outbox.Message {
	t.Helper()
	m := message(t, to)
	m.Type, m.Supersedes = connector.OrganizationInvitation, ""
	return &m
}

func mailsTo(t *testing.T, s *store.Store, to string) int {
	t.Helper()
	_, total, err := s.ListMessages(t.Context(), tenant, events.Filter{To: to})
	must(t, err)
	return total
}

// openInvitations opens a store with the organizations o and o2, the roles r1
// and r2, and the users ann and bob.
func openInvitations(t *testing.T, db Database) *store.Store {
	t.Helper()
	s := open(t, db)
	ctx := t.Context()
	head := func(id string) directory.Head {
		return directory.Head{TenantID: tenant, ID: id, CreatedAt: millis(start), UpdatedAt: millis(start), Version: 1}
	}
	data := json.RawMessage("{}")
	for _, id := range []string{"o", "o2"} {
		must(t, s.Organizations().Insert(ctx, directory.Organization{Head: head(id), Name: id, CustomData: data}))
	}
	for _, id := range []string{"r1", "r2"} {
		must(t, s.OrganizationRoles().Insert(ctx, directory.Role{Head: head(id), Name: "role " + id, Type: directory.RoleOfUsers}))
	}
	for _, id := range []string{"ann", "bob"} {
		user := directory.User{Head: head(id), PrimaryEmail: directory.Text(id + "@example.com"), CustomData: data}
		must(t, s.Users().Insert(ctx, user))
	}
	return s
}

func millis(at time.Time) int64 { return at.UnixMilli() }

func testInvitations(t *testing.T, db Database) {
	s := openInvitations(t, db)
	ctx := t.Context()
	r := invitation(t, "Ann@example.com", "r1", "r2")
	r.InviterID, r.Reminders, r.Variables, r.NextReminderAt = "bob", []int{2, 5}, []byte("sealed"), start.Add(48*time.Hour)
	must(t, s.InsertInvitation(ctx, r, invitationMail(t, r.Invitee)))
	equal(t, "mails", mailsTo(t, s, "ann@example.com"), 1)
	got, ok, err := s.Invitation(ctx, tenant, r.ID)
	must(t, err)
	if !ok || fmt.Sprint(got) != fmt.Sprint(r) {
		t.Errorf("got  %+v\nwant %+v", got, r)
	}
	for _, id := range [][2]string{{"t2", r.ID}, {tenant, "other"}} {
		_, ok, err := s.Invitation(ctx, id[0], id[1])
		must(t, err)
		equal(t, "found as "+fmt.Sprint(id), ok, false)
		if err := s.DeleteInvitation(ctx, id[0], id[1]); !errors.Is(err, invitations.ErrNotFound) {
			t.Errorf("deleting %v: %v", id, err)
		}
		err = s.ChangeInvitation(ctx, id[0], id[1], func(r invitations.Record, _ invitations.EmailOf) (invitations.Decision, error) {
			t.Error("decided on an invitation that is not there")
			return invitations.Decision{Record: r}, nil
		})
		if !errors.Is(err, invitations.ErrNotFound) {
			t.Errorf("changing %v: %v", id, err)
		}
	}
	roles, err := s.InvitationRoles(ctx, tenant, []string{"r2", "none", "r1"})
	must(t, err)
	equal(t, "roles", fmt.Sprint(roles), fmt.Sprint(r.Roles))
	roles, err = s.InvitationRoles(ctx, "t2", []string{"r1"})
	must(t, err)
	equal(t, "roles of another tenant", len(roles), 0)
	must(t, s.DeleteInvitation(ctx, tenant, r.ID))
	_, ok, err = s.Invitation(ctx, tenant, r.ID)
	must(t, err)
	equal(t, "found after deleting", ok, false)
}

// What an invitation speaks of must be there, and nothing is stored if not.
func testInvitationRefusals(t *testing.T, db Database) {
	s := openInvitations(t, db)
	ctx := t.Context()
	for want, change := range map[directory.Kind]func(r *invitations.Record){
		directory.OrganizationKind: func(r *invitations.Record) { r.OrganizationID = "none" },
		directory.UserKind:         func(r *invitations.Record) { r.InviterID = "none" },
		directory.RoleKind:         func(r *invitations.Record) { r.Roles[0].ID = "none" },
	} {
		r := invitation(t, "ann@example.com", "r1")
		change(&r)
		err := s.InsertInvitation(ctx, r, invitationMail(t, r.Invitee))
		if missing, ok := errors.AsType[*directory.MissingError](err); !ok || missing.Kind != want {
			t.Errorf("got %v, want no %s", err, want)
		}
	}
	theirs := invitation(t, "ann@example.com")
	theirs.TenantID = "t2"
	if _, ok := errors.AsType[*directory.MissingError](s.InsertInvitation(ctx, theirs, nil)); !ok {
		t.Error("an organization of another tenant was found")
	}
	// Without its mail there is no invitation.
	broken := invitationMail(t, "bob@example.com")
	must(t, s.InsertInvitation(ctx, invitation(t, "carl@example.com"), broken))
	if err := s.InsertInvitation(ctx, invitation(t, "bob@example.com"), broken); err == nil {
		t.Error("one message was stored twice")
	}
	must(t, accept(ctx, t, s, "ann"))
	if err := s.InsertInvitation(ctx, invitation(t, "ANN@example.com"), nil); !errors.Is(err, invitations.ErrMember) {
		t.Errorf("a member is invited: %v", err)
	}
	_, total, err := s.ListInvitations(ctx, tenant, invitations.Filter{})
	must(t, err)
	equal(t, "invitations", total, 2)
	equal(t, "mails", mailsTo(t, s, "ann@example.com"), 0)
}

// accept invites a user, who accepts.
func accept(ctx context.Context, t *testing.T, s *store.Store, userID string) error {
	t.Helper()
	r := invitation(t, userID+"@example.com", "r1")
	must(t, s.InsertInvitation(ctx, r, nil))
	return s.ChangeInvitation(ctx, tenant, r.ID, accepting(userID))
}

var errEnded = errors.New("not pending")

// accepting is a rule that lets whoever comes first accept.
func accepting(userID string) invitations.Decide {
	return func(r invitations.Record, emailOf invitations.EmailOf) (invitations.Decision, error) {
		if r.Status != invitations.Pending {
			return invitations.Decision{}, errEnded
		}
		email, ok, err := emailOf(userID)
		if err != nil || !ok || email != userID+"@example.com" {
			return invitations.Decision{}, fmt.Errorf("user %s: %q, %v, %w", userID, email, ok, err)
		}
		r.Status, r.AcceptedUserID, r.UpdatedAt = invitations.Accepted, userID, start.Add(time.Hour)
		r.Variables, r.NextReminderAt = nil, time.Time{}
		return invitations.Decision{Record: r, Joins: true}, nil
	}
}

func testAcceptInvitation(t *testing.T, db Database) {
	s := openInvitations(t, db)
	ctx := t.Context()
	r := invitation(t, "ann@example.com", "r1", "r2")
	r.Variables, r.NextReminderAt = []byte("sealed"), start.Add(time.Hour)
	must(t, s.InsertInvitation(ctx, r, nil))
	err := s.ChangeInvitation(ctx, tenant, r.ID, func(_ invitations.Record, emailOf invitations.EmailOf) (invitations.Decision, error) {
		_, ok, err := emailOf("nobody")
		must(t, err)
		equal(t, "an unknown user is there", ok, false)
		return invitations.Decision{}, errEnded
	})
	if !errors.Is(err, errEnded) {
		t.Errorf("the error of a decision: %v", err)
	}
	told, err := audit.Tell(ctx, start, audit.Change{TenantID: tenant, Action: "organizationInvitation.updated", Subject: r.ID})
	must(t, err)
	var won atomic.Int32
	for _, err := range inParallel(10, func(int) error {
		return s.ChangeInvitation(told, tenant, r.ID, accepting("ann"))
	}) {
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, errEnded) {
			t.Error(err)
		}
	}
	equal(t, "accepted how often", won.Load(), 1)
	got, _, err := s.Invitation(ctx, tenant, r.ID)
	must(t, err)
	if got.Status != invitations.Accepted || got.AcceptedUserID != "ann" || got.Variables != nil || !got.NextReminderAt.IsZero() ||
		got.UpdatedAt != start.Add(time.Hour) || len(got.Roles) != 2 {
		t.Errorf("accepted: %+v", got)
	}
	roles, ok, err := s.MemberRoles(ctx, tenant, "o", "ann")
	must(t, err)
	equal(t, "is a member", ok, true)
	equal(t, "roles of the member", len(roles), 2)
	// A member who accepts gets the roles, too; a role that is gone is none.
	must(t, s.InsertInvitation(ctx, invitation(t, "bob@example.com", "r1", "r2"), nil))
	must(t, s.AddMembers(ctx, tenant, "o", []string{"bob"}, start))
	_, err = s.OrganizationRoles().Delete(ctx, tenant, "r2", 1)
	must(t, err)
	list, _, err := s.ListInvitations(ctx, tenant, invitations.Filter{Invitee: "bob@example.com"})
	must(t, err)
	must(t, s.ChangeInvitation(ctx, tenant, list[0].ID, accepting("bob")))
	roles, _, err = s.MemberRoles(ctx, tenant, "o", "bob")
	must(t, err)
	if len(roles) != 1 || roles[0].ID != "r1" {
		t.Errorf("roles of who was a member: %+v", roles)
	}
	_, total, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: 10})
	must(t, err)
	equal(t, "audit entries", total, 1)
}

// Two invitations of one address into an organization cannot be pending at
// once, except that one that has run out makes room.
func testPendingInvitations(t *testing.T, db Database) {
	s := openInvitations(t, db)
	ctx := t.Context()
	first := invitation(t, "ann@example.com")
	first.Variables, first.NextReminderAt = []byte("sealed"), start.Add(time.Hour)
	must(t, s.InsertInvitation(ctx, first, nil))
	if err := s.InsertInvitation(ctx, invitation(t, "Ann@Example.com"), nil); !errors.Is(err, invitations.ErrPending) {
		t.Errorf("a second one: %v", err)
	}
	other := invitation(t, "ann@example.com")
	other.OrganizationID = "o2"
	must(t, s.InsertInvitation(ctx, other, nil))

	later := func() invitations.Record {
		r := invitation(t, "ann@example.com")
		r.CreatedAt, r.ExpiresAt = first.ExpiresAt, first.ExpiresAt.Add(time.Hour)
		return r
	}
	early := later()
	early.CreatedAt = first.ExpiresAt.Add(-time.Millisecond)
	if err := s.InsertInvitation(ctx, early, nil); !errors.Is(err, invitations.ErrPending) {
		t.Errorf("just before the first one runs out: %v", err)
	}
	var made atomic.Int32
	for _, err := range inParallel(10, func(int) error { return s.InsertInvitation(ctx, later(), invitationMail(t, "ann@example.com")) }) {
		if err == nil {
			made.Add(1)
		} else if !errors.Is(err, invitations.ErrPending) {
			t.Error(err)
		}
	}
	equal(t, "made at once", made.Load(), 1)
	equal(t, "mails", mailsTo(t, s, "ann@example.com"), 1)
	got, _, err := s.Invitation(ctx, tenant, first.ID)
	must(t, err)
	if got.Status != invitations.Expired || got.Variables != nil || !got.NextReminderAt.IsZero() || got.UpdatedAt != start {
		t.Errorf("the one that ran out: %+v", got)
	}
}

func testListInvitations(t *testing.T, db Database) {
	s := openInvitations(t, db)
	ctx := t.Context()
	names := map[string]string{}
	put := func(name string, r invitations.Record) {
		names[r.ID] = name
		must(t, s.InsertInvitation(ctx, r, nil))
	}
	a := invitation(t, "a@example.com", "r2", "r1")
	a.InviterID = "bob"
	put("a", a)
	b := invitation(t, "b@example.com")
	b.OrganizationID = "o2"
	put("b", b)
	c := invitation(t, "c@example.com", "r1")
	c.Status, c.ExpiresAt = invitations.Revoked, start.Add(time.Hour)
	put("c", c)
	d := invitation(t, "A@example.com")
	d.OrganizationID, d.ExpiresAt = "o2", start.Add(time.Hour)
	put("d", d)
	e := invitation(t, "e@example.com")
	e.Status = invitations.Expired
	put("e", e)

	for want, f := range map[string]invitations.Filter{
		"e d c b a": {},
		"e c a":     {OrganizationID: "o"},
		"a":         {InviterID: "bob"},
		"d a":       {Invitee: "a@example.com"},
		"d":         {Invitee: "a@example.com", OrganizationID: "o2", Status: invitations.Pending, At: start.Add(time.Hour - time.Millisecond)},
		"d b a":     {Status: invitations.Pending, At: start},
		"b a":       {Status: invitations.Pending, At: start.Add(time.Hour)},
		"e d":       {Status: invitations.Expired, At: start.Add(time.Hour)},
		"e":         {Status: invitations.Expired, At: start},
		"c":         {Status: invitations.Revoked},
		"":          {Status: invitations.Accepted},
	} {
		list, total, err := s.ListInvitations(ctx, tenant, f)
		must(t, err)
		got := []string{}
		for _, r := range list {
			got = append(got, names[r.ID])
		}
		if strings.Join(got, " ") != want || total != len(got) {
			t.Errorf("%+v: %v of %d, want %s", f, got, total, want)
		}
	}
	list, total, err := s.ListInvitations(ctx, tenant, invitations.Filter{Limit: 2, Offset: 3})
	must(t, err)
	if total != 5 || len(list) != 2 || list[1].ID != a.ID || len(list[1].Roles) != 2 || list[1].Roles[0].ID != "r1" {
		t.Errorf("a page: %+v of %d", list, total)
	}
	_, total, err = s.ListInvitations(ctx, "t2", invitations.Filter{})
	must(t, err)
	equal(t, "invitations of another tenant", total, 0)
}

func testDueInvitations(t *testing.T, db Database) {
	s := openInvitations(t, db)
	ctx := t.Context()
	at := func(name string, status invitations.Status, due time.Duration) string {
		r := invitation(t, name+"@example.com")
		r.Status, r.Variables, r.NextReminderAt = status, []byte("sealed"), start.Add(due)
		must(t, s.InsertInvitation(ctx, r, nil))
		return r.ID
	}
	second, first := at("second", invitations.Pending, 2*time.Hour), at("first", invitations.Pending, time.Hour)
	at("later", invitations.Pending, 2*time.Hour+time.Millisecond)
	at("revoked", invitations.Revoked, time.Hour)
	must(t, s.InsertInvitation(ctx, invitation(t, "never@example.com"), nil))
	due := func(limit int) string { // newest first
		list, err := s.DueInvitations(ctx, start.Add(2*time.Hour), limit)
		must(t, err)
		ids := []string{}
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
		return strings.Join(ids, " ")
	}
	equal(t, "due", due(10), first+" "+second)
	equal(t, "the longest due", due(1), first)
}

// Each reminder is sent once, however many nodes send reminders.
func testReminders(t *testing.T, db Database) {
	s := openInvitations(t, db)
	nodes := []*store.Store{s, s}
	if db.Shared {
		nodes[1] = open(t, db)
	}
	text, err := secrets.Generate()
	must(t, err)
	keys, err := secrets.Parse(text)
	must(t, err)
	ctx := t.Context()
	service := func(node *store.Store, at time.Time) *invitations.Service {
		now := func() time.Time { return at }
		return invitations.New(invitations.Options{
			Store: node, Outbox: outbox.New(node, keys, now), Keys: keys, Now: now, Variables: catalog(node).Variables,
			Keeps: func(context.Context, string) bool { return false },
			Admit: func(context.Context, admission.Request) ([]limits.Charge, error) { return nil, nil },
		})
	}
	const people = 20
	for i := range people {
		_, _, err := service(s, start).Create(ctx, invitations.Draft{
			TenantID: tenant, OrganizationID: "o", InviterID: "bob", Invitee: fmt.Sprintf("p%d@example.com", i),
			ExpiresAt: start.Add(7 * 24 * time.Hour), Payload: map[string]any{"link": "https://example.com"}, Reminders: []int{1, 3},
		})
		must(t, err)
	}
	for day := 1; day <= 3; day++ {
		var sent atomic.Int64
		for _, err := range inParallel(4, func(i int) error {
			n, err := service(nodes[i%2], start.Add(time.Duration(day)*24*time.Hour)).Remind(ctx)
			sent.Add(int64(n))
			return err
		}) {
			must(t, err)
		}
		equal(t, fmt.Sprintf("reminders on day %d", day), sent.Load(), map[int]int64{1: people, 3: people}[day])
	}
	_, total, err := s.ListMessages(ctx, tenant, events.Filter{})
	must(t, err)
	equal(t, "mails", total, 3*people)
}
