package bench

import (
	"context"
	"time"
)

// clock tells the time as an offset from its start, and waits.
type clock interface {
	now() time.Duration
	// sleepUntil returns at the given time or later; early only when ctx ends,
	// then with its error.
	sleepUntil(ctx context.Context, at time.Duration) error
}

// systemClock is the machine's monotonic clock.
type systemClock struct{ start time.Time }

func newClock() systemClock { return systemClock{time.Now()} }

func (c systemClock) now() time.Duration { return time.Since(c.start) }

func (c systemClock) sleepUntil(ctx context.Context, at time.Duration) error {
	for {
		left := at - c.now()
		if left <= 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		// In pieces, so that an end of ctx is seen soon.
		if err := nap(ctx, min(left, 50*time.Millisecond)); err != nil {
			return err
		}
	}
}

// pause waits with the runtime's timers, which are late by up to a
// millisecond.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
