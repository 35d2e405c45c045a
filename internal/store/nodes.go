package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// MaxTold is the longest text that Tell takes, in bytes (PostgreSQL's
// documentation of NOTIFY).
const MaxTold = 7999

// channel is what the nodes of one database tell each other on.
const channel = "postern_nodes"

// Shared reports whether several nodes may use the database at once.
func (s *Store) Shared() bool {
	_, ok := s.db.(*postgresDB)
	return ok
}

// Tell sends a short text to all nodes that Listen, this one included. It is
// not kept: a node that does not listen does not hear of it.
func (s *Store) Tell(ctx context.Context, text string) error {
	p, ok := s.db.(*postgresDB)
	if !ok {
		return errAlone
	}
	if _, err := p.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, text); err != nil {
		return fmt.Errorf("tell other nodes: %w", err)
	}
	return nil
}

// Listen calls hear with each text that a node tells, until ctx ends or the
// connection breaks; ready is called when it hears.
func (s *Store) Listen(ctx context.Context, ready func(), hear func(text string)) error {
	p, ok := s.db.(*postgresDB)
	if !ok {
		return errAlone
	}
	// A connection of its own: one of the pool would be gone from it for good.
	conn, err := pgx.ConnectConfig(ctx, p.pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("listen to other nodes: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return fmt.Errorf("listen to other nodes: %w", err)
	}
	ready()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("listen to other nodes: %w", err)
		}
		hear(n.Payload)
	}
}

var errAlone = errors.New("store: a SQLite database has one node")
