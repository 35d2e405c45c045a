package queue_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/queue/queuetest"
)

func TestMain(m *testing.M) { queuetest.Main(m, embedded(), riverEngine()) }

func TestEmbedded(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, embedded())
}

func embedded() queuetest.Engine {
	return queuetest.Engine{
		Name: "embedded",
		NewDatabase: func(t testing.TB) string {
			path := filepath.Join(t.TempDir(), "queue.db")
			d, err := openSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			if _, err := d.writer.Exec(queue.EmbeddedSchema); err != nil {
				t.Fatal(err)
			}
			return path
		},
		Open: func(path string, o queue.Options) (queuetest.Node, error) {
			d, err := openSQLite(path)
			if err != nil {
				return nil, err
			}
			return &embeddedNode{queue.NewEmbedded(d, o), d}, nil
		},
	}
}

type embeddedNode struct {
	*queue.Embedded

	db *sqliteDB
}

func (n *embeddedNode) Insert(ctx context.Context, jobs []queue.Job, before func() error) error {
	return n.db.Write(ctx, func(ctx context.Context, tx queue.Tx) error {
		if err := n.Embedded.Insert(ctx, tx, jobs...); err != nil || before == nil {
			return err
		}
		return before()
	})
}

func (n *embeddedNode) Close() { n.db.close() }

func openEmbedded(t *testing.T, path string, o queue.Options) *embeddedNode {
	t.Helper()
	n, err := embedded().Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_ = n.Stop(over)
		n.Close()
	})
	return n.(*embeddedNode)
}

func startEmbedded(t *testing.T, path string, o queue.Options, h queue.Handler) *embeddedNode {
	t.Helper()
	n := openEmbedded(t, path, o)
	if err := n.Start(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	return n
}

func stop(t *testing.T, n queue.Engine) {
	t.Helper()
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func expectJobs(t *testing.T, n queue.Engine, want int) {
	t.Helper()
	if d, err := n.Depth(t.Context()); err != nil || d.Jobs != want {
		t.Errorf("depth %+v, %v, want %d jobs", d, err, want)
	}
}

func code(id string) queue.Job { return queue.Job{MessageID: id, Priority: queue.PriorityCode} }

func TestEmbeddedHasOneJobAMessage(t *testing.T) {
	t.Parallel()
	runs := make(chan string, 10)
	n := openEmbedded(t, embedded().NewDatabase(t), queue.Options{Workers: 1})
	insert(t, n, code("x"), code("x"))
	insert(t, n, code("x"))
	expectJobs(t, n, 1)
	insert(t, n, queue.Job{MessageID: "last", Priority: queue.PriorityNormal})
	if err := n.Start(t.Context(), func(ctx context.Context, id string) (queue.Result, error) {
		runs <- id
		return queue.Result{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"x", "last"} {
		if got := <-runs; got != want {
			t.Errorf("%s ran, want %s", got, want)
		}
	}
}

// What the engine does not want to hold waits in the table. Codes are held
// even then, so that they overtake.
func TestEmbeddedOverflows(t *testing.T) {
	t.Parallel()
	const jobs = 200
	runs, goOn := make(chan string, 2*jobs), make(chan struct{})
	n := startEmbedded(t, embedded().NewDatabase(t), queue.Options{Workers: 1},
		func(ctx context.Context, id string) (queue.Result, error) {
			runs <- id
			select {
			case <-goOn:
			case <-ctx.Done():
			}
			return queue.Result{}, ctx.Err()
		})
	insert(t, n, code("blocker"))
	want := []string{<-runs, "code"}
	for i := range jobs {
		id := fmt.Sprintf("normal %03d", i)
		insert(t, n, queue.Job{MessageID: id, Priority: queue.PriorityNormal})
		want = append(want, id)
	}
	insert(t, n, code("code"))
	var left int
	if err := n.db.reader.QueryRow("SELECT count(*) FROM jobs WHERE owner IS NULL").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left == 0 || left == jobs {
		t.Errorf("%d of %d jobs were left in the table; this test wants some of both", left, jobs)
	}
	expectJobs(t, n, jobs+2)
	close(goOn)
	got := want[:1:1]
	for range jobs + 1 {
		got = append(got, <-runs)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the jobs ran as %q", got)
	}
	stop(t, n)
	expectJobs(t, n, 0)
}

// A job that runs at once costs two commits, which it may share with others:
// its insertion and its end. Nothing is written while there is nothing to do.
func TestEmbeddedWritesLittle(t *testing.T) {
	t.Parallel()
	ran := make(chan struct{}, 10)
	n := startEmbedded(t, embedded().NewDatabase(t), queue.Options{}, func(context.Context, string) (queue.Result, error) {
		ran <- struct{}{}
		return queue.Result{}, nil
	})
	const jobs = 10
	for i := range jobs {
		insert(t, n, code(fmt.Sprint(i)))
		<-ran
	}
	stop(t, n)
	// Beside the jobs': the start, the first look into the table, and the stop.
	if got, most := n.db.commits.Load(), int64(3+2*jobs); got > most {
		t.Errorf("%d commits, want at most %d", got, most)
	}
}

func TestEmbeddedStopReleasesWhatItHolds(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}, 10), make(chan struct{})
	n := startEmbedded(t, embedded().NewDatabase(t), queue.Options{Workers: 1},
		func(ctx context.Context, _ string) (queue.Result, error) {
			begun <- struct{}{}
			<-ctx.Done()
			<-goOn
			return queue.Result{}, ctx.Err()
		})
	insert(t, n, code("running"))
	<-begun
	insert(t, n, code("waiting"), code("waiting too"))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	close(goOn)
	if err := n.Stop(over); !errors.Is(err, context.Canceled) {
		t.Errorf("stop: %v, want %v", err, context.Canceled)
	}
	var free, leased, owners int
	if err := n.db.reader.QueryRow(`
SELECT count(*) FILTER (WHERE owner IS NULL), count(owner), (SELECT count(*) FROM job_owners)
FROM jobs`).Scan(&free, &leased, &owners); err != nil {
		t.Fatal(err)
	}
	if free != 3 || leased != 0 || owners != 0 {
		t.Errorf("after the stop %d jobs are free, %d leased, by %d owners; want 3, 0, 0", free, leased, owners)
	}
}

func TestEmbeddedIsDisplaced(t *testing.T) {
	t.Parallel()
	path := embedded().NewDatabase(t)
	begun, causes, ended := make(chan string, 10), make(chan error, 10), make(chan string, 10)
	old := startEmbedded(t, path, queue.Options{Lease: 300 * time.Millisecond},
		func(ctx context.Context, id string) (queue.Result, error) {
			begun <- id
			if id == "later" {
				return queue.Result{}, nil
			}
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return queue.Result{}, ctx.Err()
		})
	insert(t, old, code("x"))
	<-begun
	young := startEmbedded(t, path, queue.Options{}, func(_ context.Context, id string) (queue.Result, error) {
		ended <- id
		return queue.Result{}, nil
	})
	if id := <-ended; id != "x" {
		t.Errorf("%s was taken over", id)
	}
	if cause := <-causes; cause == nil || errors.Is(cause, context.Canceled) {
		t.Errorf("the handler's context ended with %v, want the loss of the lease", cause)
	}
	stop(t, young)
	insert(t, old, code("later")) // it goes on with what is new
	<-begun
	stop(t, old)
	expectJobs(t, old, 0)
}

// A lease that ends while another engine runs frees its jobs.
func TestEmbeddedRunsJobsOfAnEndedLease(t *testing.T) {
	t.Parallel()
	ran := make(chan string, 10)
	n := startEmbedded(t, embedded().NewDatabase(t), queue.Options{Lease: 300 * time.Millisecond},
		func(_ context.Context, id string) (queue.Result, error) {
			ran <- id
			return queue.Result{}, nil
		})
	end := time.Now().Add(time.Second)
	if err := n.db.Write(t.Context(), func(ctx context.Context, tx queue.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO job_owners VALUES (77, ?)", end.UnixNano()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO jobs VALUES ('x', 1, ?, 0, 77, 1)", time.Now().UnixNano())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if id := <-ran; id != "x" || time.Now().Before(end) {
		t.Errorf("%s ran, %s before the end of its lease", id, time.Until(end))
	}
}

func TestEmbeddedRecordsAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	ran, goOn := make(chan struct{}, 10), make(chan struct{})
	n := startEmbedded(t, embedded().NewDatabase(t), queue.Options{}, func(context.Context, string) (queue.Result, error) {
		runs.Add(1)
		<-goOn
		ran <- struct{}{}
		return queue.Result{}, nil
	})
	insert(t, n, code("x"))
	failed := make(chan struct{}, 100)
	n.db.failWith(func() error {
		failed <- struct{}{}
		return errors.New("the disk is full")
	})
	close(goOn)
	<-ran
	// The first failure may be of a write that began before the job ended.
	<-failed
	<-failed
	n.db.failWith(nil)
	stop(t, n)
	expectJobs(t, n, 0)
	if runs.Load() != 1 {
		t.Errorf("the job ran %d times", runs.Load())
	}
}

func TestEmbeddedStopTellsOfAFailedWrite(t *testing.T) {
	t.Parallel()
	path := embedded().NewDatabase(t)
	n := startEmbedded(t, path, queue.Options{}, func(context.Context, string) (queue.Result, error) {
		return queue.Result{}, nil
	})
	full := errors.New("the disk is full")
	n.db.failWith(func() error { return full })
	if err := n.Stop(t.Context()); !errors.Is(err, full) {
		t.Errorf("stop: %v, want %v", err, full)
	}
	if err := n.Start(t.Context(), nil); !errors.Is(err, full) {
		t.Errorf("start: %v, want %v", err, full)
	}
	n.db.failWith(nil)
	ran := make(chan struct{})
	if err := n.Start(t.Context(), func(context.Context, string) (queue.Result, error) {
		close(ran)
		return queue.Result{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	insert(t, n, code("x"))
	<-ran
}
