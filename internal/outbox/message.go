package outbox

import (
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/limits"
)

// Status is where a message stands.
type Status string

// The statuses. All but Accepted are final.
const (
	Accepted   Status = "accepted"   // on disk, to be tried until its deadline
	Sent       Status = "sent"       // the provider took it
	Failed     Status = "failed"     // refused for good
	Expired    Status = "expired"    // its deadline came first
	Superseded Status = "superseded" // a newer code to the same address was asked for first
	Suppressed Status = "suppressed" // the address takes no mail from us
)

// Statuses returns all statuses.
func Statuses() []Status {
	return []Status{Accepted, Sent, Failed, Expired, Superseded, Suppressed}
}

// Final reports whether nothing more will be tried.
func (s Status) Final() bool { return s != Accepted }

// Message is one mail to one recipient, from accepted to its end.
type Message struct {
	ID       string
	TenantID string
	Type     connector.TemplateType
	To       string // as given; see address.Parse
	IP       string // of the client it is sent for, or ""
	// Payload is the mail's variables, sealed; nil once the message has ended.
	Payload []byte
	// Supersedes groups messages of which only the newest is worth sending
	// (codes of one address and type); "" for none.
	Supersedes string
	// Dedupe is a keyed hash that repeats of the same mail share; "" for none.
	Dedupe string
	// Charges are what it counts on when it is saved; they are not stored with
	// it.
	Charges   []limits.Charge
	CreatedAt time.Time
	// Deadline is when it is no longer worth sending: a code's expiry.
	Deadline time.Time
	Status   Status
	// Attempts made so far.
	Attempts int
	// EndedAt is when Status became final; zero before.
	EndedAt time.Time
}

// DedupeWindow is how long repeats of one mail count as one message.
const DedupeWindow = 10 * time.Second
