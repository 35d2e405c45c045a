package guard

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// How much a generation of a tenant's holds.
const (
	mostPersons = 20_000
	mostSources = 30_000
)

// noticesAnHour bounds the notices of sources of a tenant: an attack has
// hundreds of them.
const noticesAnHour = 20

// tenant is what is known of a tenant.
type tenant struct {
	guard *Guard

	mu      sync.Mutex
	now     time.Duration // never goes back
	alert   alert
	persons generations[uint64, *person]
	// Strangers are sources that nobody verified from. They are apart so that a
	// flood of them drives out no proven source.
	strangers generations[place, *source]
	proven    generations[place, *source]
	known     generations[uint64, struct{}] // persons who verified
	asked     recent                        // persons, of late
	verified  recent                        // persons, within a month
	notices   recent
	told      []Notice // to be passed on
}

// person is one who was sent a code of late.
type person struct {
	at       time.Duration
	from     [2]origin // the latest, at first none
	verified bool      // counted as such
}

// origin is an IP address that a person was asked for from.
type origin struct {
	ip       place
	credited bool // with the person's having verified
}

func newTenant(g *Guard) *tenant {
	return &tenant{
		guard:     g,
		persons:   newGenerations[uint64, *person](day, mostPersons, &g.pool),
		strangers: newGenerations[place, *source](day, mostSources, &g.pool),
		proven:    newGenerations[place, *source](month, mostSources, &g.pool),
		known:     newGenerations[uint64, struct{}](month, mostPersons, &g.pool),
	}
}

// forget gives back what the tenant holds of the pool.
func (t *tenant) forget() {
	t.persons.clear()
	t.strangers.clear()
	t.proven.clear()
	t.known.clear()
}

// request is what is asked for.
type request struct {
	person string
	hash   uint64
	single place // zero if it is not known
	domain place
	name   string // of the domain
}

func (g *Guard) request(person, ip string) request {
	r := request{person: person, hash: maphash.String(g.seed, person)}
	r.name = person[strings.LastIndexByte(person, '@')+1:]
	r.domain = place{reach: ofDomain, bits: maphash.String(g.seed, r.name)}
	if ip != "" {
		r.single = placeOf(ip)
	}
	return r
}

// turn brings the tenant to a time. A clock that goes back stands still.
func (t *tenant) turn(now time.Duration) {
	t.now = max(t.now, now)
	if t.alert.turn(t.now) {
		sum := t.alert.window.fresh
		sum.add(t.alert.window.ripe, 1)
		t.tell(Notice{Source: Tenant, Level: Slowed, Outstanding: sum.asked - sum.verified})
	}
}

// mayTell reports whether a source's being at a level is news, and notes that
// it is none any more.
func (t *tenant) mayTell(s *source, l Level) bool {
	last, hour := &s.slowed, periodOf(t.now, time.Hour)
	if l == Stopped {
		last = &s.stopped
	}
	if *last >= 0 && t.now-*last < 2*day || t.notices.sum(hour) >= noticesAnHour {
		return false
	}
	t.notices.add(hour)
	*last = t.now
	return true
}

// tell has a notice passed on when the tenant is unlocked.
func (t *tenant) tell(n Notice) {
	n.At = t.guard.began.Add(t.now)
	t.told = append(t.told, n)
}

// source returns what is known of a source.
func (t *tenant) source(p place) *source {
	if s, ok := t.proven.use(p, t.now); ok {
		return s
	}
	if s, ok := t.strangers.use(p, t.now); ok {
		return s
	}
	s := newSource()
	t.strangers.put(p, s, t.now)
	return s
}

// ask judges a request and counts it. act says as what, "" for another mail
// to the same person.
func (t *tenant) ask(r request, now time.Duration) (v verdict, act Act) {
	t.turn(now)
	if t.resent(r) {
		return verdict{}, ""
	}
	j := t.judging(r)
	if v = j.judge(); v.level == "" {
		t.count(j, Passed)
		return v, Passed
	}
	act = Refused
	if v.source == IP {
		act = Struck
	}
	t.count(j, act)
	return v, act
}

// observe counts what another node saw.
func (t *tenant) observe(r request, o Observation, now time.Duration) {
	t.turn(now)
	switch o.Act {
	case Verified:
		t.verify(r)
	case Struck:
		j := t.judging(r)
		if j.single != nil && t.strict(j.single) {
			j.strike(t.now + o.Wait)
		}
		t.count(j, Struck)
	case Passed:
		if !t.resent(r) {
			t.count(t.judging(r), Passed)
		}
	case Refused:
		t.count(t.judging(r), Refused)
	}
}

// resent reports whether the person was sent a code on behalf of the IP
// address before.
func (t *tenant) resent(r request) bool {
	who, ok := t.persons.find(r.hash)
	return ok && (r.single.reach == 0 || who.from[0].ip == r.single || who.from[1].ip == r.single)
}

func (t *tenant) judging(r request) *judging {
	j := &judging{t: t, r: r, domain: t.source(r.domain)}
	if r.single.reach != 0 {
		j.single = t.source(r.single)
		j.block, j.network = t.source(r.single.around(ofBlock)), t.source(r.single.around(ofNetwork))
	}
	return j
}

// count counts a request that was judged.
func (t *tenant) count(j *judging, act Act) {
	j.count()
	t.asked.add(periodOf(t.now, spell))
	if act != Passed {
		t.alert.window.count(t.now, count{refused: 1})
		return
	}
	who, asked := t.persons.find(j.r.hash)
	if !asked {
		who = &person{at: t.now}
		t.persons.put(j.r.hash, who, t.now)
		t.alert.window.count(t.now, count{asked: 1})
		j.domain.outstanding.add(periodOf(t.now, day))
		j.domain.lastPass = t.now
	}
	if j.single != nil {
		who.from[1], who.from[0] = who.from[0], origin{ip: j.r.single}
		j.pass()
	}
	t.turn(t.now)
}

// strict reports whether an IP address is judged as in an alert. One that was
// stopped in an alert is so for the day.
func (t *tenant) strict(s *source) bool {
	return t.alert.on || s.refused.sum(periodOf(t.now, day)) >= strikes
}

// verify credits the sources that asked for a person.
func (t *tenant) verify(r request) {
	who, ok := t.persons.find(r.hash)
	if !ok {
		return
	}
	for i := range who.from {
		from := &who.from[i]
		if from.ip.reach != 0 && !from.credited {
			from.credited = true
			t.credit(from.ip)
			t.credit(from.ip.around(ofBlock))
			t.credit(from.ip.around(ofNetwork))
		}
	}
	if who.verified {
		return
	}
	who.verified = true
	t.alert.window.count(who.at, count{verified: 1})
	t.credit(r.domain)
	t.verified.add(periodOf(t.now, month))
	if _, ok := t.known.use(r.hash, t.now); !ok {
		t.known.put(r.hash, struct{}{}, t.now)
	}
}

// credit counts a person who verified for a source, which is proven by it.
func (t *tenant) credit(p place) {
	s, ok := t.proven.use(p, t.now)
	if !ok {
		if s, ok = t.strangers.use(p, t.now); ok {
			t.strangers.drop(p)
		} else {
			s = newSource()
		}
		t.proven.put(p, s, t.now)
	}
	s.person = ""
	s.outstanding.take(periodOf(t.now, day))
	s.verified.add(periodOf(t.now, day))
	s.regulars.add(periodOf(t.now, month))
	s.confirmed.add(periodOf(t.now, spell))
}
