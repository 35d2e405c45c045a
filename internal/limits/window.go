package limits

import (
	"encoding/binary"
	"errors"
	"time"
)

// slices is how finely a window is cut. What was counted comes free again at
// most a hundredth of the window late, and never early.
const slices = 100

// Rule allows so many in any period of this length. The zero Rule allows any
// number.
type Rule struct {
	Limit  int
	Period time.Duration // at least slices milliseconds
}

// Off reports whether the rule allows any number.
func (r Rule) Off() bool { return r.Limit <= 0 }

// slice is the length of a slice.
func (r Rule) slice() time.Duration { return max(r.Period/slices, time.Millisecond) }

// Window is how much was counted of late, and when. The zero Window is
// nothing.
type Window struct {
	// Until is when what is counted is no longer blocked, or zero: see Block.
	Until time.Time

	slice  time.Duration
	counts []count // newest first
}

// count is how much was counted in one slice.
type count struct {
	slice int64 // since 1970
	n     int
}

// Take counts n if the rule allows it at a time. Otherwise it counts nothing
// and returns how long it takes until the rule allows it, at the earliest.
func (w *Window) Take(r Rule, n int, at time.Time) (wait time.Duration, ok bool) {
	if r.Off() {
		return 0, true
	}
	if w.Until.After(at) {
		return w.Until.Sub(at), false
	}
	now := w.turn(r, at)
	sum := 0
	for _, c := range w.counts {
		sum += c.n
	}
	if sum+n <= r.Limit {
		w.add(now, n)
		return 0, true
	}
	// The oldest slices come free first.
	for i := len(w.counts) - 1; i >= 0 && sum+n > r.Limit; i-- {
		sum -= w.counts[i].n
		free := time.Unix(0, (w.counts[i].slice+slices+1)*int64(w.slice))
		wait = max(free.Sub(at), time.Millisecond)
	}
	return wait, false
}

// Strike counts a failed try. The one that reaches the limit of the policy
// blocks the window.
func (w *Window) Strike(p Sentinel, at time.Time) {
	spare := Rule{Limit: p.MaxAttempts - 1, Period: SentinelPeriod}
	if _, ok := w.Take(spare, 1, at); !ok || spare.Off() {
		w.Block(at.Add(time.Duration(p.LockoutDuration) * time.Minute))
	}
}

// Give takes back n that were counted at a time.
func (w *Window) Give(n int, at time.Time) {
	if w.slice == 0 {
		return
	}
	slice := at.UnixNano() / int64(w.slice)
	for i := range w.counts {
		if w.counts[i].slice == slice {
			w.counts[i].n = max(0, w.counts[i].n-n)
		}
	}
}

// Block forgets what was counted and refuses everything until a time.
func (w *Window) Block(until time.Time) { *w = Window{Until: until} }

// Ends is when the window says nothing any more.
func (w *Window) Ends() time.Time {
	if len(w.counts) == 0 {
		return w.Until
	}
	free := time.Unix(0, (w.counts[0].slice+slices+1)*int64(w.slice))
	if w.Until.After(free) {
		return w.Until
	}
	return free
}

// turn drops what is out of the window and returns the slice of a time.
func (w *Window) turn(r Rule, at time.Time) int64 {
	now := at.UnixNano() / int64(r.slice())
	if w.slice != r.slice() { // the rule was changed: what was counted counts as of now
		sum := 0
		for _, c := range w.counts {
			sum += c.n
		}
		w.slice, w.counts = r.slice(), nil
		if sum > 0 {
			w.counts = []count{{now, sum}}
		}
		return now
	}
	if len(w.counts) > 0 && w.counts[0].slice > now {
		// The clock went back. Within a window it is taken for standing still; a
		// clock that was further ahead was wrong, and what it counted is of now.
		if ahead := w.counts[0].slice - now; ahead <= slices {
			now = w.counts[0].slice
		} else {
			for i := range w.counts {
				w.counts[i].slice -= ahead
			}
		}
	}
	kept := w.counts[:0]
	for _, c := range w.counts {
		if c.slice >= now-slices && c.n > 0 {
			kept = append(kept, c)
		}
	}
	w.counts = kept
	return now
}

func (w *Window) add(slice int64, n int) {
	if len(w.counts) > 0 && w.counts[0].slice == slice {
		w.counts[0].n += n
		return
	}
	w.counts = append(w.counts, count{})
	copy(w.counts[1:], w.counts)
	w.counts[0] = count{slice, n}
}

// errState is returned for what AppendTo has not written.
var errState = errors.New("not the state of a limit")

// AppendTo appends the window as it is stored.
func (w *Window) AppendTo(b []byte) []byte {
	until := int64(0)
	if !w.Until.IsZero() {
		until = w.Until.UnixMilli()
	}
	b = binary.AppendVarint(b, until)
	b = binary.AppendVarint(b, int64(w.slice))
	last := int64(0)
	for i, c := range w.counts {
		if i == 0 {
			b = binary.AppendVarint(b, c.slice)
		} else {
			b = binary.AppendVarint(b, last-c.slice)
		}
		b = binary.AppendVarint(b, int64(c.n))
		last = c.slice
	}
	return b
}

// ReadWindow reads a window as it was stored; nothing is the zero Window.
func ReadWindow(b []byte) (Window, error) {
	var w Window
	if len(b) == 0 {
		return w, nil
	}
	next := func() (v int64) {
		v, n := binary.Varint(b)
		if n <= 0 {
			b = nil
			return -1
		}
		b = b[n:]
		return v
	}
	if until := next(); until != 0 {
		w.Until = time.UnixMilli(until)
	}
	w.slice = time.Duration(next())
	last := int64(0)
	for len(b) > 0 {
		c := count{slice: next()}
		if len(w.counts) > 0 {
			c.slice = last - c.slice
		}
		c.n, last = int(next()), c.slice
		w.counts = append(w.counts, c)
	}
	for _, c := range w.counts {
		if c.n < 0 || c.slice < 0 {
			return Window{}, errState
		}
	}
	if w.slice < 0 || len(w.counts) > slices+1 {
		return Window{}, errState
	}
	return w, nil
}
