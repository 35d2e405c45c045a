package guard_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/guard"
)

// bench is a guard with a clock that stands until it is set.
type bench struct {
	t       *testing.T
	g       *guard.Guard
	now     time.Time
	notices []guard.Notice
	last    struct {
		kind  guard.Kind
		level guard.Level
	}
	names int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	b.g = guard.New(guard.Options{
		Now:    func() time.Time { return b.now },
		Notify: func(n guard.Notice) { b.notices = append(b.notices, n) },
		Refused: func(k guard.Kind, l guard.Level) {
			b.last.kind, b.last.level = k, l
		},
	})
	return b
}

func (b *bench) passes(person, ip string) {
	b.t.Helper()
	if wait, ok := b.g.Ask("t1", person, ip); !ok || wait != 0 {
		b.t.Errorf("%s from %q: wait %v, %v by %v; want it to pass", person, ip, wait, ok, b.last)
	}
}

func (b *bench) refused(person, ip string, level guard.Level) time.Duration {
	b.t.Helper()
	wait, ok := b.g.Ask("t1", person, ip)
	if ok || wait <= 0 || b.last.level != level {
		b.t.Errorf("%s from %q: wait %v, %v by %v; want it %s", person, ip, wait, ok, b.last, level)
	}
	return wait
}

// stranger returns a person like no other.
func (b *bench) stranger() string {
	b.names++
	return strings.Repeat(fmt.Sprintf("%x", b.names), 4) + "@gmail.com"
}

// attack asks for strangers, each from an address of its own, until there is
// an alert.
func (b *bench) attack() {
	b.t.Helper()
	for i := range 1000 {
		if b.g.Alerts() == 1 {
			return
		}
		b.g.Ask("t1", b.stranger(), fmt.Sprintf("198.51.%d.1", i%256))
	}
	b.t.Fatal("no alert")
}

// verifies has some persons verify from an address.
func (b *bench) verifies(n int, ip string) {
	b.t.Helper()
	for range n {
		p := b.stranger()
		b.passes(p, ip)
		b.g.Verified("t1", p)
	}
}

func TestResendsPass(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.passes("ann@example.com", "62.1.2.3")
	b.attack()
	for range 50 {
		b.passes("ann@example.com", "62.1.2.3")
	}
}

func TestCorrectionsPass(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attack()
	b.passes("ann.smiht@gmial.com", "62.1.2.3")
	b.passes("ann.smiht@gmail.com", "62.1.2.3")
	b.passes("ann.smith@gmail.com", "62.1.2.3")
	b.refused("ann.smith1@gmail.com", "62.1.2.3", guard.Slowed) // not on and on
}

func TestOneSourceInPeace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 20 {
		b.passes(b.stranger(), "62.1.2.3")
	}
	b.refused(b.stranger(), "62.1.2.3", guard.Slowed)
	b.passes(b.stranger(), "62.1.2.4")
	for range 20 {
		b.now = b.now.Add(time.Minute)
		b.passes(b.stranger(), "62.1.2.3")
		b.refused(b.stranger(), "62.1.2.3", map[bool]guard.Level{true: guard.Slowed, false: guard.Stopped}[b.now.Minute() < 20])
	}
	b.refused(b.stranger(), "62.1.2.3", guard.Stopped)
	b.passes(b.stranger(), "62.1.2.4")
}

func TestSourceInAnAlert(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.verifies(3, "80.1.1.7")
	b.now = b.now.Add(time.Hour)
	b.attack()

	b.passes(b.stranger(), "62.1.2.3")
	b.now = b.now.Add(5 * time.Minute)
	b.passes(b.stranger(), "62.1.2.3")
	b.now = b.now.Add(30 * time.Minute)
	b.attack() // goes on
	b.refused(b.stranger(), "62.1.2.3", guard.Slowed)
	b.refused(b.stranger(), "62.1.2.3", guard.Slowed)
	b.refused(b.stranger(), "62.1.2.3", guard.Stopped)
	for range 3 + 1 { // where people verify
		b.passes(b.stranger(), "80.1.1.7")
	}

	b.now = b.now.Add(25 * time.Minute)
	if n := b.g.Alerts(); n != 0 {
		t.Errorf("%d alerts after the end of the attack", n)
	}
	b.refused(b.stranger(), "62.1.2.3", guard.Stopped) // still
	b.now = b.now.Add(25 * time.Hour)
	b.passes(b.stranger(), "62.1.2.3")
	b.passes(b.stranger(), "62.1.2.3")
}

func TestBlocksAndNetworks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, ip string // with a place for a number
		step     int
		passes   int
		told     string
	}{
		{"/24", "62.1.2.%d", 1, 8, "62.1.2.0/24"},
		{"/16", "62.1.%d.1", 1, 40, "62.1.0.0/16"},
		{"/48", "2001:db8:1:%x::1", 1, 8, "2001:db8:1::/48"},
		{"/32", "2001:db8:%x::1", 1, 40, "2001:db8::/32"},
		{"/64", "2001:db8:1:1::%x", 1, 1, "2001:db8:1:1::/64"},
		{"IPv4 in IPv6", "::ffff:62.1.2.%d", 1, 8, "62.1.2.0/24"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.attack()
			for i := range c.passes {
				b.passes(b.stranger(), fmt.Sprintf(c.ip, i+1))
			}
			b.refused(b.stranger(), fmt.Sprintf(c.ip, c.passes+1), guard.Slowed)
			if n := b.notices[len(b.notices)-1]; n.Name != c.told || n.TenantID != "t1" || n.Outstanding != c.passes || !n.At.Equal(b.now) {
				t.Errorf("told %+v", n)
			}
		})
	}
}

func TestDomainThatStandsOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.verifies(50, "80.1.1.7")
	b.passes("ann@victim.example", "80.1.1.8")
	b.g.Verified("t1", "ann@victim.example")
	b.now = b.now.Add(26 * time.Hour) // more than a day is remembered of them
	at := func(i int) (string, string) {
		return fmt.Sprintf("%d-%d@victim.example", i, i*i), fmt.Sprintf("198.%d.1.1", i)
	}
	for i := range 160 {
		b.g.Ask("t1", firstOf(at(i)), secondOf(at(i)))
	}
	b.refused("bob@victim.example", "62.1.2.3", guard.Slowed)
	b.refused("bob@victim.example", "", guard.Slowed)
	if b.last.kind != guard.Domain {
		t.Errorf("refused by %v", b.last)
	}
	b.passes("bob@example.com", "62.1.2.3")
	b.passes("bob@victim.example", "80.1.1.7") // where people verify
	b.passes("ann@victim.example", "62.1.2.4") // verified this month
	for i := range 20 {
		b.g.Ask("t1", firstOf(at(1000+i)), "")
	}
	b.refused("cat@victim.example", "", guard.Stopped)
}

func firstOf(a, _ string) string  { return a }
func secondOf(_, b string) string { return b }

func TestNotices(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attack()
	if len(b.notices) != 1 || b.notices[0].Source != guard.Tenant || b.notices[0].Level != guard.Slowed || b.notices[0].Outstanding < 40 {
		t.Fatalf("told of the alert: %+v", b.notices)
	}
	b.passes(b.stranger(), "62.1.2.3")
	for range 50 {
		b.g.Ask("t1", b.stranger(), "62.1.2.3")
	}
	if len(b.notices) != 3 || b.notices[1].Level != guard.Slowed || b.notices[2].Level != guard.Stopped || b.notices[2].Name != "62.1.2.3" {
		t.Errorf("told of the source: %+v", b.notices[1:])
	}
	for i := range 100 {
		for range 5 {
			b.g.Ask("t1", b.stranger(), fmt.Sprintf("62.%d.2.3", i))
		}
	}
	if len(b.notices) != 21 {
		t.Errorf("told of %d sources in an hour", len(b.notices)-1)
	}
}

func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attack()
	for range 5 {
		if _, ok := b.g.Ask("t2", b.stranger(), "198.51.1.1"); !ok {
			t.Error("another tenant's attack")
		}
	}
}

func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attack()
	b.passes(b.stranger(), "62.1.2.3")
	b.now = b.now.Add(-100 * time.Hour)
	b.refused(b.stranger(), "62.1.2.3", guard.Slowed)
	b.now = b.now.Add(101 * time.Hour)
	b.passes(b.stranger(), "62.1.2.3")
}

// What is no address, and what was never asked for, is no reason to fail.
func TestOddInput(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.g.Verified("t1", "ann@example.com")
	for _, ip := range []string{"", "x", "fe80::1%eth0", "::", "255.255.255.255", strings.Repeat("1", 1000)} {
		for _, person := range []string{"", "@", "ann", "ann@", strings.Repeat("a", 1000) + "@b"} {
			b.passes(person, ip)
			b.g.Verified("t1", person)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	g := guard.New(guard.Options{Now: time.Now, Notify: func(guard.Notice) {}, Refused: func(guard.Kind, guard.Level) {}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 2000 {
				tenant, person := fmt.Sprint("t", j%3), fmt.Sprintf("%d-%d@example.com", i, j)
				if _, ok := g.Ask(tenant, person, fmt.Sprintf("10.%d.%d.1", i, j%100)); ok && j%5 > 0 {
					g.Verified(tenant, person)
				}
				if j%100 == 0 {
					g.Alerts()
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkAsk(b *testing.B) {
	for name, step := range map[string]time.Duration{"peace": time.Second, "attack": time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			g := guard.New(guard.Options{
				Now: func() time.Time { return now }, Notify: func(guard.Notice) {}, Refused: func(guard.Kind, guard.Level) {},
			})
			persons, ips := make([]string, 1<<16), make([]string, 500)
			for i := range persons {
				persons[i] = fmt.Sprintf("person-%d-%d@example.com", i, i*i)
			}
			for i := range ips {
				ips[i] = fmt.Sprintf("62.%d.%d.1", i%7, i%256)
			}
			b.ReportAllocs()
			for i := range b.N {
				now = now.Add(step)
				p := persons[i%len(persons)]
				if _, ok := g.Ask("t1", p, ips[i%len(ips)]); ok && name == "peace" {
					g.Verified("t1", p)
				}
			}
		})
	}
}
