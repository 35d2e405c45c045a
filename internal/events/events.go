package events

import (
	"context"
	"slices"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/outbox"
)

// Kind is what happened to a message.
type Kind string

// The kinds of events. The service itself causes the first eight, providers
// report the first three and from Suppressed on.
const (
	Accepted   Kind = "accepted"
	Sent       Kind = "sent"
	Deferred   Kind = "deferred" // an attempt failed, another will follow
	Rerouted   Kind = "rerouted" // an attempt failed, the next connector is tried at once
	Failed     Kind = "failed"
	Expired    Kind = "expired"
	Superseded Kind = "superseded"
	Suppressed Kind = "suppressed" // we, or the provider, do not write to the address
	Delivered  Kind = "delivered"  // the recipient's server took it
	Bounced    Kind = "bounced"    // it came back
	Complained Kind = "complained" // the recipient called it spam
	Rejected   Kind = "rejected"   // the provider refused it after it had taken it
	Other      Kind = "other"      // anything else; Detail begins with the provider's word
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{
		Accepted, Sent, Deferred, Rerouted, Failed, Expired, Superseded, Suppressed,
		Delivered, Bounced, Complained, Rejected, Other,
	}
}

// Bounce tells of a bounce whether it is for good; "" for all other events.
type Bounce string

// The kinds of bounces.
const (
	Hard Bounce = "hard"
	Soft Bounce = "soft"
)

// Event is one thing that happened to a message.
type Event struct {
	Kind Kind
	At   time.Time
	// Detail says more in one line, without secrets; may be empty.
	Detail string
	Bounce Bounce
	// Source is who says so: the id of the factory whose provider does, or ""
	// for the service itself.
	Source string
}

// Attempt is one try to hand a message to a provider.
type Attempt struct {
	Number      int // from 1
	ConnectorID string
	FactoryID   string
	StartedAt   time.Time
	Duration    time.Duration
	// Class is empty when the provider took the message.
	Class connector.Class
	// Status and Enhanced are the provider's codes, as in connector.Error.
	Status   int
	Enhanced string
	// Answer is the provider's words, free of secrets.
	Answer string
	// ProviderID is the provider's id of the message, or "".
	ProviderID string
}

// Story is all that is known of a message.
type Story struct {
	Message  outbox.Message
	Attempts []Attempt
	// Events by their time, then in the order in which they became known.
	Events []Event
}

// Decided reports whether there is a verdict on the message: it has ended, or
// every connector was tried once.
func (s Story) Decided() bool {
	if s.Message.Status.Final() {
		return true
	}
	for _, e := range slices.Backward(s.Events) {
		if e.Source == "" { // a provider's say is another matter
			return s.Message.Attempts > 0 && e.Kind != Rerouted
		}
	}
	return s.Message.Attempts > 0
}

// LastAttempt returns the newest attempt, or nil.
func (s Story) LastAttempt() *Attempt {
	if len(s.Attempts) == 0 {
		return nil
	}
	return &s.Attempts[len(s.Attempts)-1]
}

// Filter narrows a list of messages. Zero fields do not narrow.
type Filter struct {
	Status outbox.Status
	To     string // address.Key
	Type   connector.TemplateType
	Before string // message id: only older ones
	Limit  int    // 0: all
	Offset int
}

// Reader reads what happened to a tenant's messages.
type Reader interface {
	Stories
	// ListMessages returns messages without payload, newest first, and how
	// many match in all.
	ListMessages(ctx context.Context, tenantID string, f Filter) (list []outbox.Message, total int, err error)
}
