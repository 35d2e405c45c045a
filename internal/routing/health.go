package routing

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/postern-mail/postern/connector"
)

const (
	// failuresToOpen in a row take a connector out of the way of messages.
	failuresToOpen = 3
	// probeAfter is how long it stays out before one message tries it again.
	probeAfter = 30 * time.Second
	// maxPause bounds the pause that a provider may ask for.
	maxPause = 15 * time.Minute
)

// health says whether a connector is worth trying. It begins anew with each
// change of the connector's settings, and belongs to this node alone.
type health struct {
	breaker circuitbreaker.CircuitBreaker[any]

	mu          sync.Mutex
	pausedUntil time.Time
}

func newHealth() *health {
	return &health{
		breaker: circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(failuresToOpen).WithSuccessThreshold(1).
			WithDelay(probeAfter).WithJitterFactor(0.2). //nolint:mnd // not all at once
			Build(),
	}
}

// permits reports whether to try the connector now, and takes a permit.
func (h *health) permits(now time.Time) bool {
	h.mu.Lock()
	paused := now.Before(h.pausedUntil)
	h.mu.Unlock()
	return !paused && h.breaker.TryAcquirePermit()
}

// Sent notes that the provider took a message.
func (o *Opened) Sent() {
	if o.health != nil {
		o.health.breaker.RecordSuccess()
	}
}

// Failed notes how an attempt failed. Failures that are not the provider's
// show that it is there.
func (o *Opened) Failed(e *connector.Error, now time.Time) {
	if o.health == nil {
		return
	}
	switch e.Class {
	case connector.Temporary, connector.ConfigFault:
		o.health.breaker.RecordFailure()
	case connector.Throttled:
		o.health.breaker.RecordSuccess()
		o.health.mu.Lock()
		defer o.health.mu.Unlock()
		o.health.pausedUntil = now.Add(min(e.RetryAfter, maxPause))
	case connector.Recipient, connector.Permanent, connector.InvalidResponse:
		o.health.breaker.RecordSuccess()
	}
}

// Untried gives back what Next took: nothing reached the provider.
func (o *Opened) Untried() {
	if o.health != nil && o.health.breaker.IsHalfOpen() {
		o.health.breaker.Open()
		o.health.breaker.HalfOpen() // anew, with the permit
	}
}

// Up reports whether messages go out through this connector now.
func (o *Opened) Up(now time.Time) bool {
	if o.broken != nil || o.health == nil {
		return o.broken == nil
	}
	o.health.mu.Lock()
	defer o.health.mu.Unlock()
	return !now.Before(o.health.pausedUntil) && !o.health.breaker.IsOpen()
}
