package queue

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// nodesSchema holds the nodes that run jobs. All its times are of the
// database's clock.
const nodesSchema = `
CREATE TABLE IF NOT EXISTS queue_nodes (
    id      text        PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
)`

// dropUnusedIndexes removes those of River's indexes that serve its user
// interface and searches of its job lists, which Postern has none of. Each job
// is written three times, and each time into every index: these three cost
// PostgreSQL more than all others together.
const dropUnusedIndexes = `
DROP INDEX IF EXISTS river_job_args_index, river_job_metadata_index, river_job_kind`

// keptIndexes are the others, which River rebuilds every night.
func keptIndexes() []string {
	return slices.DeleteFunc(river.ReindexerIndexNamesDefault(), func(name string) bool {
		return strings.Contains(dropUnusedIndexes, name)
	})
}

// The last of attempted_by is the node that has the job. An attempt that broke
// off is not counted.
const (
	sqlAddNode    = `INSERT INTO queue_nodes (id) VALUES ($1) ON CONFLICT DO NOTHING`
	sqlBeatNode   = `UPDATE queue_nodes SET seen_at = now() WHERE id = $1`
	sqlRemoveNode = `DELETE FROM queue_nodes WHERE id = $1`
	sqlRemoveLate = `DELETE FROM queue_nodes WHERE seen_at < now() - $1::interval`

	// Several nodes may do this at once: each leaves alone what another has
	// locked.
	sqlFreeJobsOfTheDead = `
UPDATE river_job SET state = 'available', attempt = greatest(attempt - 1, 0)
WHERE id IN (
    SELECT id FROM river_job
    WHERE state = 'running' AND kind = '` + riverKind + `' AND NOT EXISTS (
        SELECT FROM queue_nodes WHERE id = attempted_by[array_upper(attempted_by, 1)])
    FOR UPDATE SKIP LOCKED)`

	sqlFreeStrandedJobs = `
UPDATE river_job SET state = 'available', attempt = greatest(attempt - 1, 0)
WHERE state = 'running' AND id = ANY($2) AND attempted_by[array_upper(attempted_by, 1)] = $1`

	sqlJobsNotAtWork = `
SELECT id FROM river_job
WHERE state = 'running' AND kind = '` + riverKind + `' AND id <> ALL($2)
    AND attempted_by[array_upper(attempted_by, 1)] = $1`
)

const (
	// beatsPerLease is how often a node tells that it lives.
	beatsPerLease = 6
	// removeNodeLimit bounds what Stop does last.
	removeNodeLimit = 5 * time.Second
)

// node is the life of one engine as the other ones see it, and keeps the table
// true about who runs what.
//
// River notices a crashed client only by the age of its jobs, so that it frees
// them late, or while they are running. A node instead says every few seconds
// that it lives. Each node frees what is running on one that has been silent
// for the length of a lease, and a node that could not say so for that long
// cancels its own handlers.
//
// A node also frees its own jobs that the table has running although they are
// not: the answer to a fetch, or the record of an end, got lost with a
// connection.
type node struct {
	id   string
	pool *pgxpool.Pool
	o    Options

	mu     sync.Mutex
	life   context.Context //nolint:containedctx // ends when the lease is lost; then a new one begins
	lose   context.CancelCauseFunc
	atWork map[int64]int // how many handlers a job has; by River's id

	quit   chan struct{}
	beater sync.WaitGroup
}

func newNode(pool *pgxpool.Pool, o Options) *node {
	n := &node{
		id: uuid.NewString(), pool: pool, o: o,
		atWork: make(map[int64]int), quit: make(chan struct{}),
	}
	n.life, n.lose = context.WithCancelCause(context.Background())
	return n
}

// begin notes that a handler has begun. The context it derives also ends when
// the lease is lost; end is to be called when the handler has returned.
func (n *node) begin(parent context.Context, job int64) (ctx context.Context, end func()) {
	n.mu.Lock()
	life := n.life
	n.atWork[job]++
	n.mu.Unlock()
	ctx, cancel := context.WithCancelCause(parent)
	detach := context.AfterFunc(life, func() { cancel(errLeaseLost) })
	return ctx, func() {
		detach()
		cancel(nil)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.atWork[job]--
		if n.atWork[job] == 0 {
			delete(n.atWork, job)
		}
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
func (n *node) stop(ctx context.Context) error {
	close(n.quit)
	n.beater.Wait()
	n.lose(errDrainOver)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeNodeLimit)
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
	var stranded []int64
	for {
		p := &pulse{node: n, stranded: n.notAtWork(stranded)}
		err := p.beat(every)
		stranded = p.notAtWork
		switch {
		case err == nil:
			alive = time.Now()
			if !p.known {
				n.lost("other nodes took this one for dead")
			}
		case time.Since(alive) < n.o.Lease:
			n.o.Logger.Warn("the node can not tell that it lives", slog.Any("error", err))
		default:
			alive = time.Now()
			n.lost("the database was away for the length of a lease")
		}
		select {
		case <-ticker.C:
		case <-n.quit:
			return
		}
	}
}

// notAtWork returns those jobs that have no handler.
func (n *node) notAtWork(jobs []int64) []int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	idle := make([]int64, 0, len(jobs))
	for _, job := range jobs {
		if n.atWork[job] == 0 {
			idle = append(idle, job)
		}
	}
	return idle
}

// lost cancels all running handlers.
func (n *node) lost(why string) {
	n.o.Logger.Error("the node lost its jobs", slog.String("why", why))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lose(errLeaseLost)
	n.life, n.lose = context.WithCancelCause(context.Background())
}

// pulse is one beat of a node.
type pulse struct {
	node *node
	// stranded are own jobs that were running without a handler at the last
	// beat, and still have none. At that beat alone they might have been just
	// fetched, or just ended.
	stranded []int64

	known     bool    // the node's lease had not ended
	freed     int64   // jobs of other nodes
	notAtWork []int64 // own jobs that are running without a handler
}

func (p *pulse) beat(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := p.live(ctx); err != nil {
		return fmt.Errorf("tell that the node lives: %w", err)
	}
	if err := p.free(ctx); err != nil {
		return fmt.Errorf("free stranded jobs: %w", err)
	}
	if p.freed > 0 || len(p.stranded) > 0 {
		p.node.o.Logger.Warn("stranded jobs run again",
			slog.Int64("of_dead_nodes", p.freed), slog.Int("own", len(p.stranded)))
	}
	return nil
}

func (p *pulse) live(ctx context.Context) error {
	tag, err := p.node.pool.Exec(ctx, sqlBeatNode, p.node.id)
	if err != nil {
		return err
	}
	if p.known = tag.RowsAffected() > 0; p.known {
		return nil
	}
	_, err = p.node.pool.Exec(ctx, sqlAddNode, p.node.id)
	return err
}

func (p *pulse) free(ctx context.Context) error {
	n := p.node
	n.mu.Lock()
	atWork := slices.AppendSeq(make([]int64, 0, len(n.atWork)), maps.Keys(n.atWork))
	n.mu.Unlock()

	var b pgx.Batch
	b.Queue(sqlRemoveLate, n.o.Lease)
	b.Queue(sqlFreeJobsOfTheDead).Exec(func(tag pgconn.CommandTag) error {
		p.freed = tag.RowsAffected()
		return nil
	})
	b.Queue(sqlFreeStrandedJobs, n.id, p.stranded)
	b.Queue(sqlJobsNotAtWork, n.id, atWork).Query(func(rows pgx.Rows) error {
		var err error
		p.notAtWork, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	return n.pool.SendBatch(ctx, &b).Close()
}
