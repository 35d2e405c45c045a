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

func (c *count) add(o count) {
	c.asked += o.asked
	c.verified += o.verified
	c.refused += o.refused
}

// many reports whether so many were asked for.
func (c *count) many(least float64) bool { return float64(c.asked) >= least }

// low reports whether fewer of them than a ratio have verified.
func (c *count) low(ratio float64) bool { return float64(c.verified) < ratio*float64(c.asked) }

// window is what was asked for in the last twelve minutes.
type window struct {
	slices [slices]count
	at     int64 // the slice that now is in
}

// turn makes room for a time, which is not before that of the last call.
func (w *window) turn(now time.Duration) {
	at := int64(now / slice)
	for i := max(w.at+1, at-slices+1); i <= at; i++ {
		w.slices[i%slices] = count{}
	}
	w.at = at
}

// of returns the count of a time, or nil when it is past.
func (w *window) of(at time.Duration) *count {
	i := int64(at / slice)
	if i <= w.at-slices || i > w.at {
		return nil
	}
	return &w.slices[i%slices]
}

// sums returns what was asked for in the last two minutes, and what in the ten
// before.
func (w *window) sums() (fresh, settled count) {
	for back := range slices {
		i := w.at - back
		switch {
		case i < 0:
		case back < young:
			fresh.add(w.slices[i%slices])
		default:
			settled.add(w.slices[i%slices])
		}
	}
	return fresh, settled
}
