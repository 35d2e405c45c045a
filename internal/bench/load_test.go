package bench

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fakeClock moves when somebody sleeps, and by a lateness of its own.
type fakeClock struct {
	mu   sync.Mutex
	at   time.Duration
	late func(at time.Duration) time.Duration
}

func (c *fakeClock) now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *fakeClock) sleepUntil(ctx context.Context, at time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at > c.at {
		c.at = at + c.late(at)
	}
	return ctx.Err()
}

// Every request is due at its own time, whatever the clock does: none is
// early, none is left out, and lateness does not move those after it.
func TestTimetableKeepsItsTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lateness := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Second)), 1, 20).Draw(t, "lateness")
		naps := 0
		c := &fakeClock{at: 5 * time.Second, late: func(time.Duration) time.Duration {
			naps++
			return time.Duration(lateness[naps%len(lateness)])
		}}
		l := load{count: rapid.IntRange(1, 200).Draw(t, "count"), callers: 1, interval: perSecond(rapid.IntRange(1, 5000).Draw(t, "rate"))}
		turns := l.turns(context.Background(), c)
		for want := range l.count {
			i, due, more := turns.next()
			if !more || i != want {
				t.Fatalf("request %d is number %d (%v)", want, i, more)
			}
			if at := 5*time.Second + time.Duration(i+1)*l.interval; due(c.now()) != at {
				t.Fatalf("request %d is due at %s, not %s", i, due(0), at)
			}
			if c.now() < due(0) {
				t.Fatalf("request %d was made at %s, before it was due at %s", i, c.now(), due(0))
			}
		}
		if _, _, more := turns.next(); more {
			t.Fatal("there is one too many")
		}
		turns.end()
	})
}

func TestTimetableEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	turns := load{count: 10, interval: time.Hour}.turns(ctx, newClock())
	if _, _, more := turns.next(); more {
		t.Error("a request was due after the end")
	}
	turns.end()
}

func TestSystemClockSleepsLongEnough(t *testing.T) {
	t.Parallel()
	c := newClock()
	at := c.now() + 2*time.Millisecond
	if err := c.sleepUntil(t.Context(), at); err != nil || c.now() < at {
		t.Errorf("woke at %s, before %s (%v)", c.now(), at, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.sleepUntil(ctx, c.now()+time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled sleep: %v", err)
	}
}

// fakeService answers requests for codes, and sends no mail.
type fakeService struct {
	*httptest.Server

	mu     sync.Mutex
	asked  map[string]int
	answer http.HandlerFunc
}

func newFakeService(t *testing.T, answer http.HandlerFunc) *fakeService {
	t.Helper()
	f := &fakeService{asked: map[string]int{}, answer: answer}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Email string }
		err := json.NewDecoder(r.Body).Decode(&in)
		if err != nil || r.Header.Get("Authorization") != "Bearer key" || r.Method+r.URL.Path != "POST/api/verification-codes" {
			http.Error(w, "not a request for a code", http.StatusTeapot)
			return
		}
		f.mu.Lock()
		f.asked[in.Email]++
		f.mu.Unlock()
		f.answer(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeService) callers(t *testing.T, n int) []*caller {
	t.Helper()
	var list []*caller
	for range n {
		c := newCaller(strings.TrimPrefix(f.URL, "http://"), "key")
		t.Cleanup(c.close)
		list = append(list, c)
	}
	return list
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func TestDriveAsksForEachCodeOnce(t *testing.T) {
	t.Parallel()
	answers := map[string]http.HandlerFunc{
		"no content": noContent,
		"a body":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"id":"x"}`)) },
		"closing": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			noContent(w, r)
		},
	}
	for name, answer := range answers {
		for kind, interval := range map[string]time.Duration{"closed": 0, "open": 50 * time.Microsecond} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				f := newFakeService(t, answer)
				led := newLedger(1000, 100, 0)
				l := load{count: 100, callers: 4, interval: interval}
				if err := l.drive(t.Context(), newClock(), f.callers(t, 4), led); err != nil {
					t.Fatal(err)
				}
				for i := range 100 {
					if n := f.asked[recipient(1000+i)]; n != 1 {
						t.Errorf("code %d was asked for %d times", i, n)
					}
					if led.asked[i] < led.due[i] || led.answered[i] <= led.asked[i] {
						t.Errorf("code %d was due at %s, asked for at %s and answered at %s", i, led.due[i], led.asked[i], led.answered[i])
					}
				}
				if led.accepted.Load() != 100 || led.failures.Load() != 0 {
					t.Errorf("%d accepted, %d failed", led.accepted.Load(), led.failures.Load())
				}
			})
		}
	}
}

func TestDriveCountsFailures(t *testing.T) {
	t.Parallel()
	turn := 0
	f := newFakeService(t, func(w http.ResponseWriter, r *http.Request) {
		turn++ // one caller, so one at a time
		switch turn {
		case 2:
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"code":"request.limit","message":"Too many."}`))
		case 3:
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		default:
			noContent(w, r)
		}
	})
	led := newLedger(0, 5, 0)
	if err := (load{count: 5, callers: 1}).drive(t.Context(), newClock(), f.callers(t, 1), led); err != nil {
		t.Fatal(err)
	}
	if led.accepted.Load() != 3 || led.failures.Load() != 2 {
		t.Errorf("%d accepted, %d failed", led.accepted.Load(), led.failures.Load())
	}
	if err := led.firstFailure(); err == nil || !strings.Contains(err.Error(), "request.limit: Too many.") {
		t.Errorf("the first failure: %v", err)
	}
	if led.answered[1] != 0 || led.answered[2] != 0 {
		t.Error("failed requests are among the answered ones")
	}
}

func TestDriveGivesUp(t *testing.T) {
	t.Parallel()
	f := newFakeService(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	for _, l := range []load{{count: 100_000, callers: 2}, {count: 100_000, callers: 2, interval: time.Microsecond}} {
		led := newLedger(0, l.count, 0)
		if err := l.drive(t.Context(), newClock(), f.callers(t, 2), led); !errors.Is(err, errGivenUp) {
			t.Errorf("%v", err)
		}
		if n := led.failures.Load(); n < tolerated || n > tolerated+1 {
			t.Errorf("given up after %d failures", n)
		}
	}
}

func TestDriveEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := newFakeService(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done() // never answers
	})
	err := load{count: 10, callers: 2}.drive(ctx, newClock(), f.callers(t, 2), newLedger(0, 10, 0))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
