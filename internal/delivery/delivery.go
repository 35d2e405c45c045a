package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/compose"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/metrics"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/suppression"
)

// Store is what delivery reads and writes.
type Store interface {
	// LoadMessage returns a message. superseded tells whether a newer one of
	// the same group was accepted since; ok is false when there is none with
	// this id.
	LoadMessage(ctx context.Context, id string) (m outbox.Message, superseded, ok bool, err error)
	// RecordOutcome stores what became of a message, unless it is at its end.
	RecordOutcome(ctx context.Context, o Outcome) error
	// Refund takes back what a message accepted at a time was charged to.
	Refund(ctx context.Context, charges []limits.Charge, at time.Time) error
}

// Outcome is what one run of a job led to.
type Outcome struct {
	MessageID string
	Status    outbox.Status // Accepted when another attempt follows
	// Attempt is nil when no attempt was made.
	Attempt *events.Attempt
	Event   events.Event
}

// Deliverer makes attempts. It is safe for concurrent use.
type Deliverer struct {
	store    Store
	outbox   *outbox.Outbox
	router   *routing.Router
	composer *compose.Composer
	suppress *suppression.Service
	charges  func(context.Context, outbox.Message) ([]limits.Charge, error)
	hub      *events.Hub
	metrics  *metrics.Metrics
	now      func() time.Time
	log      *slog.Logger
	showAddr bool
}

// Options are what a Deliverer needs.
type Options struct {
	Store    Store
	Outbox   *outbox.Outbox
	Router   *routing.Router
	Composer *compose.Composer
	// Suppressions are the addresses that get no mail.
	Suppressions *suppression.Service
	// Charges returns what a message counts on.
	Charges func(ctx context.Context, m outbox.Message) ([]limits.Charge, error)
	Hub     *events.Hub
	Metrics *metrics.Metrics
	Now     func() time.Time
	Log     *slog.Logger
	// LogAddresses writes recipients in full to the log.
	LogAddresses bool
}

// New makes a Deliverer.
func New(o Options) *Deliverer {
	return &Deliverer{
		store: o.Store, outbox: o.Outbox, router: o.Router, composer: o.Composer, suppress: o.Suppressions, charges: o.Charges, hub: o.Hub,
		metrics: o.Metrics, now: o.Now, log: o.Log, showAddr: o.LogAddresses,
	}
}

// Deliver is the queue's handler: it takes the message one attempt further.
func (d *Deliverer) Deliver(ctx context.Context, messageID string) (queue.Result, error) {
	m, superseded, ok, err := d.store.LoadMessage(ctx, messageID)
	if err != nil {
		return queue.Result{}, fmt.Errorf("load message: %w", err)
	}
	if !ok || m.Status.Final() {
		return queue.Result{}, nil
	}
	now := d.now()
	switch {
	case !now.Before(m.Deadline):
		return d.end(ctx, m, outbox.Expired, "its deadline passed before it could be sent", nil)
	case superseded:
		return d.end(ctx, m, outbox.Superseded, "a newer one to this address was asked for", nil)
	}
	entry, suppressed, err := d.suppress.Find(ctx, m.TenantID, m.To, m.Type)
	switch {
	case err != nil:
		return queue.Result{}, err
	case suppressed:
		return d.end(ctx, m, outbox.Suppressed, entry.Explain(), nil)
	}
	route, err := d.router.Route(ctx, m.TenantID)
	if err != nil {
		a := &events.Attempt{Number: m.Attempts + 1, StartedAt: now}
		return d.verdict(ctx, m, a, unavailable(err), 1)
	}
	return d.along(ctx, m, route)
}

// along tries the connectors of a route until one of them takes the message,
// refuses it for good, or none is left.
func (d *Deliverer) along(ctx context.Context, m outbox.Message, route *routing.Route) (queue.Result, error) {
	via, ok := route.Next()
	if !ok {
		a := &events.Attempt{Number: m.Attempts + 1, StartedAt: d.now()}
		return d.verdict(ctx, m, a, unavailable(errNotOpen), route.Len())
	}
	for {
		a, sendErr := d.attempt(ctx, m, via)
		if sendErr != nil && ctx.Err() != nil {
			// The service is stopping: nobody knows what the provider did, so the
			// next start tries again.
			return queue.Result{}, fmt.Errorf("attempt cut short: %w", context.Cause(ctx))
		}
		failure, failed := errors.AsType[*connector.Error](sendErr)
		if !failed || !routing.FailsOver(failure.Class) || !d.now().Before(m.Deadline) {
			return d.verdict(ctx, m, a, sendErr, route.Len())
		}
		next, more := route.Next()
		if !more {
			return d.verdict(ctx, m, a, sendErr, route.Len())
		}
		if err := d.failOver(ctx, m, a, failure); err != nil {
			next.Untried()
			return queue.Result{}, err
		}
		m.Attempts++
		via = next
	}
}

// failOver notes an attempt that another connector makes up for at once.
func (d *Deliverer) failOver(ctx context.Context, m outbox.Message, a *events.Attempt, failure *connector.Error) error {
	a.Class, a.Status, a.Enhanced, a.Answer = failure.Class, failure.Status, failure.Enhanced, failure.Message
	d.observe(ctx, m, a, failure.Err)
	event := events.Event{Kind: events.Rerouted, At: d.now(), Detail: failure.Message}
	return d.record(ctx, Outcome{MessageID: m.ID, Status: outbox.Accepted, Attempt: a, Event: event})
}

// attempt renders the message and hands it to a connector, which is told how
// it did.
func (d *Deliverer) attempt(ctx context.Context, m outbox.Message, via *routing.Opened) (*events.Attempt, error) {
	a := &events.Attempt{Number: m.Attempts + 1, StartedAt: d.now(), ConnectorID: via.ID, FactoryID: via.FactoryID}
	defer func() { a.Duration = d.now().Sub(a.StartedAt) }()
	payload, err := d.outbox.OpenPayload(m)
	if err != nil {
		via.Untried()
		return a, &connector.Error{Class: connector.Permanent, Message: "the stored message cannot be read", Err: err}
	}
	mail, _, err := d.composer.Compose(ctx, compose.Request{
		TenantID: m.TenantID, MessageID: m.ID, Type: m.Type, To: m.To, IP: m.IP, Payload: payload,
		Validity: m.Validity(payload),
	}, via)
	if err != nil {
		via.Untried()
		return a, err
	}
	ctx, cancel := context.WithDeadline(ctx, m.Deadline)
	defer cancel()
	receipt, err := via.Connector.Send(ctx, mail)
	if err == nil {
		via.Sent()
		a.ProviderID, a.Answer = receipt.ProviderID, receipt.Answer
		return a, nil
	}
	failure, ok := errors.AsType[*connector.Error](err)
	if !ok {
		failure = &connector.Error{Class: connector.Temporary, Message: "the connector broke", Err: err}
	}
	via.Failed(failure, d.now())
	return a, failure
}

// errNotOpen says that the tenant's connectors are stored but cannot be used.
var errNotOpen = errors.New("no connector can be opened")

// unavailable makes a routing failure one that is tried again: somebody may
// set up or mend the connector before the deadline.
func unavailable(err error) error {
	message := "the connector in use cannot be opened"
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		message = f.Message
	}
	return &connector.Error{Class: connector.Temporary, Message: message, Err: err}
}

// verdict turns the result of an attempt, the last one along a route of so
// many connectors, into the message's next state.
func (d *Deliverer) verdict(
	ctx context.Context, m outbox.Message, a *events.Attempt, sendErr error, connectors int,
) (queue.Result, error) {
	if sendErr == nil {
		d.observe(ctx, m, a, nil)
		return d.end(ctx, m, outbox.Sent, a.Answer, a)
	}
	failure, ok := errors.AsType[*connector.Error](sendErr)
	if !ok {
		failure = &connector.Error{Class: connector.Temporary, Message: "the connector broke", Err: sendErr}
	}
	a.Class, a.Status, a.Enhanced, a.Answer = failure.Class, failure.Status, failure.Enhanced, failure.Message
	d.observe(ctx, m, a, failure.Err)
	switch failure.Class {
	case connector.InvalidResponse:
		return d.end(ctx, m, outbox.Sent, failure.Message, a)
	case connector.Recipient:
		d.suppressRefused(ctx, m, failure)
		return d.end(ctx, m, outbox.Failed, failure.Message, a)
	case connector.Permanent:
		return d.end(ctx, m, outbox.Failed, failure.Message, a)
	case connector.Temporary, connector.Throttled, connector.ConfigFault:
		return d.tryAgain(ctx, m, failure, a, connectors)
	}
	return d.end(ctx, m, outbox.Failed, failure.Message, a)
}

// suppressRefused suppresses an address that does not exist. It does so before
// the outcome is stored: whoever hears of that may send again at once. The
// outcome does not depend on it, since the next mail is refused as this one.
func (d *Deliverer) suppressRefused(ctx context.Context, m outbox.Message, failure *connector.Error) {
	entry := suppression.Entry{TenantID: m.TenantID, Address: m.To, MessageID: m.ID}
	err := d.suppress.Refused(context.WithoutCancel(ctx), entry, failure.Class, failure.Enhanced, failure.Message)
	if err != nil {
		d.log.Warn("a refused address could not be suppressed", "message", m.ID, "error", err)
	}
}

// tryAgain defers the message, or ends it when the next attempt would come
// after its deadline.
func (d *Deliverer) tryAgain(
	ctx context.Context, m outbox.Message, failure *connector.Error, a *events.Attempt, connectors int,
) (queue.Result, error) {
	rounds := (a.Number + connectors - 1) / connectors
	retryAt := d.now().Add(backoff(rounds, failure.RetryAfter))
	if !retryAt.Before(m.Deadline) {
		return d.end(ctx, m, outbox.Expired, "no time is left for another attempt: "+failure.Message, a)
	}
	event := events.Event{Kind: events.Deferred, At: d.now(), Detail: failure.Message}
	o := Outcome{MessageID: m.ID, Status: outbox.Accepted, Attempt: a, Event: event}
	if err := d.record(ctx, o); err != nil {
		return queue.Result{}, err
	}
	return queue.Result{RetryAt: retryAt}, nil
}

// end stores a message's final state. The event that leads to it has its name.
func (d *Deliverer) end(
	ctx context.Context, m outbox.Message, s outbox.Status, detail string, a *events.Attempt,
) (queue.Result, error) {
	now := d.now()
	o := Outcome{MessageID: m.ID, Status: s, Attempt: a, Event: events.Event{Kind: events.Kind(s), At: now, Detail: detail}}
	if err := d.record(ctx, o); err != nil {
		return queue.Result{}, err
	}
	d.metrics.Messages.WithLabelValues(string(m.Type), string(s)).Inc()
	if ours(s, a) {
		d.refund(ctx, m)
	}
	if s == outbox.Sent {
		d.metrics.Delivery.Observe(now.Sub(m.CreatedAt).Seconds())
	}
	return queue.Result{}, nil
}

// ours reports whether a message ended without reaching anybody through no
// fault of the recipient's. An address that does not exist is as used up as
// one that does: the limit must not tell which ones there are.
func ours(s outbox.Status, a *events.Attempt) bool {
	return s == outbox.Expired || s == outbox.Failed && (a == nil || a.Class != connector.Recipient)
}

// refund takes a message off its limits. When that fails, the limit lets one
// less through for some minutes.
func (d *Deliverer) refund(ctx context.Context, m outbox.Message) {
	ctx = context.WithoutCancel(ctx)
	charges, err := d.charges(ctx, m)
	if err == nil {
		err = d.store.Refund(ctx, charges, m.CreatedAt)
	}
	if err != nil {
		d.log.Warn("a mail that failed still counts on its limits", "message", m.ID, "error", err)
	}
}

// record stores an outcome even while the service is stopping: what a
// provider took must not be sent again.
func (d *Deliverer) record(ctx context.Context, o Outcome) error {
	if err := d.store.RecordOutcome(context.WithoutCancel(ctx), o); err != nil {
		return fmt.Errorf("record outcome: %w", err)
	}
	d.hub.Publish(o.MessageID)
	return nil
}

// observe writes one attempt to the log and the figures.
func (d *Deliverer) observe(ctx context.Context, m outbox.Message, a *events.Attempt, cause error) {
	outcome, level := "sent", slog.LevelInfo
	if a.Class != "" {
		outcome, level = string(a.Class), slog.LevelWarn
	}
	factory := a.FactoryID
	if factory == "" {
		factory = "none"
	}
	d.metrics.Attempts.WithLabelValues(factory, outcome).Inc()
	switch a.Class {
	case "", connector.Recipient, connector.Permanent, connector.InvalidResponse:
		d.metrics.ConnectorUp.WithLabelValues(factory).Set(1)
	case connector.Temporary, connector.Throttled, connector.ConfigFault:
		d.metrics.ConnectorUp.WithLabelValues(factory).Set(0)
	}
	to := m.To
	if !d.showAddr {
		to = address.Masked(to)
	}
	attrs := []slog.Attr{
		slog.String("message", m.ID), slog.String("type", string(m.Type)), slog.String("to", to),
		slog.Int("attempt", a.Number), slog.String("connector", factory), slog.String("outcome", outcome),
		slog.Duration("took", a.Duration),
	}
	if a.Class != "" {
		attrs = append(attrs, slog.String("answer", a.Answer))
	}
	if cause != nil {
		attrs = append(attrs, slog.String("cause", fmt.Sprintf("%T", cause)))
	}
	d.log.LogAttrs(ctx, level, "attempt", attrs...)
}
