package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// load is a number of requests and when they are made.
type load struct {
	count   int
	callers int
	// interval is the time from one request to the next, however long the
	// answers take (open loop). 0 means that each caller asks again when it
	// has its answer (closed loop).
	interval time.Duration
}

// tolerated is how many requests may fail before a run is given up.
const tolerated = 100

var errGivenUp = errors.New("too many requests failed")

// drive makes the requests of a load and notes them in the ledger. It returns
// when all answers are there.
func (l load) drive(ctx context.Context, c clock, callers []*caller, led *ledger) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	turns := l.turns(ctx, c)
	var done sync.WaitGroup
	for _, who := range callers {
		done.Go(func() {
			for {
				i, due, more := turns.next()
				if !more || ctx.Err() != nil {
					return
				}
				asked := c.now()
				err := who.ask(ctx, led.first+i)
				switch {
				case err == nil:
					led.accept(i, due(asked), asked, c.now())
				case ctx.Err() != nil:
					return
				default:
					if led.refuse(err) >= tolerated {
						stop(errGivenUp)
					}
				}
			}
		})
	}
	done.Wait()
	turns.end()
	if err := context.Cause(ctx); err != nil {
		return errors.Join(fmt.Errorf("make requests: %w", err), led.firstFailure())
	}
	return nil
}

// turns hands out the requests of a load, each once.
type turns interface {
	// next returns a request's number and when it was due, given when it is
	// made. It waits until one is due; more is false when there are none left.
	next() (i int, due func(asked time.Duration) time.Duration, more bool)
	// end waits until nothing is left of it. The load's context is over, or
	// next has returned false.
	end()
}

func (l load) turns(ctx context.Context, c clock) turns {
	if l.interval == 0 {
		return &closedLoop{count: int64(l.count)}
	}
	return openLoop(ctx, c, l)
}

// closedLoop lets each caller go on at once.
type closedLoop struct {
	count  int64
	handed atomic.Int64
}

func (t *closedLoop) next() (int, func(time.Duration) time.Duration, bool) {
	i := t.handed.Add(1) - 1
	return int(i), func(asked time.Duration) time.Duration { return asked }, i < t.count
}

func (t *closedLoop) end() {}

// timetable makes a request due at fixed times. One that no caller is free
// for waits, and the wait counts: what a slow answer keeps others from is part
// of the latency (no coordinated omission).
type timetable struct {
	begin    time.Duration
	interval time.Duration
	due      chan int
	pacer    sync.WaitGroup
}

// openLoop starts the timetable of a load.
func openLoop(ctx context.Context, c clock, l load) *timetable {
	t := &timetable{begin: c.now() + l.interval, interval: l.interval, due: make(chan int, l.count)}
	t.pacer.Go(func() {
		defer close(t.due)
		for i := range l.count {
			if c.sleepUntil(ctx, t.at(i)) != nil {
				return
			}
			t.due <- i // never waits: there is room for all
		}
	})
	return t
}

func (t *timetable) at(i int) time.Duration { return t.begin + time.Duration(i)*t.interval }

func (t *timetable) next() (int, func(time.Duration) time.Duration, bool) {
	i, more := <-t.due
	return i, func(time.Duration) time.Duration { return t.at(i) }, more
}

func (t *timetable) end() { t.pacer.Wait() }
