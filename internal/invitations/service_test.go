package invitations_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/invitations"
)

func TestMailOfAnInvitation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made, id, err := b.Create(t.Context(), b.draft())
	if err != nil {
		t.Fatal(err)
	}
	m := b.store.mails[0]
	if m.ID != id || m.Type != connector.OrganizationInvitation || m.To != "Ann@example.com" || len(m.Charges) != 1 {
		t.Errorf("mail %+v", m)
	}
	// It is tried for a week, and says how long the invitation is valid.
	p := b.lastMail()
	if m.Deadline != b.at.Add(7*day) || m.Validity(p) != 30*day {
		t.Errorf("tried until %v, valid for %v", m.Deadline, m.Validity(p))
	}
	organization, _ := p["organization"].(map[string]any)
	inviter, _ := p["inviter"].(map[string]any)
	if p["link"] != link || p["locale"] != "de" || organization["id"] != "o" || inviter["id"] != "bob" {
		t.Errorf("payload %v", p)
	}
	text, err := json.Marshal(made)
	if err != nil || strings.Contains(string(text), "5ecr3t") {
		t.Errorf("the link is shown: %s %v", text, err)
	}
	if b.store.records[made.ID].Variables != nil {
		t.Error("the link is kept though no reminder needs it")
	}

	// What the caller gives goes before what the directory knows.
	d := b.draft()
	d.Payload = with(d.Payload, "organization", "ours")
	d.ExpiresAt = b.at.Add(time.Hour)
	b.create(d)
	if p := b.lastMail(); p["organization"] != "ours" {
		t.Errorf("payload %v", p)
	}
	if m := b.store.mails[1]; m.Deadline != d.ExpiresAt {
		t.Errorf("tried until %v, and valid until %v", m.Deadline, d.ExpiresAt)
	}

	d.Payload = nil
	if _, id, err := b.Create(t.Context(), d); err != nil || id != "" || len(b.store.mails) != 2 {
		t.Errorf("without a mail: %q, %v", id, err)
	}
}

func TestBadDrafts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const input = "guard.invalid_input"
	for name, c := range map[string]struct {
		change func(d *invitations.Draft)
		code   string
		path   []any
	}{
		"expired":        {func(d *invitations.Draft) { d.ExpiresAt = b.at }, "request.invalid_input", []any{"expiresAt"}},
		"no link":        {func(d *invitations.Draft) { d.Payload = map[string]any{} }, input, []any{"payload", "link"}},
		"a code":         {func(d *invitations.Draft) { d.Payload["code"] = "123456" }, input, []any{"payload", "code"}},
		"no mail":        {func(d *invitations.Draft) { d.Payload, d.Reminders = nil, []int{1} }, input, []any{"reminders"}},
		"day 0":          {func(d *invitations.Draft) { d.Reminders = []int{0} }, input, []any{"reminders", 0}},
		"day 91":         {func(d *invitations.Draft) { d.Reminders = []int{1, 91} }, input, []any{"reminders", 1}},
		"the same day":   {func(d *invitations.Draft) { d.Reminders = []int{3, 3} }, input, []any{"reminders", 1}},
		"falling":        {func(d *invitations.Draft) { d.Reminders = []int{3, 5, 4} }, input, []any{"reminders", 2}},
		"at its expiry":  {func(d *invitations.Draft) { d.Reminders = []int{29, 30} }, input, []any{"reminders", 1}},
		"eleven":         {func(d *invitations.Draft) { d.Reminders = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11} }, input, []any{"reminders"}},
		"after its end":  {func(d *invitations.Draft) { d.Reminders = []int{45} }, input, []any{"reminders", 0}},
		"days overflown": {func(d *invitations.Draft) { d.Reminders = []int{1 << 60} }, input, []any{"reminders", 0}},
	} {
		d := b.draft()
		c.change(&d)
		_, _, err := b.Create(t.Context(), d)
		refuses(t, name, err, c.code, c.path...)
	}
	id := b.create(b.draft()).ID
	for _, bad := range []any{
		nil, 1, "", "x", "/join", "//example.com/join", "ftp://example.com/x", "javascript:alert(1)", "data:text/html,x", "https:///x",
		"https://", "https:example.com", "mailto:ann@example.com", "https://example.com/\r\nBcc: eve@example.com", "https://example.com/\x00",
		"https://example.com/a b", "https://example.com/\xff", "https://exa mple.com", " https://example.com", "https://example.com/%zz",
		"https://example.com/" + strings.Repeat("x", 2029),
		[]any{link},
	} {
		d := b.draft()
		d.Payload["link"] = bad
		_, _, err := b.Create(t.Context(), d)
		refuses(t, "link", err, input, "payload", "link")
		_, err = b.Send(t.Context(), "t1", id, d.Payload)
		refuses(t, "link sent again", err, input, "payload", "link")
	}
	if len(b.store.records) != 1 || len(b.store.mails) != 1 {
		t.Errorf("refused drafts left %d invitations and %d mails", len(b.store.records)-1, len(b.store.mails)-1)
	}
	for _, good := range []string{
		"http://localhost:3000/join?x=1#y", "HTTPS://example.com", "https://[2001:db8::1]/x", "https://müller.example/ä",
		"https://example.com/" + strings.Repeat("x", 2028),
	} {
		d := b.draft()
		d.Payload["link"] = good
		b.create(d)
	}
}

func TestNothingWithoutItsMail(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.store.full = tooMany()
	_, _, err := b.Create(t.Context(), b.draft())
	refuses(t, "limit", err, "request.message_rate_limited")
	b.store.full, b.refuses = nil, tooMany()
	_, _, err = b.Create(t.Context(), b.draft())
	refuses(t, "admission", err, "request.message_rate_limited")
	if len(b.store.records)+len(b.store.mails) != 0 {
		t.Errorf("left: %+v", b.store)
	}
}

func TestLifeOfAnInvitation(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	for _, c := range []struct {
		name, code string
		act        func(id string) error
		field      []any
	}{
		{"accept without a user", "request.invalid_input", func(id string) error {
			_, err := b.Accept(ctx, "t1", id, "")
			return err
		}, []any{"acceptedUserId"}},
		{"accept as nobody", "entity.relation_foreign_key_not_found", func(id string) error {
			_, err := b.Accept(ctx, "t1", id, "nobody")
			return err
		}, []any{"acceptedUserId"}},
		{"accept as somebody else", "request.invalid_input", func(id string) error {
			_, err := b.Accept(ctx, "t1", id, "eve")
			return err
		}, []any{"acceptedUserId"}},
		{"accept in another tenant", "entity.not_found", func(id string) error {
			_, err := b.Accept(ctx, "t2", id, "ann")
			return err
		}, nil},
		{"revoke in another tenant", "entity.not_found", func(id string) error {
			_, err := b.Revoke(ctx, "t2", id)
			return err
		}, nil},
		{"send in another tenant", "entity.not_found", func(id string) error {
			_, err := b.Send(ctx, "t2", id, map[string]any{"link": link})
			return err
		}, nil},
	} {
		id := b.create(b.draft()).ID
		refuses(t, c.name, c.act(id), c.code, c.field...)
		if got, err := b.Get(ctx, "t1", id); err != nil || got.Status != invitations.Pending {
			t.Errorf("%s: then %+v, %v", c.name, got, err)
		}
	}
	closed := map[string]string{}
	ann := b.create(b.draft(1))
	if got, err := b.Accept(ctx, "t1", ann.ID, "ann"); err != nil || got.Status != invitations.Accepted || *got.AcceptedUserID != "ann" {
		t.Errorf("accepted: %+v, %v", got, err)
	}
	closed["accepted"] = ann.ID
	revoked := b.create(b.draft(1))
	if got, err := b.Revoke(ctx, "t1", revoked.ID); err != nil || got.Status != invitations.Revoked || got.AcceptedUserID != nil {
		t.Errorf("revoked: %+v, %v", got, err)
	}
	closed["revoked"] = revoked.ID
	for name, id := range closed {
		if r := b.store.records[id]; r.Variables != nil || !r.NextReminderAt.IsZero() {
			t.Errorf("%s, and still to be reminded of: %+v", name, r)
		}
	}
	d := b.draft(1)
	d.ExpiresAt = b.at.Add(2 * day)
	late := b.create(d)
	closed["expired"] = late.ID
	b.at = d.ExpiresAt.Add(-time.Millisecond)
	if got, err := b.Get(ctx, "t1", late.ID); err != nil || got.Status != invitations.Pending {
		t.Errorf("just before: %+v, %v", got, err)
	}
	b.at = d.ExpiresAt
	if got, err := b.Get(ctx, "t1", late.ID); err != nil || got.Status != invitations.Expired || got.NextReminderAt != nil {
		t.Errorf("at its expiry: %+v, %v", got, err)
	}
	mails := len(b.store.mails)
	for name, id := range closed {
		_, err := b.Accept(ctx, "t1", id, "ann")
		refuses(t, "accept what is "+name, err, "request.invalid_input")
		_, err = b.Revoke(ctx, "t1", id)
		refuses(t, "revoke what is "+name, err, "request.invalid_input")
		_, err = b.Send(ctx, "t1", id, map[string]any{"link": link})
		refuses(t, "send what is "+name, err, "request.invalid_input")
	}
	if len(b.store.mails) != mails || len(b.store.members) != 1 {
		t.Errorf("%d mails more, members %v", len(b.store.mails)-mails, b.store.members)
	}
}
