package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Tx is one writing transaction of the store.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// OnCommit runs f after the transaction is on disk.
	OnCommit(f func())
}

// Database is what the embedded engine needs of the store.
type Database interface {
	// Write runs fn within the next group commit. fn may run more than once (a
	// neighbour in the group failed and all are run again, one by one); when it
	// returns an error nothing of it is kept.
	Write(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// Reader is for queries outside of transactions.
	Reader() *sql.DB
}

type phase int

const (
	phaseIdle phase = iota
	phaseStarting
	phaseRunning
	phaseStopping
)

// Embedded is the engine on SQLite. It expects to be the only one that runs
// the jobs of its database: a starting engine takes over all jobs at once.
//
// A job that is due is leased to the engine by the very statement that inserts
// it, and starts when the commit is on disk: no claim is written, and nothing
// polls. Jobs that are due later, or more than the engine wants to hold, stay
// in the table and are claimed in batches. One goroutine, the keeper, does all
// the engine's writing; each of its writes records every result that came in
// meanwhile.
type Embedded struct {
	db Database
	o  Options

	mu      sync.Mutex
	phase   phase
	handler Handler
	owner   int64 // changes with every start and after a lost lease
	leases  int64 // number of the last lease
	held    *heldJobs
	ended   []*heldJob // results that are not on disk yet
	running int
	nextDue int64           // when a job in the table is next due; 0: none
	work    context.Context //nolint:containedctx // the life of the running handlers, until Stop or a lost lease
	cancel  context.CancelCauseFunc
	workers sync.WaitGroup

	wake chan struct{} // there may be something to write
	quit chan struct{} // closed to end the keeper
	done chan error    // what the keeper's last write said
}

var _ Engine = (*Embedded)(nil)

var (
	errLeaseLost = errors.New("queue: another process took over the jobs")
	errDrainOver = errors.New("queue: stopped")
)

// NewEmbedded makes an engine on db, which has the tables of EmbeddedSchema.
// It panics on negative options.
func NewEmbedded(db Database, o Options) *Embedded {
	o, err := o.withDefaults(defaultEmbeddedLease)
	if err != nil {
		panic(err)
	}
	return &Embedded{db: db, o: o, held: newHeldJobs(), wake: make(chan struct{}, 1)}
}

// Insert adds jobs within tx; they run after its commit, unless it is rolled
// back. Inserting works on an engine that was not started: the jobs then wait
// for the next start. A message that has a waiting job keeps that one, at the
// earlier of the two times; one whose job is running is run again after that.
func (e *Embedded) Insert(ctx context.Context, tx Tx, jobs ...Job) error {
	if len(jobs) == 0 {
		return nil
	}
	inserted := make([]*heldJob, len(jobs))
	for i, job := range jobs {
		if err := job.check(); err != nil {
			return err
		}
		inserted[i] = e.grant(job, i)
		if err := insertJob(ctx, tx, inserted[i]); err != nil {
			return err
		}
	}
	tx.OnCommit(func() { e.admit(inserted) })
	return nil
}

// grant decides whether a new job is inserted leased to this engine. ahead
// counts the jobs of the same call before it.
func (e *Embedded) grant(job Job, ahead int) *heldJob {
	now := e.now()
	j := &heldJob{messageID: job.MessageID, priority: job.Priority, due: now}
	if !job.DueAt.IsZero() {
		j.due = job.DueAt.UnixNano()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase == phaseRunning && j.due <= now && len(e.held.waiting)+ahead < e.room(job.Priority) {
		e.leases++
		j.lease = lease{owner: e.owner, number: e.leases}
	}
	return j
}

// room is how many jobs may wait in memory before further ones are left in the
// table. There is more of it for codes, so that they are not kept behind less
// urgent jobs that came first.
func (e *Embedded) room(priority int) int {
	if priority == PriorityCode {
		return 64 * e.o.Workers
	}
	return 16 * e.o.Workers
}

// admit takes in jobs whose insertion is on disk.
func (e *Embedded) admit(jobs []*heldJob) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range jobs {
		switch {
		case j.lease.owner == 0:
			e.expect(j.due)
		case j.lease.owner == e.owner && e.phase == phaseRunning:
			e.held.add(j)
		default:
			// Stopped, or displaced, since it was inserted: it stays in the
			// table, and is released when the next lease begins.
		}
	}
	e.dispatch()
}

// expect notes that a job in the table is due at due.
func (e *Embedded) expect(due int64) {
	if e.nextDue == 0 || due < e.nextDue {
		e.nextDue = due
		e.poke()
	}
}

func (e *Embedded) poke() {
	select {
	case e.wake <- struct{}{}:
	default: // it is awake already
	}
}

// dispatch starts workers for waiting jobs.
func (e *Embedded) dispatch() {
	if e.phase != phaseRunning {
		return
	}
	for e.running < e.o.Workers {
		j := e.held.pop()
		if j == nil {
			break
		}
		e.running++
		e.workers.Go(func() { e.runFrom(j) })
	}
	if e.wantsClaim(e.now()) {
		e.poke()
	}
}

// wantsClaim tells whether there is room for jobs that are due in the table.
func (e *Embedded) wantsClaim(now int64) bool {
	return e.phase == phaseRunning && e.nextDue != 0 && e.nextDue <= now &&
		len(e.held.waiting) < e.o.Workers
}

// runFrom is a worker: it runs j, and further jobs while there are any.
func (e *Embedded) runFrom(j *heldJob) {
	for j != nil {
		e.mu.Lock()
		ctx, h := e.work, e.handler
		e.mu.Unlock()
		res, err := call(ctx, h, j.messageID)
		result := e.judge(ctx, j, res, err)

		e.mu.Lock()
		j.state, j.result = jobEnded, result
		e.ended = append(e.ended, j)
		j = nil
		if e.phase == phaseRunning {
			j = e.held.pop()
		}
		if j == nil {
			e.running--
		}
		e.poke()
		e.mu.Unlock()
	}
}

// judge turns what a handler returned into what the table is to say.
func (e *Embedded) judge(ctx context.Context, j *heldJob, res Result, err error) jobResult {
	switch {
	case err == nil && res.RetryAt.IsZero():
		return jobResult{done: true}
	case err == nil:
		return jobResult{due: res.RetryAt.UnixNano()}
	case ctx.Err() != nil: // cancelled by us, so it is not the handler's fault
		return jobResult{due: j.due, failures: j.failures}
	}
	failures := j.failures + 1
	pause := e.o.Backoff(failures)
	logFailure(ctx, e.o.Logger, j.messageID, err, failures, pause)
	return jobResult{due: e.o.Now().Add(pause).UnixNano(), failures: failures}
}

// Start implements Engine.
func (e *Embedded) Start(ctx context.Context, h Handler) error {
	e.mu.Lock()
	if e.phase != phaseIdle {
		e.mu.Unlock()
		return errors.New("queue: already started")
	}
	e.phase = phaseStarting
	owner := newOwner()
	e.mu.Unlock()

	err := e.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		return beginOwner(ctx, tx, owner, e.leaseEnd())
	})

	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.phase = phaseIdle
		return fmt.Errorf("start queue: %w", err)
	}
	e.phase, e.handler, e.owner = phaseRunning, h, owner
	e.work, e.cancel = context.WithCancelCause(context.Background())
	e.held = newHeldJobs()
	e.nextDue = e.now() // look what is there
	e.quit, e.done = make(chan struct{}), make(chan error, 1)
	go e.keep(e.quit, e.done) //nolint:contextcheck // it outlives Start; Stop ends it
	return nil
}

// Stop implements Engine.
func (e *Embedded) Stop(ctx context.Context) error {
	e.mu.Lock()
	if e.phase != phaseRunning {
		e.mu.Unlock()
		return nil
	}
	e.phase = phaseStopping
	e.mu.Unlock()

	idle := make(chan struct{})
	go func() {
		defer close(idle)
		e.workers.Wait()
	}()
	var drained error
	select {
	case <-idle:
	case <-ctx.Done():
		drained = fmt.Errorf("drain queue: %w", ctx.Err())
		e.mu.Lock()
		e.cancel(errDrainOver)
		e.mu.Unlock()
		<-idle
	}
	close(e.quit)
	err := <-e.done

	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancel(errDrainOver)
	e.phase, e.owner, e.held, e.ended = phaseIdle, 0, newHeldJobs(), nil
	if drained != nil {
		return drained
	}
	return err
}

// Cancel implements Engine.
func (e *Embedded) Cancel(ctx context.Context, messageID string) error {
	e.mu.Lock()
	j := e.held.take(messageID)
	e.mu.Unlock()
	var l lease
	if j != nil {
		l = j.lease
	}
	err := e.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		return cancelJob(ctx, tx, messageID, l)
	})
	if err != nil && j != nil {
		e.admit([]*heldJob{j})
	}
	return err
}

// Depth implements Engine.
func (e *Embedded) Depth(ctx context.Context) (Depth, error) {
	now := e.now()
	e.mu.Lock()
	owner := e.owner
	n, oldest := e.held.unfinished()
	e.mu.Unlock()
	others, otherOldest, err := countOtherJobs(ctx, e.db.Reader(), owner, now)
	if err != nil {
		return Depth{}, err
	}
	if oldest == 0 || otherOldest != 0 && otherOldest < oldest {
		oldest = otherOldest
	}
	d := Depth{Jobs: n + others}
	if oldest != 0 {
		d.OldestDue = time.Unix(0, oldest)
	}
	return d, nil
}

func (e *Embedded) now() int64 { return e.o.Now().UnixNano() }

func (e *Embedded) leaseEnd() int64 { return e.o.Now().Add(e.o.Lease).UnixNano() }

// newOwner is a number that no other engine has.
func newOwner() int64 {
	return 1 + rand.Int64N(1<<62) //nolint:gosec // unique, not secret
}
