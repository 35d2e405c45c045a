package guard

import "time"

const (
	slice   = 10 * time.Second
	settle  = 2 * time.Minute // in which most people who verify have verified
	watched = 12 * time.Minute
	slices  = int64(watched / slice)
	young   = int64(settle / slice)
)

// count is what was asked for in one slice of time.
type count struct {
	asked    int // persons
	verified int // those of them who have verified by now
	refused  int // persons
}

func (c *count) add(o count, times int) {
	c.asked += times * o.asked
	c.verified += times * o.verified
	c.refused += times * o.refused
}

// many reports whether so many were asked for.
func (c *count) many(least float64) bool { return float64(c.asked) >= least }

// low reports whether fewer of them than a ratio have verified.
func (c *count) low(ratio float64) bool { return float64(c.verified) < ratio*float64(c.asked) }

// window is what was asked for in the last twelve minutes.
type window struct {
	slices [slices]count
	at     int64 // the slice that now is in
	fresh  count // in the last two minutes
	ripe   count // in the ten before
}

// turn makes room for a time, which is not before that of the last call.
func (w *window) turn(now time.Duration) {
	at := int64(now / slice)
	if at-w.at >= slices {
		*w = window{at: at}
	}
	for w.at < at {
		w.at++
		w.ripe.add(w.slices[w.at%slices], -1) // the oldest
		w.slices[w.at%slices] = count{}
		ripened := w.slices[(w.at+slices-young)%slices]
		w.fresh.add(ripened, -1)
		w.ripe.add(ripened, 1)
	}
}

// count counts something asked for at a time.
func (w *window) count(at time.Duration, c count) {
	i := int64(at / slice)
	switch {
	case i > w.at || i <= w.at-slices:
		return // past
	case i > w.at-young:
		w.fresh.add(c, 1)
	default:
		w.ripe.add(c, 1)
	}
	w.slices[i%slices].add(c, 1)
}
