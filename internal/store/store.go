package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/postern-mail/postern/internal/queue"
)

// Store is the database and the queue that lives in it. It is safe for
// concurrent use.
type Store struct {
	db database
}

// Options tell where the database is.
type Options struct {
	// DataDir holds the SQLite file. It must exist.
	DataDir string
	// PostgresURL chooses PostgreSQL instead when it is not empty.
	PostgresURL string
	Queue       queue.Options
}

// database is one of the two engines.
type database interface {
	// write runs fn in a transaction. fn may run more than once, and must not
	// keep anything of a run that was followed by another.
	// It stores the audit entries that ctx carries, too.
	write(ctx context.Context, fn writeFunc) error
	// reader runs statements outside of transactions.
	reader() querier
	// save stores an accepted message, with its code if it has one.
	save(ctx context.Context, a accepted) error
	// lately are the messages that were saved last.
	lately() *recent
	// record stores what an attempt led to.
	record(ctx context.Context, o outcome) error
	// forUpdate is appended to a SELECT whose rows are about to change.
	forUpdate() string
	// uniqueViolation tells whether err is a broken unique constraint.
	uniqueViolation(err error) bool
	// engine is the queue that lives in this database.
	engine() queue.Engine
	migrate(ctx context.Context) (from, to int64, err error)
	ping(ctx context.Context) error
	close() error
}

// writeFunc is what a transaction does.
type writeFunc = func(ctx context.Context, tx tx) error

// querier runs statements. Placeholders are $1, $2 … on both databases.
type querier interface {
	// exec returns how many rows the statement touched.
	exec(ctx context.Context, sql string, args ...any) (int64, error)
	query(ctx context.Context, sql string, args ...any) (rows, error)
}

// tx is a querier within a transaction that can also queue jobs.
type tx interface {
	querier
	enqueue(ctx context.Context, job queue.Job) error
	// lock keeps other transactions that lock one of these keys waiting until
	// this one ends.
	lock(ctx context.Context, keys ...string) error
}

// rows is what *sql.Rows and pgx.Rows have in common.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// ErrNewerSchema says that the database was written by a later version.
var ErrNewerSchema = errors.New("the database was made by a newer version of postern; " +
	"run that version, or restore a backup made before the upgrade")

// Open connects to the database. It changes nothing in it; Migrate does.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.PostgresURL != "" {
		db, err := openPostgres(ctx, o.PostgresURL, o.Queue)
		if err != nil {
			return nil, err
		}
		return &Store{db: db}, nil
	}
	db, err := openSQLite(ctx, o.DataDir, o.Queue)
	if err != nil {
		return nil, err
	}
	return &Store{db: db}, nil
}

// Migrate brings the schema up to this version's and returns the versions
// before and after. It refuses a newer one with ErrNewerSchema.
func (s *Store) Migrate(ctx context.Context) (from, to int64, err error) { return s.db.migrate(ctx) }

// Queue returns the engine whose jobs are saved in this store.
func (s *Store) Queue() queue.Engine { return s.db.engine() }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.ping(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// Close ends the connections. The queue must be stopped before.
func (s *Store) Close() error { return s.db.close() }

// one scans the only row of a query; ok is false when there is none.
func one(ctx context.Context, q querier, dest []any, sql string, args ...any) (ok bool, err error) {
	r, err := q.query(ctx, sql, args...)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if !r.Next() {
		return false, r.Err()
	}
	return true, r.Scan(dest...)
}

// all calls scan for each row of a query.
func all(ctx context.Context, q querier, scan func(rows) error, sql string, args ...any) (err error) {
	r, err := q.query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for r.Next() {
		if err := scan(r); err != nil {
			return err
		}
	}
	return r.Err()
}
