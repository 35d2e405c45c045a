package connector

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// EventReader is implemented by connectors whose provider reports by callback
// what became of mails.
type EventReader interface {
	// ReadEvents proves that a callback comes from the provider, on its raw
	// body, and reads what it reports. Errors wrap ErrNotGenuine,
	// ErrBadCallback or ErrNotSetUp; any other is temporary, and the provider
	// is told to call again. No error repeats anything of the callback.
	ReadEvents(ctx context.Context, c Callback) (Report, error)
}

// What is wrong with a callback.
var (
	// ErrNotGenuine: the signature, its age or the credentials are not right.
	ErrNotGenuine = errors.New("the callback does not come from the provider")
	// ErrBadCallback: it is genuine, and cannot be read.
	ErrBadCallback = errors.New("the callback cannot be read")
	// ErrNotSetUp: the settings lack what it would be checked with.
	ErrNotSetUp = errors.New("the settings lack the key that callbacks are checked with")
)

// Callback is one HTTP request of a provider, as it came.
type Callback struct {
	Header http.Header
	Body   []byte
	// At is when it came, for checks of age.
	At time.Time
}

// Report is what one callback says.
type Report struct {
	// Events in the order of the callback; nil for one that reports nothing,
	// such as a handshake.
	Events []Event
	// Nonce, if the provider signs with one, may be used by one callback only.
	Nonce string
	// Answer is the JSON that the provider expects back, or nil.
	Answer []byte
}

// EventKind is what a provider says happened to a mail.
type EventKind string

// The kinds of events, whatever the provider calls them.
const (
	EventAccepted   EventKind = "accepted"   // the provider took it
	EventSent       EventKind = "sent"       // it left the provider
	EventDeferred   EventKind = "deferred"   // the recipient's server wants it later
	EventDelivered  EventKind = "delivered"  // the recipient's server took it
	EventBounced    EventKind = "bounced"    // it came back
	EventComplained EventKind = "complained" // the recipient called it spam
	EventRejected   EventKind = "rejected"   // the provider refused it
	EventSuppressed EventKind = "suppressed" // the provider does not write to this address
	EventOther      EventKind = "other"      // anything else; Event.Detail begins with the provider's word
)

// Event is one thing that a provider reports.
type Event struct {
	// ID is the provider's own and the same when it reports the event again;
	// "" when it has none.
	ID   string
	Kind EventKind
	// Hard tells of a bounce that it is for good.
	Hard bool
	// NoAddress tells of a hard bounce that there is no such address.
	NoAddress bool
	// MessageID is Message.ID, when the provider gives back what it was given,
	// ProviderID its own id as in Receipt. One of them is there.
	MessageID, ProviderID string
	// Recipient is the address that the event is about.
	Recipient string
	// At is when it happened; zero when the provider does not say.
	At time.Time
	// Enhanced is the enhanced status code (RFC 3463), or "".
	Enhanced string
	// Detail is the provider's words, or "".
	Detail string
}
