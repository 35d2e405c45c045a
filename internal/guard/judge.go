package guard

import "time"

// What a source may have outstanding, as a bound for one of which v persons
// verified.
const (
	perPerson = 4 // for each person who verified, always

	freeIP, freeBlock, freeNetwork = 20, 80, 400 // in peace
	newIP, newBlock, newNetwork    = 2, 8, 40    // in an alert, when nobody verified
	provenBlock                    = 10          // in an alert, more for an address in a block where people verify
)

const (
	strikes      = 3 // persons refused until an address is stopped
	groupStrikes = 20
	corrections  = 2 // in a row that do not count
	correctedIn  = 10 * time.Minute

	someVerify = 5 // people that make a block or network trusted

	doubt     = 5 * time.Minute  // between the persons of an address that nothing is known of
	atOnce    = 30 * time.Second // the same in a network where people verify
	quiet     = time.Hour        // of an address that asked for more than it may, in an alert
	stopped   = 15 * time.Minute // the least time that a source is stopped
	slow      = time.Minute      // between persons for a source that is slowed
	slowBlock = 10 * time.Minute // the same for a block in an alert

	// A domain stands out when its share of the persons asked for is at least
	// 1/standing, and was less than 1/unusual of that share among those who
	// verified.
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
	s, now := j.single, j.t.now
	today := periodOf(now, day)
	outstanding, verified := s.outstanding.sum(today), s.verified.sum(today)
	// Who was stopped in an alert stays in it for the day.
	if !j.t.alert.on && s.refused.sum(today) < strikes {
		bound := freeIP + perPerson*verified
		switch {
		case outstanding < bound, outstanding < 2*bound && now-s.lastPass >= slow:
			return verdict{}
		case outstanding < 2*bound:
			return j.refuse(s, IP, Slowed, s.lastPass+slow-now)
		}
		return j.refuse(s, IP, Stopped, stopped)
	}
	bound := 1
	if regulars := s.regulars.sum(periodOf(now, month)); regulars > 0 {
		bound = 2*(verified+1) + min(max(regulars-verified, 0), 20)
	}
	if j.trusted(j.block) {
		bound += provenBlock
	}
	asked := outstanding + s.refused.sum(today)
	if asked < bound {
		return verdict{}
	}
	if j.correction() {
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
	if s.waiting == j.r.hash {
		again = s.until
	}
	if now >= again {
		return verdict{}
	}
	level := Slowed
	if s.refused.sum(today)+1 >= strikes {
		level, again = Stopped, max(again, now+stopped)
	}
	if s.waiting != j.r.hash {
		s.waiting, s.until, s.lastAsk = j.r.hash, again, now
		s.refused.add(today)
	}
	return j.refuse(s, IP, level, again-now)
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

// refuse refuses a request, and tells of the source if that is new.
func (j *judging) refuse(s *source, k Kind, l Level, wait time.Duration) verdict {
	t := j.t
	if at, ok := s.told[l]; !ok || t.now-at >= 2*day {
		if hour := periodOf(t.now, time.Hour); t.notices.sum(hour) < noticesAnHour {
			t.notices.add(hour)
			if s.told == nil {
				s.told = make(map[Level]time.Duration)
			}
			s.told[l] = t.now
			name := j.r.name
			switch {
			case s == j.single:
				name = j.r.single.String()
			case s == j.block:
				name = j.r.single.around(ofBlock).String()
			case s == j.network:
				name = j.r.single.around(ofNetwork).String()
			}
			t.told = append(t.told, Notice{
				Source: k, Name: name, Level: l,
				Outstanding: s.outstanding.sum(periodOf(t.now, day)), At: t.guard.began.Add(t.now),
			})
		}
	}
	return verdict{source: k, level: l, wait: max(wait, time.Second)}
}
