package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/queue"
)

const (
	// postgresGroup is how many accepted messages or outcomes one commit takes
	// at most, and postgresFlushers how many such commits run at once: with one,
	// what comes meanwhile goes together, which costs PostgreSQL least.
	postgresGroup    = 256
	postgresFlushers = 1
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
	recent  *recent
	outcome string // statement that stores outcomes
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
	p := &postgresDB{pool: pool, jobs: jobs, recent: newRecent(), outcome: outcomeStatement()}
	p.saves = newGroup(postgresFlushers, postgresGroup, p.flushSaves)
	p.records = newGroup(postgresFlushers, postgresGroup, p.flushRecords)
	return p, nil
}

func (p *postgresDB) write(ctx context.Context, fn writeFunc) error {
	fn = withAudit(ctx, fn)
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

func (p *postgresDB) lately() *recent { return p.recent }

// flushGroup runs flush for all items in one transaction and, should that
// fail, for each in its own, so that only the broken one fails. flush returns
// one error each, for items that are refused, or one for all.
func flushGroup[T any](items []T, flush func(context.Context, []T) ([]error, error)) []error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	errs, err := flush(ctx, items)
	if err == nil {
		return errs
	}
	if len(items) == 1 {
		return []error{err}
	}
	errs = make([]error, len(items))
	for i := range items {
		one, err := flush(ctx, items[i:i+1])
		if errs[i] = err; err == nil {
			errs[i] = one[0]
		}
	}
	return errs
}

func (p *postgresDB) flushSaves(items []accepted) []error {
	errs := flushGroup(items, p.saveAll)
	for i, a := range items {
		if errs[i] == nil {
			p.recent.add(a.message)
		} else if _, refused := errors.AsType[*fault.Fault](errs[i]); !refused {
			errs[i] = fmt.Errorf("insert: %w", errs[i])
		}
	}
	return errs
}

// saveAll saves items in one transaction. Its statements go to the server
// together, for one round trip in all; those of limits need one before.
func (p *postgresDB) saveAll(ctx context.Context, items []accepted) ([]error, error) {
	var keys []string
	for _, a := range items {
		keys = append(keys, keysOf(a.message.Charges)...)
	}
	if len(keys) == 0 {
		var b pgx.Batch
		if err := p.queueSaves(&b, items); err != nil {
			return nil, err
		}
		return make([]error, len(items)), p.pool.SendBatch(ctx, &b).Close()
	}
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer conn.Release() // which closes a connection in the midst of a transaction
	c, err := beginCounts(ctx, conn, keys)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(items))
	admitted := make([]accepted, 0, len(items))
	for i, a := range items {
		if errs[i] = c.take(a.message.Charges, a.message.CreatedAt); errs[i] == nil {
			admitted = append(admitted, a)
		}
	}
	var b pgx.Batch
	var counted columns
	for _, row := range c.changed() {
		counted.add(row...)
	}
	counted.queue(&b, upsertLimit.many)
	if err := p.queueSaves(&b, admitted); err != nil {
		return nil, err
	}
	b.Queue("COMMIT")
	return errs, conn.SendBatch(ctx, &b).Close()
}

// beginCounts begins a transaction, locks limits and reads them, in one round
// trip.
func beginCounts(ctx context.Context, conn *pgxpool.Conn, keys []string) (counts, error) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	c := make(counts, len(keys))
	var b pgx.Batch
	b.Queue("BEGIN")
	b.Queue(lockKeys, lockNumbers(keys))
	b.Queue(`SELECT key, state FROM limits WHERE key = ANY ($1)`, keys).Query(func(r pgx.Rows) error {
		for r.Next() {
			if err := c.scan(pgRows{r}); err != nil {
				return err
			}
		}
		return r.Err()
	})
	if err := conn.SendBatch(ctx, &b).Close(); err != nil {
		return nil, fmt.Errorf("lock limits: %w", err)
	}
	return c, nil
}

// queueSaves adds to a batch what saves items.
func (p *postgresDB) queueSaves(b *pgx.Batch, items []accepted) error {
	if len(items) == 0 {
		return nil
	}
	jobs := make([]queue.Job, 0, len(items))
	var codes, messages columns
	for _, a := range items {
		jobs = append(jobs, a.job())
		messages.add(a.messageRow()...)
		if a.code != nil {
			codes.add(codeRow(*a.code)...)
		}
	}
	codes.queue(b, insertCode.many)
	messages.queue(b, insertMessage.many)
	return p.jobs.QueueInsert(b, jobs)
}

// lockKeys takes locks that end with the transaction, in the order given.
const lockKeys = `SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS k`

// lockNumbers are the numbers that stand for keys, in the order in which
// every transaction locks them.
func lockNumbers(keys []string) []int64 {
	numbers := make([]int64, len(keys))
	for i, key := range keys {
		h := fnv.New64a()
		_, _ = h.Write([]byte(key))   // never fails
		numbers[i] = int64(h.Sum64()) //nolint:gosec // any number will do
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

func (t pgTx) lock(ctx context.Context, keys ...string) error {
	_, err := t.exec(ctx, lockKeys, lockNumbers(keys))
	return err
}

func (p *postgresDB) record(ctx context.Context, o outcome) error { return p.records.do(ctx, o) }

// outcomeStatement stores many outcomes in one: 4 arrays of states, 11 of
// attempts, 5 of events. Messages at their end stay as they are.
func outcomeStatement() string {
	const changed = "message_id IN (SELECT id FROM changed)"
	return `WITH changed AS (
			UPDATE messages AS m SET status = o.status, attempts = m.attempts + o.made, ended_at = o.ended_at,
				payload = CASE WHEN o.ended_at = 0 THEN m.payload END
			FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) AS o (id, status, made, ended_at)
			WHERE m.id = o.id AND m.status = 'accepted'
			RETURNING m.id
		), made AS (` + insertAttempt.manyWhere(5, changed) + `)
		` + insertEvent.manyWhere(16, changed)
}

func (p *postgresDB) flushRecords(items []outcome) []error {
	return flushGroup(items, func(ctx context.Context, items []outcome) ([]error, error) {
		var b pgx.Batch
		var states, attempts, events columns
		for _, o := range items {
			states.add(o.stateRow()...)
			events.add(o.eventRow()...)
			if o.Attempt != nil {
				attempts.add(o.attemptRow()...)
			}
		}
		if len(attempts) == 0 {
			attempts = make(columns, len(insertAttempt.columns))
		}
		b.Queue(p.outcome, slices.Concat(states.args(), attempts.args(), events.args())...)
		return make([]error, len(items)), p.pool.SendBatch(ctx, &b).Close()
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
