package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/postern-mail/postern/internal/queue"
)

//go:embed migrations
var migrations embed.FS

// migrationLock is the key of the advisory lock that keeps nodes that start
// at once from migrating one database together ("postern" in ASCII).
const migrationLock = 0x706f737465726e

func (s *sqliteDB) migrate(ctx context.Context) (from, to int64, err error) {
	db, err := openSQLiteFile(s.path, 1, "")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return goUp(ctx, goose.DialectSQLite3, db, "migrations/sqlite")
}

func (p *postgresDB) migrate(ctx context.Context) (from, to int64, err error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("migrate: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return 0, 0, fmt.Errorf("wait for other nodes to migrate: %w", err)
	}
	defer func() {
		_, unlockErr := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, migrationLock)
		err = errors.Join(err, unlockErr)
	}()
	db := stdlib.OpenDBFromPool(p.pool)
	defer func() { err = errors.Join(err, db.Close()) }()
	from, to, err = goUp(ctx, goose.DialectPostgres, db, "migrations/postgres")
	if err != nil {
		return from, to, err
	}
	if err := queue.MigrateRiver(ctx, p.pool); err != nil {
		return from, to, fmt.Errorf("migrate the queue: %w", err)
	}
	return from, to, nil
}

// goUp runs the migrations that the database lacks.
func goUp(ctx context.Context, dialect goose.Dialect, db *sql.DB, dir string) (from, to int64, err error) {
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return 0, 0, fmt.Errorf("migrate: %w", err)
	}
	provider, err := goose.NewProvider(dialect, db, files)
	if err != nil {
		return 0, 0, fmt.Errorf("migrate: %w", err)
	}
	from, to, err = provider.GetVersions(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	if from > to {
		return from, from, fmt.Errorf("schema version %d, this version knows %d: %w", from, to, ErrNewerSchema)
	}
	if _, err := provider.Up(ctx); err != nil {
		return from, from, fmt.Errorf("migrate: %w", err)
	}
	return from, to, nil
}
