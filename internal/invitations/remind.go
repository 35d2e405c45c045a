package invitations

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
)

const (
	// remindAtOnce bounds the reminders of one call.
	remindAtOnce = 500
	// remindLater is how long a reminder waits that could not be made for a
	// reason of our own, so that it does not stand before the others.
	remindLater = time.Hour
)

// errOvertaken says that an invitation is no longer as it was read.
var errOvertaken = errors.New("the invitation has changed")

// Remind sends the reminders that are due, at most a few hundred: the next
// call goes on. It may run on several nodes at once; each reminder is sent
// once. A reminder that a limit does not allow is left out. sent is how many
// mails were accepted, also with an error.
func (s *Service) Remind(ctx context.Context) (sent int, err error) {
	now := s.now()
	due, err := s.store.DueInvitations(ctx, now, remindAtOnce)
	if err != nil {
		return 0, fmt.Errorf("find reminders: %w", err)
	}
	var errs []error
	for _, r := range due {
		if ctx.Err() != nil {
			break // they stay due
		}
		ok, err := s.remind(ctx, r, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("reminder of invitation %s: %w", r.ID, err))
		}
		if ok {
			sent++
		}
	}
	return sent, errors.Join(errs...)
}

// remind sends one reminder, or plans on without it.
func (s *Service) remind(ctx context.Context, due Record, now time.Time) (sent bool, err error) {
	if !due.Open(now) {
		return false, ignore(s.plan(ctx, due, due.remindNever(), nil), errOvertaken)
	}
	next := due.remindNext(now)
	payload, err := s.open(due)
	if err != nil { // it will not open later either
		return false, errors.Join(err, ignore(s.plan(ctx, due, due.remindNever(), nil), errOvertaken))
	}
	mail, err := s.mail(ctx, due, payload, now)
	if err == nil {
		err = s.plan(ctx, due, next, mail)
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, errOvertaken), ctx.Err() != nil:
		return false, ignore(err, errOvertaken)
	case refused(err):
		return false, ignore(s.plan(ctx, due, next, nil), errOvertaken)
	}
	later := due
	later.NextReminderAt = now.Add(remindLater)
	return false, errors.Join(err, ignore(s.plan(ctx, due, later, nil), errOvertaken))
}

// plan stores when an invitation is sent again, with the mail that goes out
// now, unless something has changed since it was read: another node sent the
// reminder, or it has ended, or was sent with other variables.
func (s *Service) plan(ctx context.Context, was, next Record, mail *outbox.Message) error {
	err := s.store.ChangeInvitation(ctx, was.TenantID, was.ID, func(r Record, _ EmailOf) (Decision, error) {
		if r.Status != was.Status || !r.NextReminderAt.Equal(was.NextReminderAt) || !bytes.Equal(r.Variables, was.Variables) {
			return Decision{}, errOvertaken
		}
		r.NextReminderAt, r.Variables = next.NextReminderAt, next.Variables
		return Decision{Record: r, Mail: mail}, nil
	})
	if errors.Is(err, ErrNotFound) {
		return errOvertaken
	}
	return err
}

// refused reports whether the rules refuse a mail, as opposed to trouble of
// our own.
func refused(err error) bool {
	f, ok := errors.AsType[*fault.Fault](err)
	return ok && f.Kind != fault.Internal
}

// ignore is err unless it is what.
func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}
