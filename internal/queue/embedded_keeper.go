package queue

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	// rewriteAfter is how long the keeper waits after a write that failed.
	rewriteAfter = time.Second
	// lastWriteLimit bounds the write that ends a stop.
	lastWriteLimit = 5 * time.Second
)

// pass is one write of the keeper: what goes in, and what came of it.
type pass struct {
	e     *Embedded
	owner int64
	ended []*heldJob
	beat  bool  // extend the lease
	begin bool  // get a new lease
	room  int   // how many jobs to claim
	claim lease // for those

	lost    bool
	claimed []*heldJob
	nextDue int64
}

// write is the transaction. It may run more than once, so it only sets fields.
func (p *pass) write(ctx context.Context, tx Tx) error {
	p.lost, p.claimed, p.nextDue = false, nil, 0
	for _, j := range p.ended {
		if err := recordResult(ctx, tx, j); err != nil {
			return err
		}
	}
	if p.begin {
		if err := addOwner(ctx, tx, p.owner, p.e.leaseEnd()); err != nil {
			return err
		}
	}
	if p.beat {
		held, err := extendLease(ctx, tx, p.owner, p.e.now(), p.e.leaseEnd())
		if err != nil || !held {
			p.lost = !held
			return err
		}
	}
	var err error
	if p.room > 0 {
		if p.claimed, err = claimJobs(ctx, tx, p.claim, p.e.now(), p.room); err != nil {
			return err
		}
	}
	// A beat also looks for what nobody told of: jobs of an ended lease, or
	// inserted by another process.
	if p.room > 0 || p.beat {
		p.nextDue, err = nextDue(ctx, tx)
	}
	return err
}

func (p *pass) empty() bool {
	return len(p.ended) == 0 && !p.beat && !p.begin && p.room == 0
}

// keep is the keeper: it writes whatever there is to write until quit is
// closed, then writes the rest and lets go of all jobs.
func (e *Embedded) keep(quit <-chan struct{}, done chan<- error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	every := e.o.Lease / 3
	nextBeat := e.o.Now().Add(every)
	begin := false
	for {
		select {
		case <-e.wake:
		case <-timer.C:
		case <-quit:
			done <- e.lastWrite()
			return
		}
		now := e.o.Now()
		p := e.plan(now)
		p.begin, p.beat = begin, !begin && !now.Before(nextBeat)
		if p.beat {
			nextBeat = now.Add(every)
		}
		if err := e.perform(p); err != nil {
			e.o.Logger.Error("the queue can not write; trying again",
				slog.Any("error", err), slog.Duration("in", rewriteAfter))
			if p.beat {
				nextBeat = now
			}
			e.pause(rewriteAfter, quit)
			e.poke()
			continue
		}
		begin = p.lost
		timer.Reset(e.untilNext(nextBeat))
	}
}

// plan takes what there is to write.
func (e *Embedded) plan(now time.Time) *pass {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := &pass{e: e, owner: e.owner, ended: e.ended}
	e.ended = nil
	if e.wantsClaim(now.UnixNano()) {
		p.room = e.room(PriorityNormal) - len(e.held.waiting)
		e.leases++
		p.claim = lease{owner: e.owner, number: e.leases}
		// Jobs that are inserted from here on announce themselves.
		e.nextDue = 0
	}
	return p
}

// perform writes p, and draws the consequences.
func (e *Embedded) perform(p *pass) error {
	if p.empty() {
		return nil
	}
	err := e.db.Write(context.Background(), p.write)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.ended = append(p.ended, e.ended...)
		if p.room > 0 {
			e.nextDue = 1 // look again
		}
		return fmt.Errorf("write queue: %w", err)
	}
	if p.lost {
		e.displaced()
	}
	for _, j := range p.ended {
		if !j.result.done {
			e.expect(j.result.due)
		}
		e.held.settle(j)
	}
	for _, j := range p.claimed {
		e.held.add(j)
	}
	if p.nextDue != 0 {
		e.expect(p.nextDue)
	}
	e.dispatch()
	return nil
}

// displaced gives up all jobs: another process has taken them over.
func (e *Embedded) displaced() {
	e.o.Logger.Error("another process took over the jobs of this database; is it served twice?")
	e.cancel(errLeaseLost)
	e.work, e.cancel = context.WithCancelCause(context.Background())
	e.owner = newOwner()
	e.held.dropWaiting()
	e.nextDue = 1 // look again
}

// lastWrite records the remaining results and lets go of the jobs that have
// not begun.
func (e *Embedded) lastWrite() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastWriteLimit)
	defer cancel()
	p := e.plan(e.o.Now())
	err := e.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		if err := p.write(ctx, tx); err != nil {
			return err
		}
		return endOwner(ctx, tx, p.owner)
	})
	if err != nil {
		return fmt.Errorf("stop queue: %w", err)
	}
	return nil
}

// untilNext is how long the keeper can sleep unless it is woken.
func (e *Embedded) untilNext(nextBeat time.Time) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.o.Now()
	d := nextBeat.Sub(now)
	if e.nextDue != 0 && len(e.held.waiting) < e.o.Workers {
		d = min(d, time.Unix(0, e.nextDue).Sub(now))
	}
	return max(d, 0)
}

func (e *Embedded) pause(d time.Duration, quit <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-quit:
	}
}
