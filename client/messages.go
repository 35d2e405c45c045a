package client

import (
	"context"
	"net/http"
	"time"
)

// MessageRequest hands over one mail, with a code or link of the caller's own.
type MessageRequest struct {
	To   string       `json:"to"` // one address, at most 128 bytes
	Type TemplateType `json:"type"`
	// Payload are the variables for the template: code or link, locale,
	// uiLocales and any more.
	Payload map[string]any `json:"payload"`
	// IP is the address of the person's client, which sends are limited by.
	IP string `json:"ip,omitempty"`

	// Wait and IdempotencyKey are as in CodeRequest.
	Wait           time.Duration `json:"-"`
	IdempotencyKey string        `json:"-"`
}

// Status is how far a message has come.
type Status string

// The statuses. All but Accepted are final.
const (
	Accepted   Status = "accepted"   // on disk, to be tried until its deadline
	Sent       Status = "sent"       // the provider took it
	Failed     Status = "failed"     // refused for good
	Expired    Status = "expired"    // its deadline came first
	Superseded Status = "superseded" // a newer code took its place before it was sent
	Suppressed Status = "suppressed" // the address gets no mail
)

// Receipt says what became of a mail that was handed over.
type Receipt struct {
	ID     string `json:"id"` // of the message
	Status Status `json:"status"`
}

// SendMessage hands over one mail. It is on disk when SendMessage returns, and
// will be tried until its deadline. Repeats of the same recipient, type and
// code or link within 10 seconds are one message.
func (c *Client) SendMessage(ctx context.Context, r MessageRequest) (Receipt, error) {
	if r.Payload == nil {
		r.Payload = map[string]any{}
	}
	var out Receipt
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: "/api/messages", body: r, wait: r.Wait, key: keyOr(r.IdempotencyKey),
		want: http.StatusAccepted, answer: &out,
	})
	return out, err
}

// Message is one mail to one recipient, without what it says.
type Message struct {
	ID        string
	Type      TemplateType
	To        string
	Status    Status
	CreatedAt time.Time
	Deadline  time.Time // after it nothing is sent
	EndedAt   time.Time // when Status became final; zero before
	// Delivery is the strongest of what the provider reported since:
	// delivered, bounced, complained and others; "" while it reported nothing.
	Delivery string
	Attempts []Attempt // oldest first
	Events   []Event   // by their time
}

// Attempt is one try to hand a message to a provider.
type Attempt struct {
	FactoryID  string // whose provider
	StartedAt  time.Time
	Duration   time.Duration
	Outcome    string // sent, or the class of the failure: temporary, throttled, config, recipient, permanent
	Answer     string // the provider's words
	ProviderID string // the provider's id of the message
}

// Event is something that happened to a message.
type Event struct {
	Kind   string // accepted, sent, deferred, delivered, bounced and others
	At     time.Time
	Detail string // more in one line
	Source string // the factory whose provider reports it; "" where the service says so
}

// Message returns what became of a message. ErrNotFound where there is none
// with this id; messages that ended are kept for 90 days.
func (c *Client) Message(ctx context.Context, id string) (Message, error) {
	path, err := under("/api/messages", id)
	if err != nil {
		return Message{}, err
	}
	var wire messageJSON
	_, err = c.do(ctx, call{method: http.MethodGet, path: path, want: http.StatusOK, answer: &wire})
	return wire.message(), err
}

// millis is a time as the API writes it: in milliseconds since 1970.
type millis int64

// time is zero for the time that the API leaves out.
func (m millis) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m))
}

type messageJSON struct {
	ID        string        `json:"id"`
	Type      TemplateType  `json:"type"`
	To        string        `json:"to"`
	Status    Status        `json:"status"`
	CreatedAt millis        `json:"createdAt"`
	Deadline  millis        `json:"deadline"`
	EndedAt   millis        `json:"endedAt"`
	Delivery  string        `json:"delivery"`
	Attempts  []attemptJSON `json:"attempts"`
	Events    []eventJSON   `json:"events"`
}

type attemptJSON struct {
	FactoryID  string `json:"factoryId"`
	StartedAt  millis `json:"startedAt"`
	Duration   int64  `json:"duration"` // milliseconds
	Outcome    string `json:"outcome"`
	Answer     string `json:"answer"`
	ProviderID string `json:"providerId"`
}

type eventJSON struct {
	Kind   string `json:"kind"`
	At     millis `json:"at"`
	Detail string `json:"detail"`
	Source string `json:"source"`
}

func (w messageJSON) message() Message {
	m := Message{
		ID: w.ID, Type: w.Type, To: w.To, Status: w.Status, Delivery: w.Delivery,
		CreatedAt: w.CreatedAt.time(), Deadline: w.Deadline.time(), EndedAt: w.EndedAt.time(),
	}
	for _, a := range w.Attempts {
		m.Attempts = append(m.Attempts, Attempt{
			FactoryID: a.FactoryID, StartedAt: a.StartedAt.time(), Duration: time.Duration(a.Duration) * time.Millisecond,
			Outcome: a.Outcome, Answer: a.Answer, ProviderID: a.ProviderID,
		})
	}
	for _, e := range w.Events {
		m.Events = append(m.Events, Event{Kind: e.Kind, At: e.At.time(), Detail: e.Detail, Source: e.Source})
	}
	return m
}
