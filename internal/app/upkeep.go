package app

import (
	"context"
	"time"
)

const (
	gaugesEvery = 5 * time.Second
	pruneEvery  = time.Minute
)

// upkeep keeps the queue's figures and the last uses of keys current and
// deletes what is over, until ctx ends.
func (a *App) upkeep(ctx context.Context) {
	gauges := time.NewTicker(gaugesEvery)
	defer gauges.Stop()
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-gauges.C:
			a.readQueue(ctx)
			a.metrics.GuardAlert.Set(float64(a.guard.Alerts()))
		case <-prune.C:
			a.storeUses(ctx)
			a.prune(ctx)
		}
	}
}

func (a *App) readQueue(ctx context.Context) {
	depth, err := a.store.Queue().Depth(ctx)
	if err != nil {
		if ctx.Err() == nil {
			a.log.Warn("reading the queue's depth", "error", err)
		}
		return
	}
	a.metrics.QueueDepth.Set(float64(depth.Jobs))
	oldest := 0.0
	if !depth.OldestDue.IsZero() {
		oldest = max(0, now().Sub(depth.OldestDue).Seconds())
	}
	a.metrics.QueueOldest.Set(oldest)
}

func (a *App) storeUses(ctx context.Context) {
	if err := a.access.StoreUses(ctx); err != nil && ctx.Err() == nil {
		a.log.Warn("upkeep", "error", err)
	}
}

func (a *App) prune(ctx context.Context) {
	for ctx.Err() == nil {
		more, err := a.store.Prune(ctx, now())
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn("pruning", "error", err)
			}
			return
		}
		if !more {
			return
		}
	}
}
