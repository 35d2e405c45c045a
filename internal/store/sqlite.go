package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/queue"
)

const (
	// SQLiteFile is the database's name in the data folder.
	SQLiteFile = "postern.db"
	// readers is how many queries run beside the writer.
	readers = 4
	// sqliteGroup is how many transactions one commit takes at most.
	sqliteGroup = 256
)

// sqliteDB is SQLite with one writer. Everything that writes goes through
// writes, which turns the transactions that wait into one commit: a commit
// costs an fsync, a transaction within it does not.
type sqliteDB struct {
	path   string
	read   *sql.DB
	readQ  sqliteReader
	wdb    *sql.DB
	writer *sqliteWriter
	writes *group[writeFunc]
	jobs   *queue.Embedded
	recent *recent
}

func openSQLite(ctx context.Context, dir string, o queue.Options) (*sqliteDB, error) {
	path := filepath.Join(dir, SQLiteFile)
	if err := ownFile(path); err != nil {
		return nil, err
	}
	wdb, err := openSQLiteFile(path, 1, "")
	if err != nil {
		return nil, err
	}
	conn, err := wdb.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), wdb.Close())
	}
	read, err := openSQLiteFile(path, readers, "&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, wdb.Close())
	}
	s := &sqliteDB{
		path: path, read: read, readQ: sqliteReader{db: read, stmts: &sync.Map{}}, wdb: wdb,
		writer: &sqliteWriter{conn: conn, stmts: make(map[string]*sql.Stmt)},
		recent: newRecent(),
	}
	s.writes = newGroup(1, sqliteGroup, s.commit)
	s.jobs = queue.NewEmbedded(queueDatabase{s}, o)
	s.writer.jobs = s.jobs
	return s, nil
}

// ownFile makes the file, readable by its owner alone, unless it is there.
// SQLite gives its other files the same mode.
func ownFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return nil
}

// openSQLiteFile opens a pool. synchronous=FULL syncs the WAL at each commit:
// what is committed survives a power cut.
func openSQLiteFile(path string, conns int, more string) (*sql.DB, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=cache_size(-16000)&_pragma=temp_store(MEMORY)" + more
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func (s *sqliteDB) write(ctx context.Context, fn writeFunc) error {
	return s.writes.do(ctx, withAudit(ctx, fn))
}

// commit runs fns as one transaction. When one of them fails all are run
// again, each in a transaction of its own, so that only it is undone.
func (s *sqliteDB) commit(fns []writeFunc) []error {
	errs := make([]error, len(fns))
	err := s.writer.transact(fns...)
	if err == nil {
		return errs
	}
	if len(fns) == 1 {
		errs[0] = err
		return errs
	}
	for i, fn := range fns {
		errs[i] = s.writer.transact(fn)
	}
	return errs
}

// sqliteWriter is the one connection that writes. It belongs to the group's
// goroutine.
type sqliteWriter struct {
	conn     *sql.Conn
	stmts    map[string]*sql.Stmt
	jobs     *queue.Embedded
	onCommit []func()
}

// transact runs fns in one transaction. They do not get their callers'
// contexts: a caller that goes away must not break its neighbours.
func (w *sqliteWriter) transact(fns ...writeFunc) error {
	ctx := context.Background()
	w.onCommit = w.onCommit[:0]
	if _, err := w.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, fn := range fns {
		if err := fn(ctx, w); err != nil {
			return errors.Join(err, w.rollback(ctx))
		}
	}
	if _, err := w.ExecContext(ctx, "COMMIT"); err != nil {
		return errors.Join(fmt.Errorf("commit: %w", err), w.rollback(ctx))
	}
	for _, f := range w.onCommit {
		f()
	}
	return nil
}

func (w *sqliteWriter) rollback(ctx context.Context) error {
	_, err := w.ExecContext(ctx, "ROLLBACK")
	return err
}

// stmt prepares each statement once: preparing costs more than running.
func (w *sqliteWriter) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := w.stmts[query]; ok {
		return st, nil
	}
	st, err := w.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	w.stmts[query] = st
	return st, nil
}

// ExecContext implements queue.Tx.
func (w *sqliteWriter) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	st, err := w.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

// QueryContext implements queue.Tx.
func (w *sqliteWriter) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := w.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// OnCommit implements queue.Tx.
func (w *sqliteWriter) OnCommit(f func()) { w.onCommit = append(w.onCommit, f) }

func (w *sqliteWriter) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := w.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (w *sqliteWriter) query(ctx context.Context, query string, args ...any) (rows, error) {
	return w.QueryContext(ctx, query, args...)
}

func (w *sqliteWriter) enqueue(ctx context.Context, job queue.Job) error {
	return w.jobs.Insert(ctx, w, job)
}

// lock: the one writer already keeps others out.
func (w *sqliteWriter) lock(context.Context, ...string) error { return nil }

// sqliteReader runs queries on the reading connections.
type sqliteReader struct {
	db    *sql.DB
	stmts *sync.Map // query -> *sql.Stmt
}

func (r sqliteReader) exec(context.Context, string, ...any) (int64, error) {
	return 0, errors.New("store: the reader does not write")
}

func (r sqliteReader) query(ctx context.Context, query string, args ...any) (rows, error) {
	st, ok := r.stmts.Load(query)
	if !ok {
		prepared, err := r.db.PrepareContext(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
		var raced bool
		if st, raced = r.stmts.LoadOrStore(query, prepared); raced {
			_ = prepared.Close()
		}
	}
	return st.(*sql.Stmt).QueryContext(ctx, args...)
}

// queueDatabase shows the store to the embedded queue.
type queueDatabase struct{ s *sqliteDB }

// Write implements queue.Database.
func (q queueDatabase) Write(ctx context.Context, fn func(context.Context, queue.Tx) error) error {
	return q.s.write(ctx, func(ctx context.Context, t tx) error { return fn(ctx, t.(*sqliteWriter)) })
}

// Reader implements queue.Database.
func (q queueDatabase) Reader() *sql.DB { return q.s.read }

func (s *sqliteDB) save(ctx context.Context, a accepted) error {
	var refusal error
	err := s.write(ctx, func(ctx context.Context, t tx) error {
		refusal = nil
		if w, ok := t.(*sqliteWriter); ok && a.message.Dedupe == "" {
			// Before the queue's own: the job may run as soon as that is called.
			w.OnCommit(func() {
				if refusal == nil {
					s.recent.add(a.message)
				}
			})
		}
		err := a.insert(ctx, t)
		if f, ok := errors.AsType[*fault.Fault](err); ok && a.message.Dedupe == "" {
			// A limit refuses it before it has written anything: its neighbours need
			// not be undone and done again.
			refusal, err = f, nil
		}
		return err
	})
	return cmp.Or(err, refusal)
}

func (s *sqliteDB) lately() *recent { return s.recent }

func (s *sqliteDB) record(ctx context.Context, o outcome) error {
	return s.write(ctx, o.store)
}

func (s *sqliteDB) reader() querier { return s.readQ }

// forUpdate: the one writer already keeps others out.
func (s *sqliteDB) forUpdate() string { return "" }

func (s *sqliteDB) uniqueViolation(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

func (s *sqliteDB) engine() queue.Engine { return s.jobs }

func (s *sqliteDB) ping(ctx context.Context) error { return s.read.PingContext(ctx) }

func (s *sqliteDB) close() error {
	s.writes.close()
	return errors.Join(s.writer.conn.Close(), s.wdb.Close(), s.read.Close())
}
