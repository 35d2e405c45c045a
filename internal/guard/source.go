package guard

import "time"

// recent counts over one to two periods.
type recent struct {
	period    int32 // the one that now is about
	now, last uint32
}

func (r *recent) turn(period int32) {
	switch {
	case period <= r.period:
	case period == r.period+1:
		r.last, r.now, r.period = r.now, 0, period
	default:
		r.last, r.now, r.period = 0, 0, period
	}
}

func (r *recent) add(period int32) {
	r.turn(period)
	r.now++
}

// take takes one back.
func (r *recent) take(period int32) {
	r.turn(period)
	switch {
	case r.now > 0:
		r.now--
	case r.last > 0:
		r.last--
	}
}

func (r *recent) sum(period int32) int {
	r.turn(period)
	return int(r.now) + int(r.last)
}

// The periods of what a source is known for.
const (
	day   = 12 * time.Hour      // of what is outstanding, verified or refused: 12 to 24 hours
	month = 15 * 24 * time.Hour // of what is proven: 15 to 30 days
	spell = 10 * time.Minute    // of how things are: 10 to 20 minutes
)

// periodOf returns the period of some length that a time is in.
func periodOf(now, length time.Duration) int32 {
	return int32(now / length) //nolint:gosec // enough for 20,000 years of the shortest
}

// source is where requests come from, or a domain that they are about.
type source struct {
	outstanding recent // persons sent a code that they have not verified
	verified    recent // persons who have
	regulars    recent // the same, over a month
	refused     recent // persons not sent one
	asked       recent // persons asked for, of late
	confirmed   recent // persons who verified, of late

	lastAsk  time.Duration // when a person was last asked for, or -1
	lastPass time.Duration // when one was last sent a code, or -1

	// Of an IP address that nothing was verified from:
	person      string        // the last one sent a code, to know a correction
	corrections int           // persons that were corrections, since the last one that was not
	waiting     uint64        // who was told to wait
	until       time.Duration // for how long

	slowed, stopped time.Duration // when that was told, or -1
}

func newSource() *source { return &source{lastAsk: -1, lastPass: -1, slowed: -1, stopped: -1} }
