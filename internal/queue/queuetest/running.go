package queuetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern-mail/postern/internal/queue"
)

func everyJobRunsOnce(b *bench) {
	const jobs, callers = 1000, 20
	var mu sync.Mutex
	counts := make(map[string]int)
	ran := make(chan struct{}, 2*jobs)
	n := b.start(queue.Options{Workers: 32}, func(_ context.Context, id string) (queue.Result, error) {
		mu.Lock()
		counts[id]++
		mu.Unlock()
		ran <- struct{}{}
		return queue.Result{}, nil
	})
	var inserting sync.WaitGroup
	for c := range callers {
		inserting.Go(func() {
			for i := range jobs / callers {
				job := normal(fmt.Sprintf("message-%d-%d", c, i))
				if i%2 == 0 {
					job.Priority = queue.PriorityCode
				}
				if err := n.Insert(b.Context(), []queue.Job{job}, nil); err != nil {
					b.Errorf("insert: %v", err)
				}
			}
		})
	}
	inserting.Wait()
	for range jobs {
		receive(b, ran, "a run")
	}
	b.stop(n)
	if len(counts) != jobs {
		b.Errorf("%d messages ran, want %d", len(counts), jobs)
	}
	for id, count := range counts {
		if count != 1 {
			b.Errorf("%s ran %d times", id, count)
		}
	}
	b.expectJobs(n, 0)
}

func insertBeforeStart(b *bench) {
	b.insert(b.open(queue.Options{}), code("from another node"))
	n := b.open(queue.Options{Workers: 1})
	b.insert(n, normal("from this one"))
	h, runs := note()
	b.startNode(n, h)
	b.expectRuns(runs, "from another node", "from this one")
}

func insertRolledBack(b *bench) {
	h, runs := note()
	n := b.start(queue.Options{}, h)
	broken := errors.New("broken")
	err := n.Insert(b.Context(), []queue.Job{code("undone"), normal("undone too")}, func() error { return broken })
	if !errors.Is(err, broken) {
		b.Fatalf("insert: %v, want %v", err, broken)
	}
	b.expectJobs(n, 0)
	b.insert(n, normal("kept"))
	b.expectRuns(runs, "kept")
	b.stop(n)
	b.expectNoRun(runs)
	b.expectJobs(n, 0)
}

func insertRefusesBadJobs(b *bench) {
	n := b.open(queue.Options{})
	for _, job := range []queue.Job{
		{Priority: queue.PriorityCode},
		{MessageID: "no priority"},
		{MessageID: "priority 5", Priority: 5},
	} {
		if err := n.Insert(b.Context(), []queue.Job{job}, nil); err == nil {
			b.Errorf("%+v was inserted", job)
		}
	}
	b.expectJobs(n, 0)
	b.insert(n) // nothing at all is fine
}

func dueTimeIsWaitedFor(b *bench) {
	type run struct {
		id string
		at time.Time
	}
	runs := make(chan run, 10)
	n := b.start(queue.Options{}, func(_ context.Context, id string) (queue.Result, error) {
		runs <- run{id, time.Now()}
		return queue.Result{}, nil
	})
	due := time.Now().Add(1500 * time.Millisecond)
	b.insert(n, at(due, code("later")), at(due.Add(-time.Hour), code("overdue")), code("now"))
	first := map[string]bool{}
	for range 2 {
		first[receive(b, runs, "the due jobs").id] = true
	}
	if !first["overdue"] || !first["now"] {
		b.Errorf("the first to run were %v", first)
	}
	if r := receive(b, runs, "the delayed job"); r.id != "later" || r.at.Before(due) {
		b.Errorf("%s ran %s before its time", r.id, due.Sub(r.at))
	}
}

func priorityThenDueTime(b *bench) {
	h, runs := note()
	n := b.open(queue.Options{Workers: 1})
	now := time.Now()
	b.insert(n,
		at(now.Add(-time.Second), normal("normal, new")),
		at(now.Add(-time.Minute), normal("normal, old")),
		at(now.Add(-2*time.Second), code("code, new")),
		at(now.Add(-time.Minute), code("code, old")))
	b.startNode(n, h)
	b.expectRuns(runs, "code, old", "code, new", "normal, old", "normal, new")
}

func retriesInOrder(b *bench) {
	var mu sync.Mutex
	retryAt := make(map[string]time.Time)
	runs := make(chan string, 10)
	early := make(chan string, 10)
	pauses := map[string]time.Duration{"a": 1400, "b": 300, "c": 700} // milliseconds
	n := b.open(queue.Options{Workers: 1})
	b.insert(n, normal("a"), normal("b"), normal("c"))
	begin := time.Now()
	b.startNode(n, func(_ context.Context, id string) (queue.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		runs <- id
		if due, again := retryAt[id]; again {
			if time.Now().Before(due) {
				early <- id
			}
			return queue.Result{}, nil
		}
		// From one moment, so that the order is certain.
		retryAt[id] = begin.Add(2*time.Second + pauses[id]*time.Millisecond)
		return queue.Result{RetryAt: retryAt[id]}, nil
	})
	first := map[string]bool{}
	for range 3 {
		first[receive(b, runs, "a first run")] = true
	}
	if len(first) != 3 {
		b.Fatalf("the first runs were %v", first)
	}
	b.expectRuns(runs, "b", "c", "a")
	b.stop(n)
	b.expectNoRun(runs)
	if len(early) > 0 {
		b.Errorf("%s ran before its RetryAt", <-early)
	}
	b.expectJobs(n, 0)
}

func quickBackoff(int) time.Duration { return 10 * time.Millisecond }

func errorAndPanicRetried(b *bench) {
	var tries atomic.Int32
	runs := make(chan string, 10)
	n := b.start(queue.Options{Backoff: quickBackoff}, func(_ context.Context, id string) (queue.Result, error) {
		runs <- id
		switch tries.Add(1) {
		case 1:
			return queue.Result{}, errors.New("the database is away")
		case 2:
			panic("a bug")
		case 3:
			var nothing []int
			return queue.Result{}, fmt.Errorf("never returned: %d", nothing[3])
		}
		return queue.Result{}, nil
	})
	b.insert(n, code("stubborn"))
	b.expectRuns(runs, "stubborn", "stubborn", "stubborn", "stubborn")
	b.stop(n)
	b.expectNoRun(runs)
	b.expectJobs(n, 0)
}

func backoffGrows(b *bench) {
	asked := make(chan int, 10)
	var tries atomic.Int32
	runs := make(chan string, 10)
	n := b.start(queue.Options{
		Backoff: func(failures int) time.Duration {
			asked <- failures
			return 10 * time.Millisecond
		},
	}, func(_ context.Context, id string) (queue.Result, error) {
		runs <- id
		switch tries.Add(1) {
		case 3: // the handler works, and wants a retry: counting begins anew
			return queue.Result{RetryAt: time.Now()}, nil
		case 5:
			return queue.Result{}, nil
		}
		return queue.Result{}, errors.New("broken")
	})
	b.insert(n, code("x"))
	b.expectRuns(runs, "x", "x", "x", "x", "x")
	b.stop(n)
	for i, want := range []int{1, 2, 1} {
		if got := receive(b, asked, "a back-off"); got != want {
			b.Errorf("back-off %d was asked for after %d failures, want %d", i+1, got, want)
		}
	}
}

func insertedAgainWhileRunning(b *bench) {
	runs, goOn := make(chan string, 10), make(chan struct{})
	n := b.start(queue.Options{}, func(ctx context.Context, id string) (queue.Result, error) {
		runs <- id
		wait(ctx, goOn)
		return queue.Result{}, nil
	})
	b.insert(n, code("x"))
	b.expectRuns(runs, "x")
	b.insert(n, code("x"))
	close(goOn)
	b.expectRuns(runs, "x")
	b.stop(n)
	b.expectNoRun(runs)
	b.expectJobs(n, 0)
}

func insertedAgainWhileWaiting(b *bench) {
	h, runs := note()
	n := b.start(queue.Options{}, h)
	b.insert(n, at(time.Now().Add(time.Hour), code("x")))
	b.insert(n, code("x"))
	b.expectRuns(runs, "x")
}

func cancelWaiting(b *bench) {
	h, runs := note()
	n := b.start(queue.Options{}, h)
	due := time.Now().Add(time.Second)
	b.insert(n, at(due, code("cancelled")), at(due, normal("kept")))
	if err := n.Cancel(b.Context(), "cancelled"); err != nil {
		b.Fatalf("cancel: %v", err)
	}
	if err := n.Cancel(b.Context(), "unknown"); err != nil {
		b.Fatalf("cancel of nothing: %v", err)
	}
	b.expectJobs(n, 1)
	b.expectRuns(runs, "kept")
	b.stop(n)
	b.expectNoRun(runs)
	b.expectJobs(n, 0)
}

func cancelLeavesRunning(b *bench) {
	runs, ended := make(chan string, 10), make(chan error, 10)
	goOn := make(chan struct{})
	n := b.start(queue.Options{Workers: 1}, func(ctx context.Context, id string) (queue.Result, error) {
		runs <- id
		wait(ctx, goOn)
		ended <- ctx.Err()
		return queue.Result{}, nil
	})
	b.insert(n, code("running"))
	b.expectRuns(runs, "running")
	b.insert(n, code("behind it"), normal("kept"))
	for _, id := range []string{"running", "behind it"} {
		if err := n.Cancel(b.Context(), id); err != nil {
			b.Fatalf("cancel: %v", err)
		}
	}
	b.expectJobs(n, 2)
	close(goOn)
	if err := receive(b, ended, "the end of the running job"); err != nil {
		b.Errorf("the running job was cancelled: %v", err)
	}
	b.expectRuns(runs, "kept")
	b.stop(n)
	b.expectNoRun(runs)
}

func depth(b *bench) {
	runs, goOn := make(chan string, 10), make(chan struct{})
	n := b.open(queue.Options{Workers: 1})
	if d := b.depth(n); d.Jobs != 0 || !d.OldestDue.IsZero() {
		b.Errorf("an empty queue has depth %+v", d)
	}
	due := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	b.insert(n, at(due.Add(time.Hour), code("later")))
	if d := b.depth(n); d.Jobs != 1 || !d.OldestDue.IsZero() {
		b.Errorf("a queue with a job for later has depth %+v", d)
	}
	b.insert(n, at(due.Add(-time.Hour), code("running")))
	b.startNode(n, func(ctx context.Context, id string) (queue.Result, error) {
		runs <- id
		wait(ctx, goOn)
		return queue.Result{}, nil
	})
	b.expectRuns(runs, "running")
	b.insert(n, at(due, normal("oldest")), normal("new"))
	if d := b.depth(n); d.Jobs != 4 || !d.OldestDue.Equal(due) {
		b.Errorf("depth %+v, want 4 jobs, the oldest due at %s", d, due)
	}
	close(goOn)
	b.expectRuns(runs, "oldest", "new")
	b.stop(n)
	if d := b.depth(n); d.Jobs != 1 || !d.OldestDue.IsZero() {
		b.Errorf("at the end the depth is %+v", d)
	}
}
