package guard

import (
	"math"
	"time"
)

// The rule of the alert.
const (
	// few is how many persons in ten minutes are no attack, whatever becomes
	// of them.
	few = 40
	// drop is how far below the usual the ratio of an attack is, at least.
	drop = 0.4
	// surge is how many times as many persons as usually verify are so many
	// that their ratio is looked at. It is against an outage of the mail
	// provider, in which nobody verifies.
	surge = 4
	// rush is how many persons in two minutes are too many to wait for how many
	// of them verify, if almost nobody has yet.
	rush = 150
	// calm is how long nothing has to look like an attack until the alert ends.
	calm = 10 * time.Minute

	learning = 10 * time.Minute
	memory   = 144.0 // times learning: a day
)

// alert watches a tenant as a whole.
type alert struct {
	window window
	on     bool
	bad    time.Duration // when things last looked like an attack

	learned time.Duration // when it was last learned
	usual   float64       // persons who verify in ten minutes
	// Persons asked for, and those who verified, both fading within a day.
	persons, verified float64
}

// ratio is the tenant's usual ratio of persons who verify. It begins at a half.
func (a *alert) ratio() float64 {
	return min(max((a.verified+10)/(a.persons+20), 0.2), 0.95)
}

// turn brings the alert to a time; began is whether it begins there.
func (a *alert) turn(now time.Duration) (began bool) {
	a.window.turn(now)
	fresh, ripe := a.window.fresh, a.window.ripe
	if now-a.learned >= learning {
		a.learn(now, ripe)
	}
	usual, ratio := surge*a.usual, a.ratio()
	if !a.on {
		a.on = ripe.many(max(few, usual)) && ripe.low(drop*ratio) ||
			fresh.many(max(rush, usual/3)) && fresh.low(ratio/10)
		a.bad = now
		return a.on
	}
	// Who is refused goes on attacking.
	ripe.asked, fresh.asked = ripe.asked+ripe.refused, fresh.asked+fresh.refused
	if ripe.many(max(few, usual)/2) && ripe.low(0.7*ratio) || fresh.many(rush/3) && fresh.low(ratio/10) {
		a.bad = now
	}
	a.on = now-a.bad < calm
	return false
}

// learn takes the ten minutes before the last two as usual. Only who verifies
// counts for what is usual, so nobody can get a tenant used to attacks.
func (a *alert) learn(now time.Duration, ripe count) {
	periods := math.Floor(float64(now-a.learned) / float64(learning))
	a.learned = now
	if a.on {
		return
	}
	// Before these ten minutes there may long have been nothing.
	idle := math.Exp(-(periods - 1) / memory)
	fade := math.Exp(-1 / memory)
	a.usual = a.usual*idle*fade + float64(ripe.verified)*(1-fade)
	if ripe.many(few/2) && ripe.low(drop*a.ratio()) {
		return
	}
	a.persons = a.persons*idle*fade + float64(ripe.asked)
	a.verified = a.verified*idle*fade + float64(ripe.verified)
}
