package guard

import "time"

// How many persons a source may have asked for in a day who have not verified.
const (
	// In peace. An IP address may have more for each one who verified.
	freeIP, freeBlock, freeNetwork = 20, 80, 400
	perPerson                      = 4

	// In an alert, when nobody verified. The second one from an IP address has
	// to wait; see doubt.
	newIP, newBlock, newNetwork = 2, 8, 40
	// In an alert, more for an address where people verified earlier, and for
	// one in a block where people verify.
	earlierIP, provenBlock = 20, 10
)

// How long a source has to wait.
const (
	doubt     = 5 * time.Minute  // in an alert, between the first two persons of an IP address
	atOnce    = 30 * time.Second // the same in a network where people verify
	quiet     = time.Hour        // in an alert, after the last person, for more than newIP
	stopped   = 15 * time.Minute // the least time that a source is stopped
	slow      = time.Minute      // between persons, when slowed
	slowBlock = 10 * time.Minute // the same for a block in an alert
)

// When a source is what.
const (
	strikes      = 3  // persons refused until an IP address is stopped
	groupStrikes = 20 // and until a block or domain is
	someVerify   = 5  // persons who verified at a block or network that is trusted

	corrections = 2 // persons in a row that do not count
	correctedIn = 10 * time.Minute

	// A domain stands out when its share of the persons asked for is at least
	// 1/standing, and at least unusual times that of those who ever verified.
	standing = 4
	unusual  = 4
	fewAt    = 30 // persons at a domain are too few to stand out
	fewEver  = 40 // persons who verified say too little of what is usual
)

// verdict is what becomes of a request. The zero verdict lets it pass.
type verdict struct {
	source Kind
	level  Level
	wait   time.Duration
}

// judging is a request with the sources that it belongs to. Those of its IP
// address are nil when that is not known.
type judging struct {
	t                      *tenant
	r                      request
	single, block, network *source
	domain                 *source
}

func (j *judging) judge() verdict {
	if j.single != nil {
		if v := j.judgeIP(); v.level != "" {
			return v
		}
		if v := j.judgeBlock(j.block, freeBlock, newBlock); v.level != "" {
			return v
		}
		if v := j.judgeBlock(j.network, freeNetwork, newNetwork); v.level != "" {
			return v
		}
	}
	return j.judgeDomain()
}

// judgeIP judges by the IP address.
func (j *judging) judgeIP() verdict {
	if j.t.strict(j.single) {
		return j.judgeIPInAlert()
	}
	s, now := j.single, j.t.now
	today := periodOf(now, day)
	outstanding, bound := s.outstanding.sum(today), freeIP+perPerson*s.verified.sum(today)
	switch {
	case outstanding < bound:
		return verdict{}
	case outstanding >= 2*bound:
		return j.refuse(s, IP, Stopped, stopped)
	case now-s.lastPass >= slow:
		return verdict{}
	}
	return j.refuse(s, IP, Slowed, s.lastPass+slow-now)
}

// judgeIPInAlert lets pass what people at the address may ask for. Beyond
// that, it lets pass one when the address has been quiet. What it refuses
// counts as if it had passed.
func (j *judging) judgeIPInAlert() verdict {
	s, now := j.single, j.t.now
	today := periodOf(now, day)
	refused := s.refused.sum(today)
	asked := s.outstanding.sum(today) + refused
	if asked < j.boundInAlert() || j.correction() {
		return verdict{}
	}
	rest := quiet
	if asked < newIP {
		rest = doubt
		if j.trusted(j.network) {
			rest = atOnce
		}
	}
	again := s.lastAsk + rest
	if s.waiting == j.r.hash { // what they were told
		again = s.until
	}
	if now >= again {
		return verdict{}
	}
	level := Slowed
	if refused+1 >= strikes {
		level, again = Stopped, max(again, now+stopped)
	}
	j.strike(again)
	return j.refuse(s, IP, level, again-now)
}

// strike counts a person who is told to wait until a time, once.
func (j *judging) strike(until time.Duration) {
	s := j.single
	if s.waiting != j.r.hash {
		s.waiting, s.until, s.lastAsk = j.r.hash, until, j.t.now
		s.refused.add(periodOf(j.t.now, day))
	}
}

// boundInAlert is how many persons the IP address may ask for in an alert,
// less one.
func (j *judging) boundInAlert() int {
	bound := newIP - 1
	if j.ipProven() {
		verified := j.single.verified.sum(periodOf(j.t.now, day))
		earlier := j.single.regulars.sum(periodOf(j.t.now, month)) - verified
		bound = 2*(verified+1) + min(max(earlier, 0), earlierIP)
	}
	if j.trusted(j.block) {
		bound += provenBlock
	}
	return bound
}

// correction reports whether the person is likely the last one, mistyped.
func (j *judging) correction() bool {
	s := j.single
	return s.corrections < corrections && j.t.now-s.lastPass <= correctedIn && corrects(s.person, j.r.person)
}

// trusted reports whether people verify in a block or network.
func (j *judging) trusted(s *source) bool {
	if s.regulars.sum(periodOf(j.t.now, month)) < someVerify {
		return false
	}
	current, ratio := periodOf(j.t.now, spell), j.t.alert.ratio()
	asked, confirmed := float64(s.asked.sum(current)), float64(s.confirmed.sum(current))
	return asked-confirmed <= 5+1.5*(1-ratio)/ratio*confirmed
}

// judgeBlock judges by a block or network that the IP address is in.
func (j *judging) judgeBlock(s *source, inPeace, inAlert int) verdict {
	now := j.t.now
	today := periodOf(now, day)
	bound, wait := inPeace, slow
	if j.t.alert.on {
		bound, wait = inAlert, slowBlock
	}
	switch outstanding := s.outstanding.sum(today); {
	case outstanding < bound || s.regulars.sum(periodOf(now, month)) >= someVerify || j.ipProven():
		return verdict{}
	case s.refused.sum(today) >= groupStrikes || outstanding >= 2*bound:
		s.refused.add(today)
		return j.refuse(s, Block, Stopped, stopped)
	case now-s.lastPass >= wait:
		return verdict{}
	}
	s.refused.add(today)
	return j.refuse(s, Block, Slowed, s.lastPass+wait-now)
}

// ipProven reports whether people verify at the IP address.
func (j *judging) ipProven() bool {
	return j.single != nil && j.single.regulars.sum(periodOf(j.t.now, month)) > 0
}

// judgeDomain judges by the domain of the recipient.
func (j *judging) judgeDomain() verdict {
	s, now := j.domain, j.t.now
	if !j.t.alert.on || j.ipProven() || !j.standsOut() {
		return verdict{}
	}
	if _, known := j.t.known.find(j.r.hash); known {
		return verdict{}
	}
	today := periodOf(now, day)
	if s.refused.sum(today) >= groupStrikes {
		return j.refuse(s, Domain, Stopped, stopped)
	}
	if now-s.lastPass >= slow {
		return verdict{}
	}
	s.refused.add(today)
	return j.refuse(s, Domain, Slowed, s.lastPass+slow-now)
}

// standsOut reports whether the domain has a share of what is asked for that
// it never had of what was verified.
func (j *judging) standsOut() bool {
	t, s := j.t, j.domain
	current, lately := periodOf(t.now, spell), periodOf(t.now, month)
	asked, all := s.asked.sum(current), t.asked.sum(current)
	everybody, here := t.verified.sum(lately), s.regulars.sum(lately)
	if asked < fewAt || asked*standing < all || everybody < fewEver {
		return false
	}
	if float64(s.confirmed.sum(current)) >= t.alert.ratio()/10*float64(asked) {
		return false
	}
	return asked*everybody >= unusual*all*here // asked/all >= unusual * here/everybody
}

// count counts a request, whatever becomes of it.
func (j *judging) count() {
	current := periodOf(j.t.now, spell)
	for _, s := range []*source{j.domain, j.block, j.network} {
		if s != nil {
			s.asked.add(current)
		}
	}
}

// pass counts a request that passes for its IP address and block.
func (j *judging) pass() {
	today := periodOf(j.t.now, day)
	s := j.single
	correction := j.correction()
	s.lastAsk, s.lastPass = j.t.now, j.t.now
	j.block.lastPass, j.network.lastPass = j.t.now, j.t.now
	s.person, s.waiting = j.r.person, 0
	if correction {
		s.corrections++
		return
	}
	s.corrections = 0
	s.outstanding.add(today)
	if s.outstanding.sum(today) > newIP && !j.ipProven() {
		return // one address does not condemn those around it
	}
	j.block.outstanding.add(today)
	j.network.outstanding.add(today)
}

// refuse refuses a request, and tells of the source.
func (j *judging) refuse(s *source, k Kind, l Level, wait time.Duration) verdict {
	if j.t.mayTell(s, l) {
		name := j.r.name
		switch s {
		case j.single:
			name = j.r.single.String()
		case j.block:
			name = j.r.single.around(ofBlock).String()
		case j.network:
			name = j.r.single.around(ofNetwork).String()
		}
		j.t.tell(Notice{Source: k, Name: name, Level: l, Outstanding: s.outstanding.sum(periodOf(j.t.now, day))})
	}
	return verdict{source: k, level: l, wait: max(wait, time.Second)}
}
