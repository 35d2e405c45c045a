package queuetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/postern-mail/postern/internal/queue"
)

func stopDrains(b *bench) {
	var begun, ended atomic.Int32
	runs := make(chan string, 100)
	goOn := make(chan struct{})
	n := b.start(queue.Options{Workers: 4}, func(ctx context.Context, id string) (queue.Result, error) {
		begun.Add(1)
		runs <- id
		wait(ctx, goOn)
		if ctx.Err() == nil {
			ended.Add(1)
		}
		return queue.Result{}, ctx.Err()
	})
	for i := range 4 {
		b.insert(n, normal(fmt.Sprint(i)))
	}
	for range 4 {
		receive(b, runs, "a run")
	}
	stopped := make(chan error, 1)
	go func() { stopped <- n.Stop(b.Context()) }()
	close(goOn)
	if err := receive(b, stopped, "the stop"); err != nil {
		b.Errorf("stop: %v", err)
	}
	if begun.Load() != 4 || ended.Load() != 4 {
		b.Errorf("when Stop returned %d handlers had begun and %d ended undisturbed, want 4", begun.Load(), ended.Load())
	}
	b.expectJobs(n, 0)
}

func stopLeavesWaiting(b *bench) {
	const jobs = 50
	var running atomic.Int32
	runs := make(chan string, jobs)
	h := func(ctx context.Context, id string) (queue.Result, error) {
		running.Add(1)
		defer running.Add(-1)
		runs <- id
		return queue.Result{}, nil
	}
	n := b.open(queue.Options{Workers: 1})
	for i := range jobs {
		b.insert(n, normal(fmt.Sprint(i)))
	}
	slow := make(chan struct{})
	b.startNode(n, func(ctx context.Context, id string) (queue.Result, error) {
		defer wait(ctx, slow)
		return h(ctx, id)
	})
	slow <- struct{}{} // let one job through, then stop
	go close(slow)
	b.stop(n)
	if running.Load() != 0 {
		b.Error("a handler was running after Stop had returned")
	}
	b.expectJobs(n, jobs-len(runs))

	rest := b.start(queue.Options{}, h)
	seen := make(map[string]bool)
	for range jobs {
		id := receive(b, runs, "the other jobs")
		if seen[id] {
			b.Errorf("%s ran twice", id)
		}
		seen[id] = true
	}
	b.stop(rest)
	b.expectJobs(rest, 0)
}

func stopCancels(b *bench) {
	runs, cancelled := make(chan string, 10), make(chan error, 10)
	// Cancelling is not the handler's fault, so there is no back-off.
	n := b.start(queue.Options{Backoff: noBackoff(b)}, func(ctx context.Context, id string) (queue.Result, error) {
		runs <- id
		<-ctx.Done()
		cancelled <- ctx.Err()
		return queue.Result{}, fmt.Errorf("interrupted: %w", ctx.Err())
	})
	b.insert(n, code("x"))
	b.expectRuns(runs, "x")
	over, cancel := context.WithCancel(b.Context())
	cancel()
	if err := n.Stop(over); !errors.Is(err, context.Canceled) {
		b.Errorf("stop: %v, want %v", err, context.Canceled)
	}
	select {
	case <-cancelled:
	default:
		b.Error("Stop returned before the handler")
	}
	b.expectJobs(n, 1)

	h, again := note()
	next := b.start(queue.Options{Backoff: noBackoff(b)}, h)
	b.expectRuns(again, "x")
	b.stop(next)
	b.expectJobs(next, 0)
}

func stopAndStartAgain(b *bench) {
	h, runs := note()
	n := b.start(queue.Options{}, h)
	b.stop(n)
	b.stop(n) // the second time there is nothing to do
	b.insert(n, code("x"))
	b.expectNoRun(runs)
	b.startNode(n, h)
	b.expectRuns(runs, "x")
	b.insert(n, code("y"))
	b.expectRuns(runs, "y")
	b.stop(n)
	b.expectJobs(n, 0)
}

func startTwice(b *bench) {
	h, runs := note()
	n := b.start(queue.Options{}, h)
	if err := n.Start(b.Context(), h); err == nil {
		b.Error("a started engine could be started")
	}
	b.insert(n, code("x"))
	b.expectRuns(runs, "x")
	b.stop(n)
	b.expectNoRun(runs)
}
