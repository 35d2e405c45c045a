package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	// River fetches at most once per cooldown, and at least once per poll
	// interval; in between it is woken by NOTIFY.
	riverFetchCooldown = time.Millisecond
	riverFetchPoll     = 500 * time.Millisecond
	// riverKeepEnded is for how long ended jobs stay in the table. Nobody reads
	// them: what happened to a message is told by its events.
	riverKeepEnded = time.Second
	// One listens, one fetches, one records; some more for maintenance.
	riverConns = 8
)

// The insertion is our own statement on River's table rather than a call of
// its client, for three reasons. It always notifies: River's client drops a
// notification that follows another one within its fetch cooldown, although
// that other one may be of a transaction that ends earlier, and the job then
// waits for a poll. It takes the clock of the database, which is the one that
// decides when a job is due. And it is one round trip.
//
// As River itself does when it retries, a job that is due before the next run
// of River's scheduler (every 5 s) becomes available at once, with its time.
const sqlInsertRiverJobs = `
WITH inserted AS (
    INSERT INTO river_job (args, kind, max_attempts, priority, queue, scheduled_at, state)
    SELECT jsonb_build_object('message_id', message_id), '` + riverKind + `', 32767, priority,
        '` + river.QueueDefault + `', coalesce(due_at, now()),
        CASE WHEN due_at > now() + interval '5 seconds' THEN 'scheduled' ELSE 'available' END::river_job_state
    FROM unnest($1::text[], $2::smallint[], $3::timestamptz[]) AS job (message_id, priority, due_at)
)
SELECT pg_notify(current_schema() || '.river_insert', '{"queue": "` + river.QueueDefault + `"}')`

const sqlCancelRiverJobs = `
DELETE FROM river_job
WHERE args @> jsonb_build_object('message_id', $1::text) AND state IN ('available', 'pending', 'retryable', 'scheduled')`

const sqlCountRiverJobs = `
SELECT count(*),
    min(scheduled_at) FILTER (WHERE state <> 'running' AND scheduled_at <= now())
FROM river_job
WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled')`

// River is the engine on PostgreSQL, for any number of nodes on one database.
// Each of them runs a River client; River fetches, runs, retries and cleans up
// the jobs. What River does not have is ours: see node.
//
// Unlike the embedded engine it does not merge jobs: a message that is inserted
// twice has two jobs, which may run at the same time.
type River struct {
	pool *pgxpool.Pool
	o    Options

	mu     sync.Mutex
	client *river.Client[pgx.Tx] // nil unless started, like the next two
	node   *node
	own    *pgxpool.Pool
}

var _ Engine = (*River)(nil)

// NewRiver makes an engine on pool, whose database has the tables of
// MigrateRiver. While it is started it has up to 8 connections of its own
// beside those of the pool.
func NewRiver(pool *pgxpool.Pool, o Options) (*River, error) {
	o, err := o.withDefaults(defaultRiverLease)
	if err != nil {
		return nil, err
	}
	return &River{pool: pool, o: o}, nil
}

// InsertTx adds jobs within tx; they run after its commit, unless it is rolled
// back. It works on an engine that was not started.
func (r *River) InsertTx(ctx context.Context, tx pgx.Tx, jobs []Job) error {
	if len(jobs) == 0 {
		return nil
	}
	args, err := insertArgs(jobs)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlInsertRiverJobs, args...); err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	return nil
}

// QueueInsert is InsertTx as part of a batch, which must be one transaction.
func (r *River) QueueInsert(b *pgx.Batch, jobs []Job) error {
	if len(jobs) == 0 {
		return nil
	}
	args, err := insertArgs(jobs)
	if err == nil {
		b.Queue(sqlInsertRiverJobs, args...)
	}
	return err
}

// insertArgs are the parameters of sqlInsertRiverJobs.
func insertArgs(jobs []Job) ([]any, error) {
	messages := make([]string, len(jobs))
	priorities := make([]int16, len(jobs))
	due := make([]*time.Time, len(jobs))
	for i, job := range jobs {
		if err := job.check(); err != nil {
			return nil, err
		}
		messages[i], priorities[i] = job.MessageID, int16(job.Priority) //nolint:gosec // 1 to 4, see check
		if !job.DueAt.IsZero() {
			due[i] = &job.DueAt
		}
	}
	return []any{messages, priorities, due}, nil
}

// Start implements Engine.
func (r *River) Start(ctx context.Context, h Handler) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return errors.New("queue: already started")
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("start queue: %w", err)
		}
	}()
	pool, err := riverPool(ctx, r.pool)
	if err != nil {
		return err
	}
	n := newNode(pool, r.o)
	client, err := r.newClient(pool, n, h)
	if err == nil {
		err = n.start(ctx)
	}
	if err != nil {
		pool.Close()
		return err
	}
	// River's context is that of its whole life, ours is that of the start.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		err = errors.Join(err, n.stop(ctx))
		pool.Close()
		return err
	}
	r.client, r.node, r.own = client, n, pool
	return nil
}

// riverPool makes connections like those of pool for River's own use. Their
// commits do not wait for the disk: what River writes is who has a job and how
// it ended, and should a crash of the database forget some of that, the job
// runs again. Insertions are made, and waited for, in the transactions of the
// store.
func riverPool(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Pool, error) {
	config := pool.Config()
	config.MinConns, config.MinIdleConns, config.MaxConns = 0, 0, riverConns
	config.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	own, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open connections: %w", err)
	}
	return own, nil
}

func (r *River) newClient(pool *pgxpool.Pool, n *node, h Handler) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &riverWorker{handler: h, node: n, o: r.o}); err != nil {
		return nil, err
	}
	return river.NewClient(riverpgxv5.New(pool), &river.Config{
		ID:                          n.id,
		Workers:                     workers,
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: r.o.Workers}},
		FetchCooldown:               riverFetchCooldown,
		FetchPollInterval:           riverFetchPoll,
		CompletedJobRetentionPeriod: riverKeepEnded,
		ReindexerIndexNames:         keptIndexes(),
		// No time limit: handlers have their own. It also means that River's
		// rescuer leaves running jobs alone, whatever their age; see node.
		JobTimeout: -1,
		Logger:     slog.New(atLeastWarn{r.o.Logger.Handler()}),
	})
}

// Stop implements Engine.
func (r *River) Stop(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		return nil
	}
	err := r.client.Stop(ctx)
	if err != nil {
		err = fmt.Errorf("drain queue: %w", err)
		// Nothing to add: it only fails when its context ends.
		_ = r.client.StopAndCancel(context.WithoutCancel(ctx))
	}
	err = errors.Join(err, r.node.stop(ctx))
	r.own.Close()
	r.client, r.node, r.own = nil, nil, nil
	return err
}

// Cancel implements Engine.
func (r *River) Cancel(ctx context.Context, messageID string) error {
	if _, err := r.pool.Exec(ctx, sqlCancelRiverJobs, messageID); err != nil {
		return fmt.Errorf("cancel job: %w", err)
	}
	return nil
}

// Depth implements Engine. It counts the jobs of all nodes.
func (r *River) Depth(ctx context.Context) (Depth, error) {
	var d Depth
	var oldest *time.Time
	if err := r.pool.QueryRow(ctx, sqlCountRiverJobs).Scan(&d.Jobs, &oldest); err != nil {
		return Depth{}, fmt.Errorf("count jobs: %w", err)
	}
	if oldest != nil {
		d.OldestDue = *oldest
	}
	return d, nil
}

// atLeastWarn passes on what River logs as a warning or an error.
type atLeastWarn struct{ slog.Handler }

func (h atLeastWarn) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h atLeastWarn) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeastWarn{h.Handler.WithAttrs(attrs)}
}

func (h atLeastWarn) WithGroup(name string) slog.Handler {
	return atLeastWarn{h.Handler.WithGroup(name)}
}
