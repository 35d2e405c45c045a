package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ledger keeps what happened to each code of one run. All times are the
// clock's.
type ledger struct {
	first int // number of the run's first recipient

	// due is when the request was to be sent, asked when it was, answered when
	// it was accepted (0: it was not). Each place has one writer, and is read
	// when all callers are done.
	due, asked, answered []time.Duration
	arrived              []atomic.Int64 // when the mail came; 0: not yet

	accepted, came, copies, failures atomic.Int64

	expected atomic.Int64 // how many are to come; 0: not known yet
	complete chan struct{}
	once     sync.Once

	mu      sync.Mutex
	failure error // the first one
	keep    int   // mails of every keep-th recipient are kept; 0: none
	kept    map[int][]byte
}

func newLedger(first, count, keep int) *ledger {
	return &ledger{
		first: first, keep: keep, kept: map[int][]byte{},
		due: make([]time.Duration, count), asked: make([]time.Duration, count), answered: make([]time.Duration, count),
		arrived: make([]atomic.Int64, count), complete: make(chan struct{}),
	}
}

func (l *ledger) accept(i int, due, asked, answered time.Duration) {
	l.due[i], l.asked[i], l.answered[i] = due, asked, answered
	l.accepted.Add(1)
}

// refuse notes a failed request and returns how many have failed.
func (l *ledger) refuse(err error) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = err
	}
	return l.failures.Add(1)
}

func (l *ledger) firstFailure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// arrive notes a mail. It returns false for a recipient of another run.
func (l *ledger) arrive(recipient int, at time.Duration) bool {
	i := recipient - l.first
	if i < 0 || i >= len(l.arrived) {
		return false
	}
	if !l.arrived[i].CompareAndSwap(0, int64(at)) {
		l.copies.Add(1)
		return true
	}
	l.check(l.came.Add(1))
	return true
}

// wants tells whether the mail itself is to be kept.
func (l *ledger) wants(recipient int) bool {
	i := recipient - l.first
	return l.keep > 0 && i >= 0 && i < len(l.arrived) && i%l.keep == 0
}

func (l *ledger) keepMail(recipient int, raw []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept[recipient] = raw
}

func (l *ledger) check(came int64) {
	if expected := l.expected.Load(); expected > 0 && came >= expected {
		l.once.Do(func() { close(l.complete) })
	}
}

// await waits for the mails of all accepted codes: until they are there, or
// none came for as long as patience.
func (l *ledger) await(ctx context.Context, patience time.Duration) error {
	expected := l.accepted.Load()
	if expected == 0 {
		return nil
	}
	l.expected.Store(expected)
	l.check(l.came.Load())
	for before := l.came.Load(); ; before = l.came.Load() {
		t := time.NewTimer(patience)
		select {
		case <-l.complete:
			t.Stop()
			return nil
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("wait for mails: %w", ctx.Err())
		case <-t.C:
		}
		if l.came.Load() == before {
			return nil // what is missing is lost
		}
	}
}

// span is the time from the first request to the last mail.
func (l *ledger) span() time.Duration {
	var begin, end time.Duration
	for i := range l.due {
		if at := time.Duration(l.arrived[i].Load()); at > end {
			end = at
		}
		if l.answered[i] != 0 && (begin == 0 || l.asked[i] < begin) {
			begin = l.asked[i]
		}
	}
	return end - begin
}

// steps are the durations of the steps of every code that went all the way.
type steps struct {
	lag       []time.Duration // due -> asked: the generator's own delay
	accept    []time.Duration // due -> answered
	delivered []time.Duration // answered -> arrived; 0 when the mail was faster than the answer
	whole     []time.Duration // due -> arrived
}

func (l *ledger) steps() steps {
	var s steps
	for i, answered := range l.answered {
		if answered == 0 {
			continue
		}
		s.lag = append(s.lag, l.asked[i]-l.due[i])
		s.accept = append(s.accept, answered-l.due[i])
		if at := time.Duration(l.arrived[i].Load()); at != 0 {
			s.delivered = append(s.delivered, max(0, at-answered))
			s.whole = append(s.whole, at-l.due[i])
		}
	}
	return s
}

// lost counts the accepted codes whose mails did not come.
func (l *ledger) lost() int {
	n := 0
	for i, answered := range l.answered {
		if answered != 0 && l.arrived[i].Load() == 0 {
			n++
		}
	}
	return n
}
