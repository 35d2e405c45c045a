package invitations_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/invitations"
)

func tooMany() error { return fault.New(fault.TooMany, "request.message_rate_limited", "Too many.") }

func TestRemindersGoOutOnTheirDays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.create(b.draft(2, 5, 9))
	if *made.NextReminderAt != b.at.Add(2*day).UnixMilli() {
		t.Errorf("first reminder %d", *made.NextReminderAt)
	}
	for _, step := range []struct {
		by   time.Duration
		sent int
	}{
		{2*day - time.Millisecond, 0}, {time.Millisecond, 1}, {0, 0}, {3 * day, 1}, {day, 0}, {3 * day, 1}, {20 * day, 0},
	} {
		if sent := b.remind(step.by); sent != step.sent {
			t.Fatalf("after %v more: %d reminders, want %d", step.by, sent, step.sent)
		}
	}
	if p := b.lastMail(); p["link"] != link || p["locale"] != "de" || p["organization"] == nil || p["inviter"] == nil {
		t.Errorf("payload %v", p)
	}
	if r := b.store.records[made.ID]; r.Variables != nil || !r.NextReminderAt.IsZero() {
		t.Errorf("kept after the last one: %+v", r)
	}
}

// A service that was down for days sends one reminder, not all that were due.
func TestRemindersThatWereMissed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create(b.draft(2, 5, 9))
	if sent := b.remind(8 * day); sent != 1 {
		t.Errorf("%d reminders", sent)
	}
	if sent := b.remind(day); sent != 1 {
		t.Errorf("%d reminders on the ninth day", sent)
	}
	d := b.draft(1)
	d.ExpiresAt = b.at.Add(2 * day)
	id := b.create(d).ID
	if sent := b.remind(2 * day); sent != 0 {
		t.Errorf("%d reminders of what has expired", sent)
	}
	if r := b.store.records[id]; r.Variables != nil || !r.NextReminderAt.IsZero() || r.Status != invitations.Pending {
		t.Errorf("kept of what has expired: %+v", r)
	}
}

func TestReminderThatALimitRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.create(b.draft(2, 5, 9))
	b.store.full = tooMany()
	if sent := b.remind(2 * day); sent != 0 {
		t.Errorf("%d reminders", sent)
	}
	b.store.full, b.refuses = nil, tooMany()
	if sent := b.remind(3 * day); sent != 0 {
		t.Errorf("%d reminders", sent)
	}
	b.refuses = nil
	if sent := b.remind(3 * day); sent != 0 {
		t.Errorf("%d reminders of days that were left out", sent)
	}
	if sent := b.remind(day); sent != 1 {
		t.Errorf("%d reminders on the ninth day", sent)
	}
}

// Trouble of our own delays a reminder, and never those behind it.
func TestReminderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	broken, odd := b.create(b.draft(2, 5)), b.create(b.draft(2, 5))
	r := b.store.records[odd.ID]
	r.Variables = b.store.records[broken.ID].Variables // sealed for another one
	b.store.records[odd.ID] = r
	b.at, b.broken = b.at.Add(2*day), errors.New("the database is away")
	sent, err := b.Remind(t.Context())
	if sent != 0 || err == nil || strings.Contains(err.Error(), "5ecr3t") || strings.Contains(err.Error(), "ann@") {
		t.Errorf("%d reminders, %v", sent, err)
	}
	if r := b.store.records[odd.ID]; r.Variables != nil || !r.NextReminderAt.IsZero() {
		t.Errorf("what does not open is kept: %+v", r)
	}
	if sent := b.remind(time.Hour - time.Millisecond); sent != 0 {
		t.Errorf("%d reminders within the hour", sent)
	}
	b.broken = nil
	if sent := b.remind(time.Millisecond); sent != 1 {
		t.Errorf("%d reminders after an hour", sent)
	}
	if sent := b.remind(3 * day); sent != 1 {
		t.Errorf("%d reminders on the fifth day", sent)
	}
}

func TestSentAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.create(b.draft(2, 5)).ID
	sent, err := b.Send(t.Context(), "t1", id, map[string]any{"link": link + "2", "locale": "fr"})
	if err != nil || sent.To != "Ann@example.com" || sent.MessageID != b.store.mails[1].ID {
		t.Fatalf("%+v, %v", sent, err)
	}
	if p := b.lastMail(); p["link"] != link+"2" || p["locale"] != "fr" || p["inviter"] == nil {
		t.Errorf("payload %v", p)
	}
	b.remind(2 * day)
	if p := b.lastMail(); p["link"] != link+"2" || p["locale"] != "fr" {
		t.Errorf("reminder %v", p)
	}
	// A limit leaves things as they are.
	b.store.full = tooMany()
	_, err = b.Send(t.Context(), "t1", id, map[string]any{"link": link + "3"})
	refuses(t, "limit", err, "request.message_rate_limited")
	b.store.full = nil
	b.remind(3 * day)
	if p := b.lastMail(); p["link"] != link+"2" {
		t.Errorf("reminder %v", p)
	}
	// After the last reminder nothing is kept.
	if _, err := b.Send(t.Context(), "t1", id, map[string]any{"link": link}); err != nil {
		t.Fatal(err)
	}
	if b.store.records[id].Variables != nil {
		t.Error("the link is kept though no reminder needs it")
	}
}

// What happens while a reminder is made counts.
func TestReminderThatIsOvertaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(b *bench, id string) error
		now, then int // reminders by this call and the next
	}{
		"revoked": {func(b *bench, id string) error { _, err := b.Revoke(t.Context(), "t1", id); return err }, 0, 0},
		"deleted": {func(b *bench, id string) error { delete(b.store.records, id); return nil }, 0, 0},
		"sent again": {func(b *bench, id string) error {
			_, err := b.Send(t.Context(), "t1", id, map[string]any{"link": link + "2"})
			b.store.mails = b.store.mails[:1]
			return err
		}, 0, 1},
		"another node": {func(b *bench, _ string) error {
			_, err := b.Remind(t.Context())
			b.store.mails = b.store.mails[:1]
			return err
		}, 0, 0},
	} {
		b := newBench(t)
		id := b.create(b.draft(2)).ID
		b.store.meanwhile = func() {
			if err := c.meanwhile(b, id); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if sent := b.remind(2 * day); sent != c.now {
			t.Errorf("%s: %d reminders", name, sent)
		}
		if sent := b.remind(time.Minute); sent != c.then {
			t.Errorf("%s: %d reminders by the next call", name, sent)
		}
		if c.then > 0 && b.lastMail()["link"] != link+"2" {
			t.Errorf("%s: reminder %v", name, b.lastMail())
		}
	}
}
