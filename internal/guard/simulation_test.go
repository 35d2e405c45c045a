package guard_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/guard"
)

// traffic is what a tenant's people do, as it is drawn.
type traffic struct {
	Hourly   float64       // people who come for the first time
	Swing    float64       // of the hourly rate in the course of a day
	Ratio    float64       // of them who verify
	Offices  float64       // share of them in offices
	Mobile   float64       // and of those on mobile networks
	Couples  float64       // share of homes with two people who come on one day
	Apart    time.Duration // between the two, at least
	Networks int           // that homes are in, some much more than others
	Carriers int           // blocks of mobile networks
	NoIP     bool          // the backend does not pass the address on
	Seed     uint64
}

// attack is what somebody does to it.
type attack struct {
	Lasts     time.Duration
	Order     string
	Where     string
	Domains   string
	Verified  float64
	Addresses int
	IPs       int
}

func drawTraffic(t *rapid.T) traffic {
	return traffic{
		Hourly:   float64(rapid.IntRange(20, 400).Draw(t, "people an hour")),
		Swing:    rapid.Float64Range(0, 0.8).Draw(t, "swing"),
		Ratio:    rapid.Float64Range(0.55, 0.95).Draw(t, "ratio"),
		Offices:  rapid.Float64Range(0, 0.4).Draw(t, "offices"),
		Mobile:   rapid.Float64Range(0, 0.4).Draw(t, "mobile"),
		Couples:  rapid.Float64Range(0, 0.3).Draw(t, "couples"),
		Networks: rapid.IntRange(5, 300).Draw(t, "networks"),
		Carriers: rapid.IntRange(1, 4).Draw(t, "carriers"),
		Apart:    10 * time.Minute,
		Seed:     rapid.Uint64().Draw(t, "seed"),
	}
}

func drawAttack(t *rapid.T) attack {
	return attack{
		Lasts:    time.Duration(rapid.IntRange(5, 180).Draw(t, "minutes")) * time.Minute,
		Order:    rapid.SampledFrom([]string{"random", "bursts", "turns"}).Draw(t, "order"),
		Where:    rapid.SampledFrom([]string{"anywhere", "homes", "blocks", "IPv6"}).Draw(t, "where"),
		Domains:  rapid.SampledFrom([]string{"usual", "victim", "random"}).Draw(t, "domains"),
		Verified: rapid.SampledFrom([]float64{0, 0, 0.01}).Draw(t, "verified"),
		// The attack of the promise.
		Addresses: 10_000, IPs: 500,
	}
}

// step is one thing that happens.
type step struct {
	at      time.Duration
	person  string
	ip      string
	verify  bool // the person verifies, if a code was sent
	hostile bool
}

// world makes steps.
type world struct {
	traffic

	random *rand.Rand
	steps  []step
	names  int
	homes  map[string]bool
}

func newWorld(t traffic) *world {
	return &world{
		traffic: t,
		random:  rand.New(rand.NewPCG(t.Seed, 1)), //nolint:gosec // repeatable
		homes:   make(map[string]bool),
	}
}

func (w *world) between(a, b float64) float64 { return a + (b-a)*w.random.Float64() }

func (w *world) seconds(a, b float64) time.Duration {
	return time.Duration(w.between(a, b) * float64(time.Second))
}

// usually returns a domain as people have them.
func (w *world) usually() string {
	if w.random.Float64() < 0.7 {
		return []string{"gmail.com", "gmail.com", "gmail.com", "outlook.com", "outlook.com", "gmx.net", "web.de"}[w.random.IntN(7)]
	}
	return fmt.Sprintf("company-%d.example", int(80*w.random.ExpFloat64()))
}

// name returns a name that no other is like.
func (w *world) name() string {
	w.names++
	b := make([]byte, 0, 24)
	for range 5 + w.random.IntN(8) {
		b = append(b, byte('a'+w.random.IntN(26)))
	}
	return fmt.Sprintf("%s%d", b, w.names)
}

func (w *world) add(at time.Duration, addr, ip string, verify, hostile bool) {
	if w.NoIP {
		ip = ""
	}
	w.steps = append(w.steps, step{at, address.Person(addr), ip, verify, hostile})
}

// comes has a person come at a time.
func (w *world) comes(at time.Duration, ip string) {
	name, domain := w.name(), w.usually()
	addr := name + "@" + domain
	for n := 0; n < 2 && w.random.Float64() < 0.03; n++ {
		w.add(at, w.mistyped(name, domain), ip, false, false)
		at += w.seconds(15, 120)
	}
	w.add(at, addr, ip, false, false)
	for w.random.Float64() < 0.1 {
		at += w.seconds(20, 90)
		w.add(at, addr, ip, false, false)
	}
	if w.random.Float64() < w.Ratio {
		at += w.seconds(5, 180)
		w.add(at, addr, ip, true, false)
		if w.random.Float64() < 0.1 { // and signs in on the phone
			at += w.seconds(30, 7200)
			ip = w.carrier()
			w.add(at, addr, ip, false, false)
			w.add(at+w.seconds(5, 180), addr, ip, true, false)
		}
	}
}

func (w *world) mistyped(name, domain string) string {
	s := name + "@" + domain
	if w.random.Float64() < 0.3 {
		return name + "@" + strings.Replace(domain, "m", "n", 1)
	}
	i := w.random.IntN(len(name) - 1)
	switch w.random.IntN(3) {
	case 0: // left out
		return s[:i] + s[i+1:]
	case 1: // swapped
		return s[:i] + string(s[i+1]) + string(s[i]) + s[i+2:]
	default: // another
		return s[:i] + string(rune('a'+w.random.IntN(26))) + s[i+1:]
	}
}

// home returns an address in one of the networks that nobody else has.
func (w *world) home() string {
	for {
		network, block, host := int(float64(w.Networks)*math.Pow(w.random.Float64(), 3)), w.random.IntN(256), 1+w.random.IntN(254)
		ip := fmt.Sprintf("%d.%d.%d.%d", 20+network/256, network%256, block, host)
		if network%3 == 0 {
			ip = fmt.Sprintf("2001:%x:%x:%x::1", network, block*64+host%64, w.random.IntN(256))
		}
		if !w.homes[ip] {
			w.homes[ip] = true
			return ip
		}
	}
}

func (w *world) carrier() string {
	return fmt.Sprintf("100.64.%d.%d", w.random.IntN(w.Carriers), w.random.IntN(256))
}

// live adds the people of some time; rate is a factor on their number.
func (w *world) live(lasts time.Duration, rate func(time.Duration) float64) {
	office := func(i int) string { return fmt.Sprintf("80.%d.%d.7", i/256, i%256) }
	perDay := w.Hourly * 24
	many := 1 + int(perDay*w.Offices/60)
	for i := range many { // somebody verified there in earlier days
		for range 3 {
			addr, at := w.name()+"@"+w.usually(), w.seconds(0, 6*3600)
			w.add(at, addr, office(i), false, false)
			w.add(at+time.Minute, addr, office(i), true, false)
		}
	}
	for at := time.Duration(0); ; {
		hours := float64(at) / float64(time.Hour)
		now := w.Hourly * (1 + w.Swing*math.Sin(hours/24*2*math.Pi)) * rate(at)
		at += time.Duration(w.random.ExpFloat64() / now * float64(time.Hour))
		if at >= lasts {
			return
		}
		switch kind := w.random.Float64(); {
		case kind < w.Offices:
			w.comes(at, office(w.random.IntN(many)))
		case kind < w.Offices+w.Mobile:
			w.comes(at, w.carrier())
		default:
			ip := w.home()
			w.comes(at, ip)
			if w.random.Float64() < w.Couples {
				w.comes(at+w.Apart+time.Duration(w.random.ExpFloat64()*float64(2*time.Hour)), ip)
			}
		}
	}
}

// suffer adds an attack that begins at a time.
func (w *world) suffer(a attack, begin time.Duration) {
	ips := make([]string, a.IPs)
	cluster := 5 + w.random.IntN(45)
	for i := range ips {
		switch a.Where {
		case "anywhere":
			ips[i] = fmt.Sprintf("%d.%d.%d.%d", 110+w.random.IntN(60), w.random.IntN(256), w.random.IntN(256), w.random.IntN(256))
		case "homes":
			ips[i] = w.home()
		case "blocks":
			ips[i] = fmt.Sprintf("198.18.%d.%d", i/cluster, i%cluster*5)
		default:
			ips[i] = fmt.Sprintf("2a00:db8:%x:%x::1", i/cluster, i)
		}
	}
	turns := slices.Clone(ips)
	for i := range a.Addresses {
		share := w.random.Float64()
		ip := ips[w.random.IntN(len(ips))]
		switch a.Order {
		case "bursts":
			share = float64(i) / float64(a.Addresses)
			ip = ips[i*len(ips)/a.Addresses]
		case "turns":
			share = float64(i) / float64(a.Addresses)
			if i%len(turns) == 0 {
				w.random.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
			}
			ip = turns[i%len(turns)]
		}
		domain := "victim.example"
		switch a.Domains {
		case "usual":
			domain = w.usually()
		case "random":
			domain = w.name() + ".example"
		}
		at := begin + time.Duration(share*float64(a.Lasts))
		addr := w.name() + "@" + domain
		w.add(at, addr, ip, false, true)
		if w.random.Float64() < a.Verified {
			w.add(at+w.seconds(5, 60), addr, ip, true, true)
		}
	}
}

// tally is what came of it.
type tally struct {
	people, refused int      // times that people asked, and were refused
	refusals        []string // in words
	hostile, passed int      // times that the attacker asked, and was let pass
	notices         map[guard.Kind]int
}

// lag is how late a node hears of another.
const lag = 2 * time.Second

// nodes are guards that tell each other what they see.
type nodes struct {
	guards  []*guard.Guard
	now     time.Time
	by      string // what refused last
	sharing []shared
}

type shared struct {
	at   time.Time
	from int
	guard.Observation
}

func newNodes(n int, begin time.Time, notices map[guard.Kind]int) *nodes {
	ns := &nodes{now: begin}
	for i := range n {
		o := guard.Options{
			Now:     func() time.Time { return ns.now },
			Notify:  func(n guard.Notice) { notices[n.Source]++ },
			Refused: func(k guard.Kind, l guard.Level) { ns.by = fmt.Sprint(k, " ", l) },
		}
		if n > 1 {
			o.Share = func(o guard.Observation) { ns.sharing = append(ns.sharing, shared{ns.now.Add(lag), i, o}) }
		}
		ns.guards = append(ns.guards, guard.New(o))
	}
	return ns
}

// turn brings the nodes to a time.
func (ns *nodes) turn(now time.Time) {
	for len(ns.sharing) > 0 && !ns.sharing[0].at.After(now) {
		s := ns.sharing[0]
		ns.sharing, ns.now = ns.sharing[1:], s.at
		for i, g := range ns.guards {
			if i != s.from {
				g.Observe(s.Observation)
			}
		}
	}
	ns.now = now
}

// run lets everything happen to some nodes, each step at one of them, in order.
func (w *world) run(n int) tally {
	slices.SortStableFunc(w.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	got := tally{notices: make(map[guard.Kind]int)}
	ns := newNodes(n, begin, got.notices)
	sent := make(map[string]bool)
	for _, s := range w.steps {
		ns.turn(begin.Add(s.at))
		g := ns.guards[w.random.IntN(n)]
		if s.verify {
			if sent[s.person] {
				g.Verified("t1", s.person)
			}
			continue
		}
		wait, ok := g.Ask("t1", s.person, s.ip)
		sent[s.person] = sent[s.person] || ok
		switch {
		case s.hostile:
			got.hostile++
			if ok {
				got.passed++
			}
		default:
			got.people++
			if !ok {
				got.refused++
				got.refusals = append(got.refusals, fmt.Sprintf("at %v %s by %s for %v", s.at, s.ip, ns.by, wait))
			}
		}
	}
	return got
}
