package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// nodesSchema holds the nodes that run jobs. All its times are of the
// database's clock.
const nodesSchema = `
CREATE TABLE IF NOT EXISTS queue_nodes (
    id      text        PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
)`

const (
	sqlAddNode    = `INSERT INTO queue_nodes (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now()`
	sqlBeatNode   = `UPDATE queue_nodes SET seen_at = now() WHERE id = $1`
	sqlRemoveNode = `DELETE FROM queue_nodes WHERE id = $1`
	sqlRemoveLate = `DELETE FROM queue_nodes WHERE seen_at < now() - $1::interval`

	// The last of attempted_by is the node that has the job. The attempt that
	// broke off does not count.
	sqlRescueJobs = `
UPDATE river_job SET state = 'available', attempt = greatest(attempt - 1, 0)
WHERE state = 'running' AND kind = '` + riverKind + `' AND NOT EXISTS (
    SELECT FROM queue_nodes WHERE id = attempted_by[array_upper(attempted_by, 1)])`
)

const (
	// beatsPerLease is how often a node tells that it lives.
	beatsPerLease = 6
	// removeNodeLimit bounds what Stop does last.
	removeNodeLimit = 5 * time.Second
)

// node is the life of one engine as the other ones see it. River notices
// crashed clients only by the age of their jobs, so it could rescue them either
// late, or while they are running. A node instead says every few seconds that
// it lives; each node makes available what is running on a node that has been
// silent for the length of a lease. A node that could not say so for that long
// cancels its own handlers.
type node struct {
	id   string
	pool *pgxpool.Pool
	o    Options

	mu     sync.Mutex
	life   context.Context // ends when the lease is lost; then a new one begins
	lose   context.CancelCauseFunc
	quit   chan struct{}
	beater sync.WaitGroup
}

func newNode(pool *pgxpool.Pool, id string, o Options) *node {
	n := &node{id: id, pool: pool, o: o, quit: make(chan struct{})}
	n.life, n.lose = context.WithCancelCause(context.Background())
	return n
}

// attach derives a context that also ends when the lease is lost.
func (n *node) attach(parent context.Context) (context.Context, context.CancelFunc) {
	n.mu.Lock()
	life := n.life
	n.mu.Unlock()
	ctx, cancel := context.WithCancelCause(parent)
	detach := context.AfterFunc(life, func() { cancel(errLeaseLost) })
	return ctx, func() {
		detach()
		cancel(nil)
	}
}

// start makes the node known and begins to beat.
func (n *node) start(ctx context.Context) error {
	if _, err := n.pool.Exec(ctx, sqlAddNode, n.id); err != nil {
		return fmt.Errorf("make the node known: %w", err)
	}
	n.beater.Go(n.beatUntilQuit)
	return nil
}

// stop ends the beat and removes the node; what it still runs is free then.
func (n *node) stop() error {
	close(n.quit)
	n.beater.Wait()
	n.lose(errDrainOver)
	ctx, cancel := context.WithTimeout(context.Background(), removeNodeLimit)
	defer cancel()
	if _, err := n.pool.Exec(ctx, sqlRemoveNode, n.id); err != nil {
		return fmt.Errorf("remove the node: %w", err)
	}
	return nil
}

func (n *node) beatUntilQuit() {
	every := n.o.Lease / beatsPerLease
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	alive := time.Now()
	for {
		if known, err := n.beat(every); err == nil {
			alive = time.Now()
			if !known {
				n.lost("other nodes took this one for dead")
			}
		} else {
			n.o.Logger.Error("the node can not tell that it lives", slog.Any("error", err))
			if time.Since(alive) >= n.o.Lease {
				alive = time.Now()
				n.lost("the database could not be reached for the length of a lease")
			}
		}
		select {
		case <-ticker.C:
		case <-n.quit:
			return
		}
	}
}

// beat tells that the node lives, and frees the jobs of those that do not. It
// returns whether the node was still known.
func (n *node) beat(limit time.Duration) (known bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var b pgx.Batch
	b.Queue(sqlBeatNode, n.id).Exec(func(tag pgconn.CommandTag) error {
		known = tag.RowsAffected() > 0
		return nil
	})
	b.Queue(sqlAddNode, n.id)
	b.Queue(sqlRemoveLate, n.o.Lease)
	var rescued int64
	b.Queue(sqlRescueJobs).Exec(func(tag pgconn.CommandTag) error {
		rescued = tag.RowsAffected()
		return nil
	})
	if err := n.pool.SendBatch(ctx, &b).Close(); err != nil {
		return false, err
	}
	if rescued > 0 {
		n.o.Logger.Warn("jobs of a node that is gone run again", slog.Int64("jobs", rescued))
	}
	return known, nil
}

// lost cancels all running handlers.
func (n *node) lost(why string) {
	n.o.Logger.Error("the node lost its jobs", slog.Any("error", errors.New(why)))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lose(errLeaseLost)
	n.life, n.lose = context.WithCancelCause(context.Background())
}
