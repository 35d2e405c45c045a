package guard

import (
	"hash/maphash"
	"sync"
	"time"
)

// Level is what happens to a source.
type Level string

// The levels.
const (
	Slowed  Level = "slowed"  // some of what it asks for is refused, to be asked for again
	Stopped Level = "stopped" // all is
)

// Kind is what kind of source something is.
type Kind string

// The kinds.
const (
	IP     Kind = "ip"     // an IPv4 address, or an IPv6 /64
	Block  Kind = "block"  // an IPv4 /24, or an IPv6 /48
	Domain Kind = "domain" // of recipients
	Tenant Kind = "tenant" // all of it: an alert has begun
)

// Event is the name by which notices are known.
const Event = "Message.RateLimited"

// Notice tells that a source is slowed or stopped.
type Notice struct {
	TenantID string
	Source   Kind
	// Name is the address, block or domain; "" for the tenant. It is not for
	// the label of a metric.
	Name  string
	Level Level
	// Outstanding is how many persons were sent a code because of the source
	// and have not verified it; for the tenant, within twelve minutes.
	Outstanding int
	At          time.Time
}

// Options are what a Guard needs. The functions are called without locks, by
// whoever calls the guard, and must not block.
type Options struct {
	// Now is time.Now, so that a clock that is set moves nothing, or a test's.
	Now func() time.Time
	// Notify hears once in a day of a source and a level, and of no more than
	// 20 sources an hour for each tenant.
	Notify func(Notice)
	// Refused hears of each request that is refused.
	Refused func(Kind, Level)
	// Share, if there are other nodes, has what this one sees passed to their
	// Observe, within seconds.
	Share func(Observation)
}

// Observation is what one node tells the others. It holds an address: it is to
// be sealed on its way, and not to be kept.
type Observation struct {
	TenantID string `json:"t"`
	Person   string `json:"p"`
	IP       string `json:"i,omitempty"`
	Act      Act    `json:"a"`
	// Wait is how long a person was told to wait who was Struck.
	Wait time.Duration `json:"w,omitempty"`
}

// Act is what an Observation is of.
type Act string

// The acts.
const (
	Passed   Act = "p" // a person was sent a code
	Refused  Act = "r" // a person was not, because of a block or domain
	Struck   Act = "s" // a person was not, because of the IP address
	Verified Act = "v" // a person verified
)

// Guard watches all tenants. It is safe for concurrent use.
type Guard struct {
	o     Options
	began time.Time
	seed  maphash.Seed
	pool  pool

	mu      sync.RWMutex
	tenants map[string]*tenant
	swept   time.Duration // when tenants were last let go of
}

// mostHeld bounds the persons and sources that are remembered of all tenants
// together, at about 160 bytes each.
const mostHeld = 250_000

// New makes a Guard that knows nothing.
func New(o Options) *Guard {
	return &Guard{
		o: o, began: o.Now(), seed: maphash.MakeSeed(), pool: pool{most: mostHeld}, tenants: make(map[string]*tenant),
	}
}

// Ask asks whether a mail of an anonymous type may be sent. person is the
// recipient by address.Person; ip is that of the client, or "". When it may
// not, wait is when to ask again. A mail that may be sent counts as sent.
func (g *Guard) Ask(tenantID, person, ip string) (wait time.Duration, ok bool) {
	t, r := g.tenant(tenantID), g.request(person, ip)
	t.mu.Lock()
	v, act := t.ask(r, g.now())
	told := t.told
	t.told = nil
	t.mu.Unlock()
	if act != "" {
		g.share(Observation{TenantID: tenantID, Person: person, IP: ip, Act: act, Wait: v.wait})
	}
	g.notify(tenantID, told)
	if v.level != "" {
		g.o.Refused(v.source, v.level)
	}
	return v.wait, v.level == ""
}

// Verified says that a person verified a code of an anonymous type.
func (g *Guard) Verified(tenantID, person string) {
	o := Observation{TenantID: tenantID, Person: person, Act: Verified}
	g.share(o)
	g.Observe(o)
}

// Observe counts what another node saw.
func (g *Guard) Observe(o Observation) {
	t, r := g.tenant(o.TenantID), g.request(o.Person, o.IP)
	t.mu.Lock()
	t.observe(r, o, g.now())
	told := t.told
	t.told = nil
	t.mu.Unlock()
	g.notify(o.TenantID, told)
}

func (g *Guard) share(o Observation) {
	if g.o.Share != nil {
		g.o.Share(o)
	}
}

func (g *Guard) notify(tenantID string, told []Notice) {
	for _, n := range told {
		n.TenantID = tenantID
		g.o.Notify(n)
	}
}

// Alerts returns how many tenants are in alert.
func (g *Guard) Alerts() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	n := 0
	for _, t := range g.tenants {
		t.mu.Lock()
		t.turn(g.now())
		if t.alert.on {
			n++
		}
		t.mu.Unlock()
	}
	return n
}

// now is the time since the guard was made.
func (g *Guard) now() time.Duration { return g.o.Now().Sub(g.began) }

func (g *Guard) tenant(id string) *tenant {
	g.mu.RLock()
	t := g.tenants[id]
	g.mu.RUnlock()
	if t != nil {
		return t
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if t, ok := g.tenants[id]; ok {
		return t
	}
	g.sweep()
	t = newTenant(g)
	g.tenants[id] = t
	return t
}

// sweep lets go of tenants that nobody asked anything of for two months. g.mu
// is locked.
func (g *Guard) sweep() {
	now := g.now()
	if now-g.swept < day {
		return
	}
	g.swept = now
	for id, t := range g.tenants {
		t.mu.Lock()
		if now-t.now > 4*month {
			t.forget()
			delete(g.tenants, id)
		}
		t.mu.Unlock()
	}
}
