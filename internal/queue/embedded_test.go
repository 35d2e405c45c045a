package queue_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/queue/queuetest"
)

func TestMain(m *testing.M) { queuetest.Main(m, embedded(), riverEngine()) }

func TestEmbedded(t *testing.T) {
	t.Parallel()
	queuetest.Run(t, embedded())
}

func embedded() queuetest.Engine {
	return queuetest.Engine{
		Name: "embedded",
		NewDatabase: func(t testing.TB) string {
			path := filepath.Join(t.TempDir(), "queue.db")
			d, err := openSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			if _, err := d.writer.Exec(queue.EmbeddedSchema); err != nil {
				t.Fatal(err)
			}
			return path
		},
		Open: func(path string, o queue.Options) (queuetest.Node, error) {
			d, err := openSQLite(path)
			if err != nil {
				return nil, err
			}
			return &embeddedNode{queue.NewEmbedded(d, o), d}, nil
		},
	}
}

type embeddedNode struct {
	*queue.Embedded

	db *sqliteDB
}

func (n *embeddedNode) Insert(ctx context.Context, jobs []queue.Job, before func() error) error {
	return n.db.Write(ctx, func(ctx context.Context, tx queue.Tx) error {
		if err := n.Embedded.Insert(ctx, tx, jobs...); err != nil || before == nil {
			return err
		}
		return before()
	})
}

func (n *embeddedNode) Close() { n.db.close() }
