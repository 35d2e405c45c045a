package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-mail/postern/internal/queue"
)

const (
	// postgresGroup is how many accepted messages or outcomes one commit takes
	// at most, and postgresFlushers how many such commits run at once.
	postgresGroup    = 256
	postgresFlushers = 2
	// conflictTries is how often a transaction is run again after a deadlock
	// or a serialization failure.
	conflictTries = 5
)

// postgresDB is PostgreSQL. Transactions run side by side; the two of the hot
// path (accept, outcome) are grouped, one statement per table.
type postgresDB struct {
	pool    *pgxpool.Pool
	saves   *group[accepted]
	records *group[outcome]
	jobs    *queue.River
}

func openPostgres(ctx context.Context, url string, o queue.Options) (*postgresDB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx's error repeats the URL, password included.
		return nil, errors.New("the database URL is not valid: expected postgres://user:password@host:port/database")
	}
	config.MaxConns = max(config.MaxConns, 16)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	jobs, err := queue.NewRiver(pool, o)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open queue: %w", err)
	}
	p := &postgresDB{pool: pool, jobs: jobs}
	p.saves = newGroup(postgresFlushers, postgresGroup, p.flushSaves)
	p.records = newGroup(postgresFlushers, postgresGroup, p.flushRecords)
	return p, nil
}

func (p *postgresDB) write(ctx context.Context, fn func(context.Context, tx) error) error {
	var err error
	for range conflictTries {
		err = p.transact(ctx, func(t pgTx) error { return fn(ctx, t) })
		if !conflict(err) {
			return err
		}
	}
	return err
}

func (p *postgresDB) transact(ctx context.Context, fn func(pgTx) error) error {
	t, err := p.pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// After Commit this does nothing.
	defer func() { _ = t.Rollback(context.WithoutCancel(ctx)) }()
	if err := fn(pgTx{pgQuerier{t}, t, p.jobs}); err != nil {
		return err
	}
	if err := t.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// conflict tells whether PostgreSQL chose this transaction to give way to
// another one (serialization_failure, deadlock_detected).
func conflict(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}

// pgConn is what *pgxpool.Pool and pgx.Tx have in common.
type pgConn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

type pgQuerier struct{ conn pgConn }

func (q pgQuerier) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	tag, err := q.conn.Exec(ctx, sql, args...)
	return tag.RowsAffected(), err
}

func (q pgQuerier) query(ctx context.Context, sql string, args ...any) (rows, error) {
	r, err := q.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgRows{r}, nil
}

// pgRows gives pgx.Rows the Close of *sql.Rows.
type pgRows struct{ pgx.Rows }

func (r pgRows) Close() error {
	r.Rows.Close()
	return nil // Err has it
}

type pgTx struct {
	pgQuerier
	tx   pgx.Tx
	jobs *queue.River
}

func (t pgTx) enqueue(ctx context.Context, job queue.Job) error {
	return t.jobs.InsertTx(ctx, t.tx, []queue.Job{job})
}

func (p *postgresDB) save(ctx context.Context, a accepted) error {
	if a.message.Dedupe != "" {
		// Finding an earlier one needs an answer within the transaction.
		return p.write(ctx, a.insert)
	}
	return p.saves.do(ctx, a)
}

// flushGroup runs flush for all items in one transaction and, should that
// fail, for each in its own, so that only the broken one fails.
func flushGroup[T any](p *postgresDB, items []T, flush func(context.Context, pgTx, []T) error) []error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	errs := make([]error, len(items))
	err := p.transact(ctx, func(t pgTx) error { return flush(ctx, t, items) })
	if err == nil {
		return errs
	}
	if len(items) == 1 {
		errs[0] = err
		return errs
	}
	for i := range items {
		errs[i] = p.transact(ctx, func(t pgTx) error { return flush(ctx, t, items[i:i+1]) })
	}
	return errs
}

func (p *postgresDB) flushSaves(items []accepted) []error {
	return flushGroup(p, items, func(ctx context.Context, t pgTx, items []accepted) error {
		jobs := make([]queue.Job, 0, len(items))
		var codes, messages columns
		for _, a := range items {
			jobs = append(jobs, a.job())
			messages.add(a.messageRow()...)
			if a.code != nil {
				codes.add(codeRow(*a.code)...)
			}
		}
		if err := codes.run(ctx, t, insertCode.many); err != nil {
			return fmt.Errorf("insert codes: %w", err)
		}
		if err := messages.run(ctx, t, insertMessage.many); err != nil {
			return fmt.Errorf("insert messages: %w", err)
		}
		return t.jobs.InsertTx(ctx, t.tx, jobs)
	})
}

func (p *postgresDB) record(ctx context.Context, o outcome) error { return p.records.do(ctx, o) }

func (p *postgresDB) flushRecords(items []outcome) []error {
	return flushGroup(p, items, func(ctx context.Context, t pgTx, items []outcome) error {
		var states, attempts, events columns
		for _, o := range items {
			states.add(o.stateRow()...)
		}
		changed := make(map[string]bool, len(items)) // the others are at their end
		err := all(ctx, t, func(r rows) error {
			var id string
			err := r.Scan(&id)
			changed[id] = true
			return err
		}, updateMessages, states.args()...)
		if err != nil {
			return fmt.Errorf("update messages: %w", err)
		}
		for _, o := range items {
			if !changed[o.MessageID] {
				continue
			}
			events.add(o.eventRow()...)
			if o.Attempt != nil {
				attempts.add(o.attemptRow()...)
			}
		}
		if err := attempts.run(ctx, t, insertAttempt.many); err != nil {
			return fmt.Errorf("insert attempts: %w", err)
		}
		if err := events.run(ctx, t, insertEvent.many); err != nil {
			return fmt.Errorf("insert events: %w", err)
		}
		return nil
	})
}

func (p *postgresDB) reader() querier { return pgQuerier{p.pool} }

func (p *postgresDB) forUpdate() string { return " FOR UPDATE" }

func (p *postgresDB) uniqueViolation(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23505"
}

func (p *postgresDB) engine() queue.Engine { return p.jobs }

func (p *postgresDB) ping(ctx context.Context) error { return p.pool.Ping(ctx) }

func (p *postgresDB) close() error {
	p.saves.close()
	p.records.close()
	p.pool.Close()
	return nil
}
