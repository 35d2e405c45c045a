package guard

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCorrects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"ann@gmial.com", "ann@gmail.com", true},
		{"jhon.smiht@gmail.com", "john.smith@gmail.com", true},
		{"ann@gmail.co", "ann@gmail.com", true},
		{"ann@example.com", "anna1@example.com", true},
		{"ann@example.com", "ann@example.com", true},
		{"ann@example.com", "bob@example.com", false},
		{"ann@example.com", "annabel@example.com", false},
		{"jhon.smiht@gmial.com", "john.smith@gmail.com", false},
		{"", "ab", false},
	} {
		if got := corrects(c.a, c.b); got != c.want {
			t.Errorf("corrects(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

// The band must not change what the whole table says.
func TestCorrectsIsTheDistance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[abc]{1,9}`).Draw(t, "a")
		b := rapid.StringMatching(`[abc]{1,9}`).Draw(t, "b")
		if got, want := corrects(a, b), distance(a, b) <= edits; got != want {
			t.Fatalf("corrects(%q, %q) = %v; distance %d", a, b, got, distance(a, b))
		}
	})
}

// distance is that of optimal string alignment.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestGenerations(t *testing.T) {
	t.Parallel()
	p := &pool{most: 1 << 20}
	g := newGenerations[int, string](time.Hour, 3, p)
	for i := range 3 {
		g.put(i, "x", 0)
	}
	g.put(3, "x", 0) // the second generation
	g.use(1, 0)
	g.put(4, "x", 0)
	g.put(5, "x", 0) // the third
	for k, want := range map[int]bool{0: false, 1: true, 2: false, 3: true, 4: true, 5: true} {
		if _, ok := g.find(k); ok != want {
			t.Errorf("%d is there: %v", k, ok)
		}
	}
	if n := p.held.Load(); n != 4 {
		t.Errorf("%d held", n)
	}
	g.drop(1)
	g.put(6, "x", 3*time.Hour) // all are outdated
	if n := p.held.Load(); n != 1 {
		t.Errorf("%d held in the end", n)
	}
}

// A flood of sources, persons and tenants stays within bounds, and neither
// ends the alert nor makes a proven source a stranger.
func TestFloodIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := New(Options{Now: func() time.Time { return now }, Notify: func(Notice) {}, Refused: func(Kind, Level) {}})
	g.pool.most = 20_000
	g.Ask("t0", "ann@example.com", "80.1.1.7")
	g.Verified("t0", "ann@example.com")
	for i := range 200_000 {
		now = now.Add(time.Millisecond)
		tenant := fmt.Sprintf("t%d", i%4)
		g.Ask(tenant, fmt.Sprintf("%d-%x@example-%d.com", i, i, i%1000), fmt.Sprintf("2001:%x:%x:%x::1", i>>12, i>>4, i))
	}
	if held := g.pool.held.Load(); held > g.pool.most+4*4*least {
		t.Errorf("%d held", held)
	}
	counted := int64(0)
	for _, t := range g.tenants {
		counted += int64(len(t.persons.young) + len(t.persons.old) + len(t.strangers.young) + len(t.strangers.old) +
			len(t.proven.young) + len(t.proven.old) + len(t.known.young) + len(t.known.old))
	}
	if held := g.pool.held.Load(); held != counted {
		t.Errorf("%d held, but %d counted", held, counted)
	}
	if n := g.Alerts(); n != 4 {
		t.Errorf("%d alerts", n)
	}
	for i := range 4 {
		if _, ok := g.Ask("t0", fmt.Sprintf("new-%d%d%d@example.org", i, i, i), "80.1.1.7"); !ok {
			t.Errorf("person %d from a proven source was refused", i)
		}
	}
	// Tenants that are gone are let go of.
	now = now.Add(5 * month)
	g.Ask("another", "ann@example.com", "")
	if n := len(g.tenants); n != 1 || g.pool.held.Load() > 10 {
		t.Errorf("%d tenants, %d held", n, g.pool.held.Load())
	}
}
