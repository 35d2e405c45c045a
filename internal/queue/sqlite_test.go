package queue_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver

	"github.com/postern-mail/postern/internal/queue"
)

// sqliteDB is the simplest queue.Database: one writer that commits together
// whatever waits.
type sqliteDB struct {
	reader *sql.DB
	writer *sql.DB
	conn   *sql.Conn
	stmts  map[string]*sql.Stmt

	requests chan *writeRequest
	quit     chan struct{}
	writing  sync.WaitGroup

	commits atomic.Int64

	mu      sync.Mutex
	failing func() error // when set, it is asked before each commit
}

type writeRequest struct {
	ctx  context.Context
	fn   func(context.Context, queue.Tx) error
	done chan error
}

func openSQLite(path string) (*sqliteDB, error) {
	dsn := "file:" + path + "?" + url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)",
	}}.Encode()
	d := &sqliteDB{
		stmts:    make(map[string]*sql.Stmt),
		requests: make(chan *writeRequest, 256),
		quit:     make(chan struct{}),
	}
	var err error
	if d.reader, err = sql.Open("sqlite", dsn); err != nil {
		return nil, err
	}
	if d.writer, err = sql.Open("sqlite", dsn); err != nil {
		return nil, err
	}
	if d.conn, err = d.writer.Conn(context.Background()); err != nil {
		return nil, err
	}
	d.writing.Go(d.writeLoop)
	return d, nil
}

func (d *sqliteDB) close() {
	close(d.quit)
	d.writing.Wait()
	d.conn.Close()
	d.writer.Close()
	d.reader.Close()
}

func (d *sqliteDB) failWith(f func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = f
}

func (d *sqliteDB) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing == nil {
		return nil
	}
	return d.failing()
}

func (d *sqliteDB) Reader() *sql.DB { return d.reader }

func (d *sqliteDB) Write(ctx context.Context, fn func(context.Context, queue.Tx) error) error {
	r := &writeRequest{ctx: ctx, fn: fn, done: make(chan error, 1)}
	select {
	case d.requests <- r:
		return <-r.done
	case <-d.quit:
		return errors.New("closed")
	}
}

func (d *sqliteDB) writeLoop() {
	for {
		select {
		case <-d.quit:
			return
		case r := <-d.requests:
			group := []*writeRequest{r}
		collect:
			for len(group) < cap(d.requests) {
				select {
				case r := <-d.requests:
					group = append(group, r)
				default:
					break collect
				}
			}
			d.writeGroup(group)
		}
	}
}

func (d *sqliteDB) writeGroup(group []*writeRequest) {
	if err := d.commit(group...); err == nil || len(group) == 1 {
		for _, r := range group {
			r.done <- err
		}
		return
	}
	for _, r := range group {
		r.done <- d.commit(r)
	}
}

func (d *sqliteDB) commit(group ...*writeRequest) (err error) {
	tx := &sqliteTx{d: d}
	ctx := context.Background()
	if _, err := tx.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tx.ExecContext(ctx, "ROLLBACK")
		}
	}()
	for _, r := range group {
		if err := r.fn(r.ctx, tx); err != nil {
			return err
		}
	}
	if err := d.failure(); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	d.commits.Add(1)
	for _, f := range tx.after {
		f()
	}
	return nil
}

type sqliteTx struct {
	d     *sqliteDB
	after []func()
}

func (t *sqliteTx) prepared(query string) (*sql.Stmt, error) {
	if s := t.d.stmts[query]; s != nil {
		return s, nil
	}
	s, err := t.d.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, query)
	}
	t.d.stmts[query] = s
	return s, nil
}

func (t *sqliteTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (t *sqliteTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (t *sqliteTx) OnCommit(f func()) { t.after = append(t.after, f) }
