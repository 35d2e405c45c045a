package queue_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/queue/queuetest"
	"github.com/postern-mail/postern/test/servers"
)

func TestRiver(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, riverEngine())
}

func riverEngine() queuetest.Engine {
	return queuetest.Engine{
		Name: "river",
		NewDatabase: func(t testing.TB) string {
			url := servers.Postgres(t)
			migrate(t, url)
			return url
		},
		Open: func(url string, o queue.Options) (queuetest.Node, error) {
			pool, err := pgxpool.New(context.Background(), url)
			if err != nil {
				return nil, err
			}
			r, err := queue.NewRiver(pool, o)
			if err != nil {
				return nil, err
			}
			return &riverNode{r, pool}, nil
		},
	}
}

func migrate(t testing.TB, url string) {
	t.Helper()
	pool := openPool(t, url)
	if err := queue.MigrateRiver(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
}

func openPool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

type riverNode struct {
	*queue.River

	pool *pgxpool.Pool
}

func (n *riverNode) Insert(ctx context.Context, jobs []queue.Job, before func() error) error {
	return pgx.BeginFunc(ctx, n.pool, func(tx pgx.Tx) error {
		if err := n.InsertTx(ctx, tx, jobs); err != nil || before == nil {
			return err
		}
		return before()
	})
}

func (n *riverNode) Close() { n.pool.Close() }
