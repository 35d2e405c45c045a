package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/queue"
)

// revisions is a table that insertions write to in their transaction and the
// handler reads: a run that begins after the commit of an insertion sees what
// that wrote.
type revisions struct {
	n  *embeddedNode
	mu sync.Mutex
	// seen is the last revision that a handler saw at its beginning.
	seen    map[string]int
	running map[string]bool
	twice   atomic.Int32 // runs of a message whose other run had not ended
	ran     chan struct{}
}

const messages = 5

func newRevisions(t *testing.T) *revisions {
	path := embedded().NewDatabase(t)
	r := &revisions{
		n: openEmbedded(t, path, queue.Options{
			Workers: 3, Backoff: func(int) time.Duration { return time.Millisecond },
		}),
		seen: make(map[string]int), running: make(map[string]bool),
		ran: make(chan struct{}, 100_000),
	}
	if _, err := r.n.db.writer.Exec("CREATE TABLE revisions (id TEXT PRIMARY KEY, revision INTEGER NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	return r
}

// bump changes a message and inserts a job for it, in one transaction that now
// and then fails at its end.
func (r *revisions) bump(ctx context.Context) error {
	job := queue.Job{MessageID: fmt.Sprint(rand.IntN(messages)), Priority: 1 + rand.IntN(2)}
	if rand.IntN(4) == 0 {
		job.DueAt = time.Now().Add(rand.N(3 * time.Millisecond))
	}
	unlucky := rand.IntN(20) == 0
	err := r.n.db.Write(ctx, func(ctx context.Context, tx queue.Tx) error {
		if _, err := tx.ExecContext(ctx, `
INSERT INTO revisions VALUES (?1, 1) ON CONFLICT DO UPDATE SET revision = revision + 1`, job.MessageID); err != nil {
			return err
		}
		if err := r.n.Embedded.Insert(ctx, tx, job); err != nil {
			return err
		}
		if unlucky {
			return errUnlucky
		}
		return nil
	})
	if errors.Is(err, errUnlucky) {
		return nil
	}
	return err
}

var errUnlucky = errors.New("unlucky")

func (r *revisions) revision(ctx context.Context, id string) (revision int, err error) {
	err = r.n.db.reader.QueryRowContext(ctx, "SELECT revision FROM revisions WHERE id = ?", id).Scan(&revision)
	return revision, err
}

func (r *revisions) handle(ctx context.Context, id string) (queue.Result, error) {
	r.mu.Lock()
	if r.running[id] {
		r.twice.Add(1)
	}
	r.running[id] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.running, id)
		r.ran <- struct{}{}
	}()
	revision, err := r.revision(ctx, id)
	if err != nil {
		return queue.Result{}, err // cancelled by Stop
	}
	switch rand.IntN(8) {
	case 0:
		return queue.Result{}, errUnlucky
	case 1:
		return queue.Result{RetryAt: time.Now().Add(rand.N(2 * time.Millisecond))}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[id] = revision
	return queue.Result{}, nil
}

// Every committed insertion is followed by a run that begins after it, however
// insertions, runs, retries, failing neighbours, stops and starts mix; and no
// message runs twice at the same time.
func TestEmbeddedRunsAfterEveryInsert(t *testing.T) {
	t.Parallel()
	r := newRevisions(t)
	ctx := t.Context()
	if err := r.n.Start(ctx, r.handle); err != nil {
		t.Fatal(err)
	}
	var inserting sync.WaitGroup
	for range 4 {
		inserting.Go(func() {
			for range 300 {
				if err := r.bump(ctx); err != nil {
					t.Errorf("insert: %v", err)
				}
			}
		})
	}
	restarts := make(chan struct{})
	go func() {
		defer close(restarts)
		for range 20 {
			r.restart(t)
		}
	}()
	inserting.Wait()
	<-restarts
	for r.restart(t) > 0 {
		<-r.ran
	}
	for m := range messages {
		id := fmt.Sprint(m)
		want, err := r.revision(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if r.seen[id] != want {
			t.Errorf("the last run of message %s saw revision %d of %d", id, r.seen[id], want)
		}
	}
	if n := r.twice.Load(); n > 0 {
		t.Errorf("%d times a message ran twice at once", n)
	}
}

// restart stops the engine, half of the times without patience, and starts it
// again. It returns how many jobs were left at the stop.
func (r *revisions) restart(t *testing.T) int {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if rand.IntN(2) == 0 {
		cancel()
	}
	if err := r.n.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("stop: %v", err)
	}
	d, err := r.n.Depth(t.Context())
	if err != nil {
		t.Errorf("depth: %v", err)
	}
	for len(r.ran) > 0 {
		<-r.ran
	}
	if err := r.n.Start(t.Context(), r.handle); err != nil {
		t.Errorf("start: %v", err)
	}
	return d.Jobs
}
