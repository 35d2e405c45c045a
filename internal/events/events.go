package events

import (
	"context"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/outbox"
)

// Kind is what happened to a message.
type Kind string

// The kinds of events that the service itself causes.
const (
	Accepted   Kind = "accepted"
	Sent       Kind = "sent"
	Deferred   Kind = "deferred" // an attempt failed, another will follow
	Rerouted   Kind = "rerouted" // an attempt failed, the next connector is tried at once
	Failed     Kind = "failed"
	Expired    Kind = "expired"
	Superseded Kind = "superseded"
)

// Event is one thing that happened to a message.
type Event struct {
	Kind Kind      `json:"kind"`
	At   time.Time `json:"-"`
	// Detail says more in one line, without secrets; may be empty.
	Detail string `json:"detail,omitempty"`
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
	Events   []Event
}

// Decided reports whether there is a verdict on the message: it has ended, or
// every connector was tried once.
func (s Story) Decided() bool {
	if s.Message.Status.Final() {
		return true
	}
	last := len(s.Events) - 1
	return s.Message.Attempts > 0 && (last < 0 || s.Events[last].Kind != Rerouted)
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
