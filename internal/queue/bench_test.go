package queue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/queue/queuetest"
	"github.com/postern-mail/postern/test/servers"
)

// BenchmarkEmbedded inserts each job in a transaction of its own, from as many
// callers as there are workers. The transactions that wait at the same time
// share a commit, with synchronous=FULL.
func BenchmarkEmbedded(b *testing.B) {
	b.Run("many", func(b *testing.B) { throughput(b, embedded(), 32, 1) })
	b.Run("one by one", func(b *testing.B) { latency(b, embedded()) })
}

// BenchmarkRiver inserts jobs in transactions of 16, as a store does that
// groups what waits. PostgreSQL waits for the disk.
func BenchmarkRiver(b *testing.B) {
	e := riverEngine()
	e.NewDatabase = func(t testing.TB) string {
		url := servers.PostgresDurable(t)
		migrate(t, url)
		return url
	}
	b.Run("many", func(b *testing.B) { throughput(b, e, 2, 16) })
	b.Run("one by one", func(b *testing.B) { latency(b, e) })
}

// startBenchmark starts an engine with a handler that does nothing but tell.
func startBenchmark(b *testing.B, e queuetest.Engine) (n queuetest.Node, ran <-chan struct{}) {
	n, err := e.Open(e.NewDatabase(b), queue.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(n.Close)
	runs := make(chan struct{}, 2*b.N)
	if err := n.Start(b.Context(), func(context.Context, string) (queue.Result, error) {
		runs <- struct{}{}
		return queue.Result{}, nil
	}); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	return n, runs
}

// latency measures from the beginning of an insertion to the run of its job,
// with nothing else to do.
func latency(b *testing.B, e queuetest.Engine) {
	n, ran := startBenchmark(b, e)
	for i := range b.N {
		job := queue.Job{MessageID: fmt.Sprintf("message-%020d", i), Priority: queue.PriorityCode}
		if err := n.Insert(b.Context(), []queue.Job{job}, nil); err != nil {
			b.Fatal(err)
		}
		<-ran
	}
	b.StopTimer()
	if err := n.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// throughput measures jobs from insertion to the return of a handler that does
// nothing, the recording of their ends included.
func throughput(b *testing.B, e queuetest.Engine, callers, size int) {
	n, ran := startBenchmark(b, e)
	var inserting sync.WaitGroup
	for c := range callers {
		inserting.Go(func() {
			for i := c * size; i < b.N; i += callers * size {
				jobs := make([]queue.Job, 0, size)
				for k := i; k < min(i+size, b.N); k++ {
					jobs = append(jobs, queue.Job{MessageID: fmt.Sprintf("message-%020d", k), Priority: queue.PriorityCode})
				}
				if err := n.Insert(b.Context(), jobs, nil); err != nil {
					b.Errorf("insert: %v", err)
				}
			}
		})
	}
	inserting.Wait()
	for range b.N {
		<-ran
	}
	if err := n.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}
