package queue_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/queue/queuetest"
	"github.com/postern-mail/postern/test/servers"
)

func TestRiver(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, riverEngine())
}

func riverEngine() queuetest.Engine {
	return queuetest.Engine{
		Name:      "river",
		ManyNodes: true,
		NewDatabase: func(t testing.TB) string {
			url := servers.Postgres(t)
			migrate(t, url)
			return url
		},
		Open: func(url string, o queue.Options) (queuetest.Node, error) {
			pool, err := pgxpool.New(context.Background(), url)
			if err != nil {
				return nil, err
			}
			r, err := queue.NewRiver(pool, o)
			if err != nil {
				return nil, err
			}
			return &riverNode{r, pool}, nil
		},
	}
}

func migrate(t testing.TB, url string) {
	t.Helper()
	pool := openPool(t, url)
	if err := queue.MigrateRiver(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
}

func openPool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

type riverNode struct {
	*queue.River

	pool *pgxpool.Pool
}

func (n *riverNode) Insert(ctx context.Context, jobs []queue.Job, before func() error) error {
	return pgx.BeginFunc(ctx, n.pool, func(tx pgx.Tx) error {
		if err := n.InsertTx(ctx, tx, jobs); err != nil || before == nil {
			return err
		}
		return before()
	})
}

func (n *riverNode) Close() { n.pool.Close() }

// started opens a migrated database with a node that runs h, and a connection
// to look behind the engine.
func started(t *testing.T, o queue.Options, h queue.Handler) (queuetest.Node, *pgxpool.Pool) {
	t.Helper()
	e := riverEngine()
	url := e.NewDatabase(t)
	n, err := e.Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_ = n.Stop(over)
		n.Close()
	})
	return n, openPool(t, url)
}

func execute(t *testing.T, pool *pgxpool.Pool, statement string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func insert(t *testing.T, n queuetest.Node, jobs ...queue.Job) {
	t.Helper()
	if err := n.Insert(t.Context(), jobs, nil); err != nil {
		t.Fatal(err)
	}
}

// River's scheduler has jobs that are due after more than five seconds.
func TestRiverRunsScheduledJobs(t *testing.T) {
	t.Parallel()
	ran := make(chan time.Time, 1)
	n, _ := started(t, queue.Options{}, func(context.Context, string) (queue.Result, error) {
		ran <- time.Now()
		return queue.Result{}, nil
	})
	due := time.Now().Add(5500 * time.Millisecond)
	insert(t, n, queue.Job{MessageID: "x", Priority: queue.PriorityCode, DueAt: due})
	if at := <-ran; at.Before(due) {
		t.Errorf("ran %s too early", due.Sub(at))
	}
}

func TestRiverNodeTakenForDead(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	begun, causes := make(chan struct{}, 10), make(chan error, 10)
	blame := func(failures int) time.Duration {
		t.Errorf("the handler was blamed for %d failures", failures)
		return 0
	}
	n, pool := started(t, queue.Options{Lease: 600 * time.Millisecond, Backoff: blame},
		func(ctx context.Context, _ string) (queue.Result, error) {
			begun <- struct{}{}
			if runs.Add(1) > 1 {
				return queue.Result{}, nil
			}
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return queue.Result{}, ctx.Err()
		})
	insert(t, n, queue.Job{MessageID: "x", Priority: queue.PriorityCode})
	<-begun
	execute(t, pool, "DELETE FROM queue_nodes")
	if cause := <-causes; cause == nil || errors.Is(cause, context.Canceled) {
		t.Errorf("the handler's context ended with %v, want the loss of the lease", cause)
	}
	<-begun // the node is known again, and goes on
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d, err := n.Depth(t.Context()); err != nil || d.Jobs != 0 {
		t.Errorf("depth %+v, %v, want no jobs", d, err)
	}
}

// A job can be marked as running on a node that knows nothing of it: the
// connection broke after its fetch was committed.
func TestRiverRunsStrandedJobs(t *testing.T) {
	t.Parallel()
	ran, held := make(chan string, 10), make(chan struct{})
	n, pool := started(t, queue.Options{Lease: 600 * time.Millisecond},
		func(ctx context.Context, id string) (queue.Result, error) {
			ran <- id
			if id == "long" {
				select {
				case <-held:
				case <-ctx.Done():
				}
			}
			return queue.Result{}, ctx.Err()
		})
	insert(t, n, queue.Job{MessageID: "long", Priority: queue.PriorityCode})
	if id := <-ran; id != "long" {
		t.Fatalf("%s ran", id)
	}
	later := time.Now().Add(time.Hour)
	insert(t, n, queue.Job{MessageID: "stranded", Priority: queue.PriorityCode, DueAt: later})
	execute(t, pool, `
UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), scheduled_at = now(),
    attempted_by = (SELECT array_agg(id) FROM queue_nodes)
WHERE args->>'message_id' = 'stranded'`)
	if id := <-ran; id != "stranded" {
		t.Fatalf("%s ran", id)
	}
	close(held)
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(ran) > 0 {
		t.Errorf("%s ran once more", <-ran)
	}
}

func TestRiverStopLeavesNothing(t *testing.T) {
	t.Parallel()
	ran := make(chan string, 1)
	n, pool := started(t, queue.Options{}, func(_ context.Context, id string) (queue.Result, error) {
		ran <- id
		return queue.Result{}, nil
	})
	insert(t, n, queue.Job{MessageID: "x", Priority: queue.PriorityCode})
	<-ran
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var nodes, unfinished int
	if err := pool.QueryRow(t.Context(), `
SELECT (SELECT count(*) FROM queue_nodes), (SELECT count(*) FROM river_job WHERE state <> 'completed')`,
	).Scan(&nodes, &unfinished); err != nil {
		t.Fatal(err)
	}
	if nodes != 0 || unfinished != 0 {
		t.Errorf("%d nodes and %d jobs are left", nodes, unfinished)
	}
}

func TestMigrateRiver(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool := openPool(t, servers.Postgres(t))
	if err := queue.CheckRiver(ctx, pool); err == nil {
		t.Error("an empty database passes the check")
	}
	for range 2 { // the second time there is nothing to do
		if err := queue.MigrateRiver(ctx, pool); err != nil {
			t.Fatal(err)
		}
	}
	if err := queue.CheckRiver(ctx, pool); err != nil {
		t.Errorf("check: %v", err)
	}
	execute(t, pool, "INSERT INTO river_migration (line, version) VALUES ('main', 1000)")
	if err := queue.CheckRiver(ctx, pool); err == nil {
		t.Error("the check passes a newer schema")
	}
	if err := queue.MigrateRiver(ctx, pool); err == nil {
		t.Error("a newer schema was migrated")
	}
}

func TestRiverOptions(t *testing.T) {
	t.Parallel()
	if _, err := queue.NewRiver(nil, queue.Options{Workers: -1}); err == nil {
		t.Error("a negative number of workers was accepted")
	}
}
