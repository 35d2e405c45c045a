package queuetest

import (
	"context"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/queue"
)

// Node is one engine on a database, as a process has it.
type Node interface {
	queue.Engine
	// Insert adds jobs in one transaction, and calls before (unless it is nil)
	// in that transaction: when it fails, the transaction is rolled back and
	// Insert returns its error.
	Insert(ctx context.Context, jobs []queue.Job, before func() error) error
	// Close lets go of the database.
	Close()
}

// Engine is what the suite needs to know of an engine.
type Engine struct {
	Name string
	// ManyNodes says that several nodes may run the jobs of one database.
	ManyNodes bool
	// NewDatabase makes an empty database with the engine's tables and returns
	// its address. It is removed when the test ends.
	NewDatabase func(t testing.TB) string
	// Open opens the database at address, in any process.
	Open func(address string, o queue.Options) (Node, error)
}

// Run runs the suite.
func Run(t *testing.T, e Engine) {
	t.Helper()
	type test struct {
		name string
		run  func(*bench)
	}
	tests := []test{
		{"every job runs once", everyJobRunsOnce},
		{"insert before start", insertBeforeStart},
		{"insert rolled back", insertRolledBack},
		{"insert refuses bad jobs", insertRefusesBadJobs},
		{"a due time is waited for", dueTimeIsWaitedFor},
		{"priority, then due time", priorityThenDueTime},
		{"retries come in the order of their times", retriesInOrder},
		{"a handler's error and panic are retried", errorAndPanicRetried},
		{"back-off grows while the handler breaks", backoffGrows},
		{"inserted again while running", insertedAgainWhileRunning},
		{"inserted again while waiting", insertedAgainWhileWaiting},
		{"cancel a waiting job", cancelWaiting},
		{"cancel leaves a running job", cancelLeavesRunning},
		{"stop drains", stopDrains},
		{"stop leaves waiting jobs", stopLeavesWaiting},
		{"stop cancels when its time is over", stopCancels},
		{"stop and start again", stopAndStartAgain},
		{"start twice", startTwice},
		{"crash in the middle of a job", crash},
		{"depth", depth},
	}
	if e.ManyNodes {
		tests = append(tests,
			test{"nodes share the jobs", nodesShare},
			test{"a node takes over from a crashed one", takeOver})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(&bench{T: t, engine: e, address: e.NewDatabase(t)})
		})
	}
}

// failsafe ends a test that would wait for ever. It is no promise about speed.
const failsafe = 2 * time.Minute

// bench is one test's database, and what the tests say about it.
type bench struct {
	*testing.T

	engine  Engine
	address string
}

// open opens a node; the test's end stops and closes it.
func (b *bench) open(o queue.Options) Node {
	b.Helper()
	n, err := b.engine.Open(b.address, o)
	if err != nil {
		b.Fatalf("open: %v", err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // do not wait for handlers
		_ = n.Stop(ctx)
		n.Close()
	})
	return n
}

// start opens a node and starts it.
func (b *bench) start(o queue.Options, h queue.Handler) Node {
	b.Helper()
	n := b.open(o)
	b.startNode(n, h)
	return n
}

func (b *bench) startNode(n Node, h queue.Handler) {
	b.Helper()
	if err := n.Start(b.Context(), h); err != nil {
		b.Fatalf("start: %v", err)
	}
}

func (b *bench) insert(n Node, jobs ...queue.Job) {
	b.Helper()
	if err := n.Insert(b.Context(), jobs, nil); err != nil {
		b.Fatalf("insert: %v", err)
	}
}

// stop stops n and waits for its handlers.
func (b *bench) stop(n Node) {
	b.Helper()
	if err := n.Stop(b.Context()); err != nil {
		b.Fatalf("stop: %v", err)
	}
}

func (b *bench) depth(n Node) queue.Depth {
	b.Helper()
	d, err := n.Depth(b.Context())
	if err != nil {
		b.Fatalf("depth: %v", err)
	}
	return d
}

// expectJobs checks how many jobs there are.
func (b *bench) expectJobs(n Node, want int) {
	b.Helper()
	if d := b.depth(n); d.Jobs != want {
		b.Errorf("depth: %d jobs, want %d", d.Jobs, want)
	}
}

// receive waits for a value.
func receive[T any](b *bench, from <-chan T, what string) T {
	b.Helper()
	timer := time.NewTimer(failsafe)
	defer timer.Stop()
	select {
	case v := <-from:
		return v
	case <-timer.C:
		b.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// expectRuns waits for runs of exactly these messages, in this order.
func (b *bench) expectRuns(runs <-chan string, want ...string) {
	b.Helper()
	for i, w := range want {
		if got := receive(b, runs, "a run of "+w); got != w {
			b.Fatalf("run %d is of %s, want %s", i+1, got, w)
		}
	}
}

// expectNoRun checks that no further run was noted; it is for nodes that have
// stopped.
func (b *bench) expectNoRun(runs <-chan string) {
	b.Helper()
	select {
	case got := <-runs:
		b.Errorf("%s ran once too often", got)
	default:
	}
}

// note makes a handler that notes each run and ends the job.
func note() (queue.Handler, chan string) {
	runs := make(chan string, 10_000)
	return func(_ context.Context, id string) (queue.Result, error) {
		runs <- id
		return queue.Result{}, nil
	}, runs
}

// wait waits for goOn, or for the end of ctx: no handler outlives its test.
func wait(ctx context.Context, goOn <-chan struct{}) {
	select {
	case <-goOn:
	case <-ctx.Done():
	}
}

func normal(id string) queue.Job {
	return queue.Job{MessageID: id, Priority: queue.PriorityNormal}
}

func code(id string) queue.Job {
	return queue.Job{MessageID: id, Priority: queue.PriorityCode}
}

func at(due time.Time, job queue.Job) queue.Job {
	job.DueAt = due
	return job
}
