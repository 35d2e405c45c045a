package events

import (
	"context"
	"time"

	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/suppression"
)

// KeepMarks is how long it is remembered what callbacks have said. Providers
// repeat a callback for days.
const KeepMarks = 30 * 24 * time.Hour

// Sought is the message that a provider's event is about.
type Sought struct {
	TenantID    string
	ConnectorID string // whose provider reports
	// MessageID is ours, ProviderID the provider's, as in Attempt. One of them
	// may be empty; MessageID goes first.
	MessageID, ProviderID string
	To                    string // address.Key
}

// Reported is a provider's event on a message that was found.
type Reported struct {
	// Mark is the same when the provider reports the event again.
	Mark      string
	MessageID string
	Event     Event
	// Limit is how many events the message may have for this one to be kept.
	Limit int
	// Suppress is what the event suppresses, or nil.
	Suppress *suppression.Entry
}

// Outcome is what became of a provider's event.
type Outcome string

// The outcomes.
const (
	Stored    Outcome = "stored"
	Hushed    Outcome = "suppressed" // stored, and the address takes no mail any more
	Repeated  Outcome = "repeated"   // it was reported before
	Excess    Outcome = "excess"     // the message has had its share of events
	Unmatched Outcome = "unmatched"  // it is about no message of the tenant
)

// ReportStore keeps what providers report.
type ReportStore interface {
	// FindMessage returns the tenant's message to this recipient with this id,
	// or the newest one that an attempt through this connector gave the
	// provider's id, without payload; ok is false when there is none.
	FindMessage(ctx context.Context, s Sought) (m outbox.Message, ok bool, err error)
	// UnderWay reports whether a tenant has a message to an address (by its
	// address.Key), accepted since, that is not at its end.
	UnderWay(ctx context.Context, tenantID, to string, since time.Time) (bool, error)
	// ClaimNonce remembers the hash of a nonce together with that of the
	// callback that uses it. ok is false when another callback did before.
	ClaimNonce(ctx context.Context, nonce, callback string, at time.Time) (ok bool, err error)
	// RecordReports stores events, all or none, and says what became of each:
	// Stored, Hushed, Repeated or Excess.
	RecordReports(ctx context.Context, at time.Time, list []Reported) ([]Outcome, error)
}
