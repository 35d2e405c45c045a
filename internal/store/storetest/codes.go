package storetest

import (
	"sync/atomic"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/verification"
)

func testCheckCodes(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	var saved []verification.Code
	for range 4 {
		c := code(t, "ann@example.com")
		saved = append(saved, c)
		must(t, s.SaveCode(ctx, c, message(t, "ann@example.com")))
	}
	other := code(t, "ann@example.com")
	other.Type = connector.Register
	must(t, s.SaveCode(ctx, other, message(t, "ann@example.com")))

	must(t, s.CheckCodes(ctx, subject("ann@example.com"), 3, "tries", func(codes []verification.Code, _ *limits.Window) verification.Decision {
		if len(codes) != 3 || codes[0].ID != saved[3].ID || codes[2].ID != saved[1].ID {
			t.Errorf("the newest three, newest first: got %d starting with %v", len(codes), codes[0].ID)
		}
		equal(t, "hash", string(codes[0].Hash), "hash")
		equal(t, "expiry", codes[0].ExpiresAt, saved[3].ExpiresAt)
		return verification.Decision{Tries: map[string]int{saved[3].ID: 7}}
	}))
	must(t, s.CheckCodes(ctx, subject("ann@example.com"), 3, "tries", func(codes []verification.Code, _ *limits.Window) verification.Decision {
		equal(t, "tries stored", codes[0].Tries, 7)
		equal(t, "tries of another code", codes[1].Tries, 0)
		return verification.Decision{UseUp: true}
	}))
	count := func(sub verification.Subject) (n int) {
		must(t, s.CheckCodes(ctx, sub, 100, "tries", func(codes []verification.Code, _ *limits.Window) verification.Decision {
			n = len(codes)
			return verification.Decision{}
		}))
		return n
	}
	equal(t, "codes left after use", count(subject("ann@example.com")), 0)
	equal(t, "codes of another type", count(other.Subject), 1)
}

func testConcurrentChecks(t *testing.T, db Database) {
	s := open(t, db)
	stores := []*store.Store{s}
	if db.Shared {
		stores = append(stores, open(t, db))
	}
	must(t, s.SaveCode(t.Context(), code(t, "ann@example.com"), message(t, "ann@example.com")))
	var won atomic.Int32
	for _, err := range inParallel(50, func(i int) error {
		var mine bool
		err := stores[i%len(stores)].CheckCodes(t.Context(), subject("ann@example.com"), 3, "tries",
			func(codes []verification.Code, _ *limits.Window) verification.Decision {
				mine = len(codes) > 0
				return verification.Decision{UseUp: mine}
			})
		if mine && err == nil {
			won.Add(1)
		}
		return err
	}) {
		must(t, err)
	}
	equal(t, "checks that used the code", won.Load(), 1)

	must(t, s.SaveCode(t.Context(), code(t, "bob@example.com"), message(t, "bob@example.com")))
	for _, err := range inParallel(50, func(i int) error {
		return stores[i%len(stores)].CheckCodes(t.Context(), subject("bob@example.com"), 3, "tries",
			func(codes []verification.Code, _ *limits.Window) verification.Decision {
				return verification.Decision{Tries: map[string]int{codes[0].ID: codes[0].Tries + 1}}
			})
	}) {
		must(t, err)
	}
	must(t, s.CheckCodes(t.Context(), subject("bob@example.com"), 3, "tries", func(codes []verification.Code, _ *limits.Window) verification.Decision {
		equal(t, "tries counted", codes[0].Tries, 50)
		return verification.Decision{}
	}))
}
