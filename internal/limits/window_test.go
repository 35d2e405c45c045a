package limits_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/limits"
)

var start = time.UnixMilli(1_760_000_000_000)

// Whatever is asked for when: in no period of the rule's length more is
// allowed than the rule says, and what was waited for is there.
func TestWindowHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule := limits.Rule{
			Limit:  rapid.IntRange(1, 20).Draw(t, "limit"),
			Period: time.Duration(rapid.IntRange(1, 3600).Draw(t, "seconds")) * time.Second,
		}
		var w limits.Window
		var taken []time.Time
		at := start
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(rule.Period)).Draw(t, "pause")) / 5)
			w = stored(t, w)
			wait, ok := w.Take(rule, 1, at)
			if !ok {
				if wait <= 0 || wait > rule.Period+rule.Period/50+time.Millisecond {
					t.Fatalf("a wait of %v for a period of %v", wait, rule.Period)
				}
				at = at.Add(wait)
				if again, ok := w.Take(rule, 1, at); !ok {
					t.Fatalf("still refused, for %v, after a wait of %v", again, wait)
				}
			}
			taken = append(taken, at)
			if n := len(taken); n > rule.Limit {
				if period := at.Sub(taken[n-1-rule.Limit]); period < rule.Period {
					t.Fatalf("%d within %v", rule.Limit+1, period)
				}
			}
			if !w.Ends().After(at) {
				t.Fatalf("ends at %v, which is over at %v", w.Ends(), at)
			}
		}
	})
}

// stored is a window as it comes back from the store.
func stored(t *rapid.T, w limits.Window) limits.Window {
	back, err := limits.ReadWindow(w.AppendTo(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back.AppendTo(nil), w.AppendTo(nil)) {
		t.Fatalf("%v came back as %v", w, back)
	}
	return back
}

func take(t *testing.T, w *limits.Window, r limits.Rule, n int, at time.Time, want bool) {
	t.Helper()
	if wait, ok := w.Take(r, n, at); ok != want {
		t.Errorf("take %d: %v, wait %v", n, ok, wait)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	rule := limits.Rule{Limit: 10, Period: 600 * time.Second}
	var w limits.Window
	take(t, &w, rule, 10, start, true)
	take(t, &w, rule, 1, start.Add(599*time.Second), false)
	take(t, &w, rule, 1, start.Add(607*time.Second), true)

	t.Run("no limit", func(t *testing.T) {
		t.Parallel()
		var w limits.Window
		take(t, &w, limits.Rule{}, 1_000_000, start, true)
	})
	t.Run("more than there ever is", func(t *testing.T) {
		t.Parallel()
		var w limits.Window
		take(t, &w, rule, 11, start, false)
	})
	t.Run("given back", func(t *testing.T) {
		t.Parallel()
		var w limits.Window
		w.Give(1, start) // nothing to give back
		take(t, &w, rule, 10, start, true)
		w.Give(2, start)
		w.Give(1, start.Add(-time.Hour)) // is out of the window
		take(t, &w, rule, 2, start, true)
		take(t, &w, rule, 1, start, false)
	})
	t.Run("the clock goes back", func(t *testing.T) {
		t.Parallel()
		var w limits.Window
		take(t, &w, rule, 10, start, true)
		take(t, &w, rule, 1, start.Add(-5*time.Minute), false)
		take(t, &w, rule, 1, start.Add(-24*time.Hour), false) // it was a day ahead
		take(t, &w, rule, 1, start.Add(-24*time.Hour+11*time.Minute), true)
	})
	t.Run("the rule changes", func(t *testing.T) {
		t.Parallel()
		var w limits.Window
		take(t, &w, rule, 10, start, true)
		wider := limits.Rule{Limit: 12, Period: time.Hour}
		take(t, &w, wider, 3, start.Add(time.Minute), false)
		take(t, &w, wider, 2, start.Add(time.Minute), true)
	})
}

func TestStrikes(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2, 100} {
		policy := limits.Sentinel{MaxAttempts: most, LockoutDuration: 30}
		var w limits.Window
		for i := range most {
			if !w.Until.IsZero() {
				t.Fatalf("blocked after %d of %d", i, most)
			}
			w.Strike(policy, start)
		}
		if want := start.Add(30 * time.Minute); !w.Until.Equal(want) || !w.Ends().Equal(want) {
			t.Errorf("after %d: until %v, want %v", most, w.Until, want)
		}
		w.Strike(policy, start.Add(time.Hour)) // counts from the beginning
		if most > 1 && w.Until.After(start.Add(time.Hour)) {
			t.Errorf("after the block of %d: blocked again by one", most)
		}
	}
	// Tries that lie an hour behind do not count.
	var w limits.Window
	for i := range 10 {
		w.Strike(limits.Sentinel{MaxAttempts: 3, LockoutDuration: 1}, start.Add(time.Duration(i)*31*time.Minute))
	}
	if !w.Until.IsZero() {
		t.Error("slow tries were blocked")
	}
}

func FuzzReadWindow(f *testing.F) {
	var w limits.Window
	w.Take(limits.Rule{Limit: 3, Period: time.Minute}, 2, start)
	f.Add(w.AppendTo(nil))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, state []byte) {
		w, err := limits.ReadWindow(state)
		if err != nil {
			return
		}
		w.Take(limits.Rule{Limit: 3, Period: time.Minute}, 1, start)
		w.Give(1, start)
		if _, err := limits.ReadWindow(w.AppendTo(nil)); err != nil {
			t.Errorf("%v: %v", w, err)
		}
	})
}

func BenchmarkTake(b *testing.B) {
	var w limits.Window
	rule := limits.Rule{Limit: 10, Period: 10 * time.Minute}
	at := start
	for b.Loop() {
		at = at.Add(time.Second)
		w.Take(rule, 1, at)
		state := w.AppendTo(nil)
		w, _ = limits.ReadWindow(state)
	}
}
