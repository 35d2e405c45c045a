package app

import (
	"context"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/outbox"
)

const (
	gaugesEvery = 5 * time.Second
	pruneEvery  = time.Minute
	remindEvery = time.Minute
)

// upkeep keeps the queue's figures and the last uses of keys current, deletes
// what is over and sends reminders, until ctx ends.
func (a *App) upkeep(ctx context.Context) {
	gauges := time.NewTicker(gaugesEvery)
	defer gauges.Stop()
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	remind := time.NewTicker(remindEvery)
	defer remind.Stop()
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
		case <-remind.C:
			a.remind(ctx)
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

// remind sends the reminders of invitations that are due.
func (a *App) remind(ctx context.Context) {
	sent, err := a.invites.Remind(ctx)
	a.metrics.Messages.WithLabelValues(string(connector.OrganizationInvitation), string(outbox.Accepted)).Add(float64(sent))
	if err != nil && ctx.Err() == nil {
		a.log.Warn("sending reminders", "error", err)
	}
}
