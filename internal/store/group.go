package store

import (
	"context"
	"errors"
	"sync"
)

// group collects work that several callers want done at the same time and
// hands it to one flush: many transactions, one commit. Nobody waits for
// company: what arrives while a flush runs is the next one's.
type group[T any] struct {
	flush   func(items []T) []error // one error each
	limit   int
	waiting chan grouped[T]
	done    sync.WaitGroup
	closing chan struct{}
}

type grouped[T any] struct {
	ctx    context.Context //nolint:containedctx // it travels to the flush with the item
	item   T
	result chan error
}

var errClosed = errors.New("the store is closed")

// newGroup starts as many flushing goroutines as may flush at once. close
// ends them.
func newGroup[T any](flushers, limit int, flush func([]T) []error) *group[T] {
	g := &group[T]{
		flush: flush, limit: limit,
		waiting: make(chan grouped[T], limit), closing: make(chan struct{}),
	}
	for range flushers {
		g.done.Go(g.run)
	}
	return g
}

// do hands in one item and waits for its result. Once handed in, the item is
// not taken back when ctx ends: its result is known within one flush.
func (g *group[T]) do(ctx context.Context, item T) error {
	w := grouped[T]{ctx: ctx, item: item, result: make(chan error, 1)}
	select {
	case g.waiting <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-g.closing:
		return errClosed
	}
	select {
	case err := <-w.result:
		return err
	case <-g.closing:
	}
	g.done.Wait() // the last flush may still have it
	select {
	case err := <-w.result:
		return err
	default:
		return errClosed
	}
}

// close ends the group; items not yet flushed fail with errClosed.
func (g *group[T]) close() {
	close(g.closing)
	g.done.Wait()
}

func (g *group[T]) run() {
	for {
		select {
		case first := <-g.waiting:
			g.flushFrom(first)
		case <-g.closing:
			return
		}
	}
}

// flushFrom flushes first and whatever else waits, up to the limit.
func (g *group[T]) flushFrom(first grouped[T]) {
	batch := []grouped[T]{first}
collect:
	for len(batch) < g.limit {
		select {
		case next := <-g.waiting:
			batch = append(batch, next)
		default:
			break collect
		}
	}
	live := batch[:0]
	items := make([]T, 0, len(batch))
	for _, w := range batch {
		if err := w.ctx.Err(); err != nil {
			w.result <- err
			continue
		}
		live = append(live, w)
		items = append(items, w.item)
	}
	if len(items) == 0 {
		return
	}
	for i, err := range g.flush(items) {
		live[i].result <- err
	}
}
