package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/verification"
)

// charged is a message that counts on some keys, each with room for so many.
func charged(t *testing.T, to string, limit int, keys ...string) outbox.Message {
	t.Helper()
	m := message(t, to)
	for _, key := range keys {
		m.Charges = append(m.Charges, limits.Charge{Name: limits.Recipient, Key: key, Rule: limits.Rule{Limit: limit, Period: time.Hour}})
	}
	return m
}

// limited reports whether a limit refused, and fails the test on any other
// error.
func limited(t *testing.T, err error) bool {
	t.Helper()
	f, ok := errors.AsType[*fault.Fault](err)
	if err != nil && (!ok || f.Code != "request.message_rate_limited" || f.RetryAfter <= 0) {
		t.Errorf("refused with %v", err)
	}
	return ok
}

// A thousand at once, from two nodes where the database has several: as many
// as the limit says are taken, and nothing is kept of the others.
func testLimitIsExact(t *testing.T, db Database) {
	s := open(t, db)
	stores := []*store.Store{s}
	if db.Shared {
		stores = append(stores, open(t, db))
	}
	const limit = 10
	var taken atomic.Int32
	for _, err := range inParallel(1000, func(i int) error {
		m := charged(t, "ann@example.com", limit, "ann", "everybody")
		m.Charges[1].Rule.Limit = 10_000
		if i%10 == 0 { // repeats are another way into the database
			m.Dedupe = fmt.Sprint("hash", i)
			_, err := stores[i%len(stores)].SaveMessage(t.Context(), m)
			return err
		}
		return stores[i%len(stores)].SaveCode(t.Context(), code(t, "ann@example.com"), m)
	}) {
		if !limited(t, err) {
			taken.Add(1)
		}
	}
	equal(t, "taken", taken.Load(), limit)
	_, total, err := s.ListMessages(t.Context(), tenant, events.Filter{To: "ann@example.com"})
	must(t, err)
	equal(t, "messages", total, limit)
	must(t, s.CheckCodes(t.Context(), subject("ann@example.com"), 1000, "tries",
		func(c []verification.Code, _ *limits.Window) verification.Decision {
			if len(c) > limit {
				t.Errorf("%d codes", len(c))
			}
			return verification.Decision{}
		}))
	// What was refused spent nothing elsewhere.
	m := charged(t, "bob@example.com", limit+1, "everybody")
	must(t, s.SaveCode(t.Context(), code(t, "bob@example.com"), m))
	if !limited(t, s.SaveCode(t.Context(), code(t, "bob@example.com"), charged(t, "bob@example.com", limit+1, "everybody"))) {
		t.Error("one more was taken on a limit that all share")
	}
}

// One that is refused leaves those that are saved with it as they are.
func testLimitNeighbours(t *testing.T, db Database) {
	s := open(t, db)
	ran := runQueue(t, s)
	must(t, s.SaveCode(t.Context(), code(t, "full@example.com"), charged(t, "full@example.com", 1, "full")))
	receive(t, ran, 1)
	var refused atomic.Int32
	for _, err := range inParallel(100, func(i int) error {
		to, key := fmt.Sprintf("n%d@example.com", i), fmt.Sprint("n", i)
		if i%2 == 0 {
			to, key = "full@example.com", "full"
		}
		return s.SaveCode(t.Context(), code(t, to), charged(t, to, 1, key))
	}) {
		if limited(t, err) {
			refused.Add(1)
		}
	}
	equal(t, "refused", refused.Load(), 50)
	receive(t, ran, 50)
	_, total, err := s.ListMessages(t.Context(), tenant, events.Filter{})
	must(t, err)
	equal(t, "messages", total, 51)
}

// A mail counts on all of its limits or on none, and what failed is taken
// back.
func testChargedTogether(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	first := charged(t, "a@example.com", 1, "a", "shared")
	first.Charges[1].Rule.Limit = 2
	must(t, s.SaveCode(ctx, code(t, "a@example.com"), first))
	again := first
	again.ID = message(t, "a@example.com").ID
	if !limited(t, s.SaveCode(ctx, code(t, "a@example.com"), again)) {
		t.Error("over the limit of a")
	}
	other := charged(t, "b@example.com", 1, "b", "shared")
	other.Charges[1].Rule.Limit = 2
	must(t, s.SaveCode(ctx, code(t, "b@example.com"), other))

	must(t, s.Refund(ctx, first.Charges, first.CreatedAt))
	must(t, s.SaveCode(ctx, code(t, "a@example.com"), again))
	must(t, s.Refund(ctx, nil, first.CreatedAt))
	third := charged(t, "c@example.com", 2, "shared")
	if !limited(t, s.SaveCode(ctx, code(t, "c@example.com"), third)) {
		t.Error("over the limit that all share")
	}

	more, err := s.Prune(ctx, first.CreatedAt.Add(4*time.Hour))
	must(t, err)
	equal(t, "more to prune", more, false)
	must(t, s.SaveCode(ctx, code(t, "c@example.com"), third)) // its row is gone
}

// Failed tries are counted on an address, whatever they were for.
func testFailedTries(t *testing.T, db Database) {
	s := open(t, db)
	stores := []*store.Store{s}
	if db.Shared {
		stores = append(stores, open(t, db))
	}
	at := time.UnixMilli(1_760_000_000_000)
	policy := limits.Sentinel{MaxAttempts: 20, LockoutDuration: 60}
	for _, err := range inParallel(60, func(i int) error {
		sub := subject("ann@example.com")
		if i%2 == 0 {
			sub.Type = connector.Register
		}
		return stores[i%len(stores)].CheckCodes(t.Context(), sub, 3, "tries of ann",
			func(_ []verification.Code, w *limits.Window) verification.Decision {
				if w.Until.After(at) {
					return verification.Decision{}
				}
				w.Strike(policy, at)
				return verification.Decision{Failed: true}
			})
	}) {
		must(t, err)
	}
	must(t, s.CheckCodes(t.Context(), subject("ann@example.com"), 3, "tries of ann",
		func(_ []verification.Code, w *limits.Window) verification.Decision {
			equal(t, "blocked until", w.Until.UnixMilli(), at.Add(time.Hour).UnixMilli())
			return verification.Decision{}
		}))
	must(t, s.CheckCodes(t.Context(), subject("bob@example.com"), 3, "tries of bob",
		func(_ []verification.Code, w *limits.Window) verification.Decision {
			equal(t, "blocked", w.Until.IsZero(), true)
			return verification.Decision{}
		}))
}
