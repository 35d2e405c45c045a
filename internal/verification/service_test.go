package verification_test

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/tenants"
	"github.com/postern-mail/postern/internal/verification"
)

// memory is a verification.Store; the real ones have their own suite.
type memory struct {
	mu       sync.Mutex
	codes    []verification.Code
	messages []outbox.Message
	tries    map[string]*limits.Window
}

func (m *memory) SaveCode(_ context.Context, c verification.Code, msg outbox.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes = append(m.codes, c)
	m.messages = append(m.messages, msg)
	return nil
}

func (m *memory) SaveMessage(context.Context, outbox.Message) (string, error) {
	return "", errors.New("a code is saved with its message")
}

func (m *memory) CheckCodes(
	_ context.Context, s verification.Subject, limit int, tries string,
	check func([]verification.Code, *limits.Window) verification.Decision,
) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tries[tries] == nil {
		m.tries[tries] = &limits.Window{}
	}
	var mine []verification.Code
	for _, c := range m.codes {
		if c.Subject == s {
			mine = append(mine, c)
		}
	}
	sort.Slice(mine, func(i, j int) bool { return mine[i].ID > mine[j].ID })
	d := check(mine[:min(limit, len(mine))], m.tries[tries])
	kept := m.codes[:0]
	for _, c := range m.codes {
		if d.UseUp && c.Subject == s {
			continue
		}
		if tries, ok := d.Tries[c.ID]; ok {
			c.Tries = tries
		}
		kept = append(kept, c)
	}
	m.codes = kept
	return nil
}

// bench is a Service with its surroundings.
type bench struct {
	*verification.Service
	store  *memory
	outbox *outbox.Outbox
	now    time.Time
	policy tenants.CodePolicy
	tries  limits.Sentinel
}

func newBench(t testing.TB) *bench {
	t.Helper()
	data, err := secrets.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secrets.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		store: &memory{tries: map[string]*limits.Window{}}, now: time.UnixMilli(1_760_000_000_000),
		policy: tenants.DefaultSettings().VerificationCodePolicy, tries: limits.Sentinel{MaxAttempts: 1000, LockoutDuration: 60},
	}
	now := func() time.Time { return b.now }
	b.outbox = outbox.New(b.store, keys, now)
	b.Service = verification.New(verification.Options{
		Store: b.store, Outbox: b.outbox, Keys: keys, Now: now,
		Settings: func(context.Context, string) (tenants.Settings, error) {
			return tenants.Settings{VerificationCodePolicy: b.policy, SentinelPolicy: b.tries}, nil
		},
	})
	return b
}

type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// issue asks for a code for ann and returns its digits, as the mail has them.
func (b *bench) issue(t failer) string {
	t.Helper()
	_, err := b.Issue(context.Background(), verification.Request{
		TenantID: "t1", Type: connector.SignIn, To: "Ann@example.com", SessionID: "s1",
		Payload: map[string]any{"application": map[string]any{"name": "App"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := b.outbox.OpenPayload(b.store.messages[len(b.store.messages)-1])
	if err != nil {
		t.Fatal(err)
	}
	return payload["code"].(string)
}

func (b *bench) check(digits string) string {
	return b.checkAs(verification.Subject{
		TenantID: "t1", Address: "ann@EXAMPLE.com", Type: connector.SignIn, SessionID: "s1",
	}, digits)
}

func (b *bench) checkAs(s verification.Subject, digits string) string {
	err := b.Check(context.Background(), s, digits)
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return f.Code
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// wrong returns digits that are none of codes.
func wrong(codes ...string) string {
	for i := 0; ; i++ {
		digits := fmt.Sprintf("%06d", i)
		taken := false
		for _, c := range codes {
			taken = taken || c == digits
		}
		if !taken {
			return digits
		}
	}
}

func equal(t failer, what, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %s, want %s", what, got, want)
	}
}

const (
	notFound = "verification_code.not_found"
	mismatch = "verification_code.code_mismatch"
	expired  = "verification_code.expired"
	maxTries = "verification_code.exceed_max_try"
)

func TestACodeVerifiesOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	equal(t, "before any code", b.check("123456"), notFound)
	digits := b.issue(t)
	if len(digits) != 6 {
		t.Fatalf("code %q", digits)
	}
	equal(t, "wrong code", b.check(wrong(digits)), mismatch)
	equal(t, "right code", b.check(digits), "ok")
	equal(t, "again", b.check(digits), notFound)
}

func TestACodeIsBoundToItsSubject(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	digits := b.issue(t)
	right := verification.Subject{TenantID: "t1", Address: "ann@example.com", Type: connector.SignIn, SessionID: "s1"}
	for name, change := range map[string]func(*verification.Subject){
		"tenant":  func(s *verification.Subject) { s.TenantID = "t2" },
		"address": func(s *verification.Subject) { s.Address = "bob@example.com" },
		"type":    func(s *verification.Subject) { s.Type = connector.Register },
		"session": func(s *verification.Subject) { s.SessionID = "" },
	} {
		other := right
		change(&other)
		equal(t, "another "+name, b.checkAs(other, digits), notFound)
		// The hash itself is bound too: a row moved to another subject is worthless.
		moved := b.store.codes[0]
		moved.Subject = other
		b.store.codes = append(b.store.codes, moved)
		equal(t, "a row moved to another "+name, b.checkAs(other, digits), mismatch)
	}
	equal(t, "its own subject", b.checkAs(right, digits), "ok")
}

func TestAResendKeepsTheCodeBeingTyped(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.issue(t)
	b.issue(t)
	b.issue(t)
	equal(t, "the oldest of three", b.check(first), "ok")

	first = b.issue(t)
	newer := []string{b.issue(t), b.issue(t), b.issue(t)}
	for _, n := range newer {
		if n == first {
			t.Skip("one in a million: two codes are the same")
		}
	}
	equal(t, "the oldest of four", b.check(first), mismatch)
	equal(t, "the second of four", b.check(newer[0]), "ok")
	equal(t, "a success uses up all", b.check(newer[2]), notFound)
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	digits := b.issue(t)
	b.now = b.now.Add(10*time.Minute - time.Millisecond)
	equal(t, "wrong one at the last moment", b.check(wrong(digits)), mismatch)
	b.now = b.now.Add(time.Millisecond)
	equal(t, "right one too late", b.check(digits), expired)
	later := b.issue(t)
	equal(t, "old one beside a new one", b.check(later), "ok")
}

func TestTries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.issue(t)
	for range 9 {
		equal(t, "wrong try", b.check(wrong(a)), mismatch)
	}
	c := b.issue(t) // a resend brings no new budget
	equal(t, "tenth wrong try", b.check(wrong(a, c)), mismatch)
	equal(t, "the first code", b.check(a), maxTries)
	equal(t, "the resent one", b.check(c), maxTries)
	d := b.issue(t) // a code asked for afterwards has its own
	equal(t, "old code after a new one", b.check(wrong(d)), mismatch)
	equal(t, "the new one", b.check(d), "ok")
}

// Whatever is asked for and tried in whatever order: no code that is still
// active has been compared with more than MaxTries wrong ones, and once the
// budget is used up nothing is compared until another code is asked for.
func TestBudgetHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		b.policy.MaxTries = rapid.IntRange(1, 4).Draw(rt, "max")
		b.policy.ActiveCodes = rapid.IntRange(1, 3).Draw(rt, "active")
		var codes []string
		var misses []int // by code, while it is active
		locked := false
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "issue") {
				codes, misses, locked = append(codes, b.issue(rt)), append(misses, 0), false
				continue
			}
			got := b.check(wrong(codes...))
			switch {
			case len(codes) == 0:
				equal(rt, "without a code", got, notFound)
			case locked:
				equal(rt, "after the budget is used up", got, maxTries)
			case got == maxTries:
				locked = true
			default:
				equal(rt, "wrong code", got, mismatch)
				for i := max(0, len(codes)-b.policy.ActiveCodes); i < len(codes); i++ {
					misses[i]++
				}
				if newest := misses[len(misses)-1]; newest > b.policy.MaxTries {
					rt.Fatalf("a code was compared with %d wrong ones, the budget is %d", newest, b.policy.MaxTries)
				}
			}
		}
	})
}

func TestNothingStoredShowsTheCode(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	digits := b.issue(t)
	stored := fmt.Sprintf("%q %q", b.store.codes[0].Hash, b.store.messages[0].Payload)
	for _, s := range []string{digits, "App"} {
		if strings.Contains(stored, s) {
			t.Errorf("%q is stored in plain", s)
		}
	}
	if m := b.store.messages[0]; m.Deadline != b.store.codes[0].ExpiresAt || m.To != "Ann@example.com" {
		t.Errorf("message %+v", m)
	}
}

const locked = "session.verification_blocked_too_many_attempts"

// Failed tries count on an address across codes, types and sessions, and no
// success makes up for them: whoever guesses may not wait for its owner.
func TestLockout(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.tries = limits.Sentinel{MaxAttempts: 12, LockoutDuration: 30}
	a := b.issue(t)
	for range 8 {
		equal(t, "wrong try", b.check(wrong(a)), mismatch)
	}
	equal(t, "right try", b.check(a), "ok")
	equal(t, "without a code", b.check(a), notFound) // no guess was compared
	c := b.issue(t)
	for range 4 {
		equal(t, "wrong try at another code", b.check(wrong(c)), mismatch)
	}
	equal(t, "right code", b.check(c), locked)
	d := b.issue(t)
	equal(t, "a new one", b.check(d), locked)
	other := verification.Subject{TenantID: "t1", Address: "ann+tag@example.com", Type: connector.Register}
	equal(t, "another type, and a tag", b.checkAs(other, d), locked)
	other.Address = "bob@example.com"
	equal(t, "another address", b.checkAs(other, d), notFound)
	other.TenantID, other.Address = "t2", "ann@example.com"
	equal(t, "another tenant", b.checkAs(other, d), notFound)

	b.now = b.now.Add(30*time.Minute - time.Millisecond)
	equal(t, "at the last moment", b.check(d), locked)
	b.now = b.now.Add(-time.Hour) // the clock goes back
	equal(t, "when the clock goes back", b.check(d), locked)
	b.now = b.now.Add(time.Hour + time.Millisecond)
	equal(t, "after it", b.check(b.issue(t)), "ok")
}

// A clock that goes back makes no code older than it is, and none younger.
func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	digits := b.issue(t)
	b.now = b.now.Add(-time.Hour)
	later := b.issue(t)
	b.now = b.now.Add(11 * time.Minute)
	equal(t, "the code asked for first", b.check(digits), "ok")
	equal(t, "both are used up", b.check(later), notFound)
}
