package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern-mail/postern/internal/limits"
)

// limitStep is how coarsely the end of a limit's row is kept, so that counting
// on it seldom changes the index.
const limitStep = time.Hour

// upsertLimit stores what a limit has counted.
var upsertLimit = newInsertion("limits", "ON CONFLICT (key) DO UPDATE SET state = excluded.state, ends_at = excluded.ends_at",
	"key text", "state bytea", "ends_at bigint")

// counts are the limits that a transaction looks at, by key. Whoever reads
// them has locked the keys.
type counts map[string]*counted

type counted struct {
	window  limits.Window
	changed bool
}

// scan takes in one row: key and state.
func (c counts) scan(r rows) error {
	var key string
	var state []byte
	if err := r.Scan(&key, &state); err != nil {
		return err
	}
	w, err := limits.ReadWindow(state)
	if err != nil {
		return fmt.Errorf("limit %s: %w", key, err)
	}
	c[key] = &counted{window: w}
	return nil
}

func (c counts) of(key string) *counted {
	if c[key] == nil {
		c[key] = &counted{}
	}
	return c[key]
}

// take counts a message on everything that it is charged to, or on nothing
// and returns the refusal.
func (c counts) take(charges []limits.Charge, at time.Time) error {
	for i, charge := range charges {
		wait, ok := c.of(charge.Key).window.Take(charge.Rule, 1, at)
		if ok {
			continue
		}
		for _, before := range charges[:i] {
			c.of(before.Key).window.Give(1, at)
		}
		return limits.Refusal(charge.Name, wait)
	}
	for _, charge := range charges {
		c.of(charge.Key).changed = true
	}
	return nil
}

// changed lists the rows to store, in the order of their keys.
func (c counts) changed() [][]any {
	var list [][]any
	for key, on := range c {
		if on.changed {
			ends := on.window.Ends().Truncate(limitStep).Add(limitStep)
			list = append(list, []any{key, on.window.AppendTo(nil), millis(ends)})
		}
	}
	slices.SortFunc(list, func(a, b []any) int {
		if a[0].(string) < b[0].(string) {
			return -1
		}
		return 1
	})
	return list
}

// lockCounts locks limits and reads them.
func lockCounts(ctx context.Context, t tx, keys ...string) (counts, error) {
	if err := t.lock(ctx, keys...); err != nil {
		return nil, fmt.Errorf("lock limits: %w", err)
	}
	c := make(counts, len(keys))
	args := make([]any, len(keys))
	for i, key := range keys {
		args[i] = key
	}
	if err := all(ctx, t, c.scan, `SELECT key, state FROM limits WHERE key IN `+places(1, len(keys)), args...); err != nil {
		return nil, fmt.Errorf("read limits: %w", err)
	}
	return c, nil
}

func (c counts) store(ctx context.Context, t tx) error {
	rows := c.changed()
	if len(rows) == 0 {
		return nil
	}
	if _, err := t.exec(ctx, upsertLimit.rows(len(rows)), slices.Concat(rows...)...); err != nil {
		return fmt.Errorf("count on limits: %w", err)
	}
	return nil
}

// keysOf are the keys of charges.
func keysOf(charges []limits.Charge) []string {
	keys := make([]string, len(charges))
	for i, c := range charges {
		keys[i] = c.Key
	}
	return keys
}

// charge counts a message, or returns the refusal.
func charge(ctx context.Context, t tx, charges []limits.Charge, at time.Time) error {
	if len(charges) == 0 {
		return nil
	}
	c, err := lockCounts(ctx, t, keysOf(charges)...)
	if err != nil {
		return err
	}
	if err := c.take(charges, at); err != nil {
		return err
	}
	return c.store(ctx, t)
}

// Refund implements delivery.Store.
func (s *Store) Refund(ctx context.Context, charges []limits.Charge, at time.Time) error {
	if len(charges) == 0 {
		return nil
	}
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		c, err := lockCounts(ctx, t, keysOf(charges)...)
		if err != nil {
			return err
		}
		for key, on := range c {
			on.window.Give(1, at)
			c[key].changed = true
		}
		return c.store(ctx, t)
	})
}
