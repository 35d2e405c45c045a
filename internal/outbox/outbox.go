package outbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/secrets"
)

// Lifetime of messages whose code's expiry is not known to us or that carry
// no code.
const (
	CodeLifetime  = 10 * time.Minute
	OtherLifetime = 24 * time.Hour
)

// Store saves messages.
type Store interface {
	// SaveMessage saves m and its job in one transaction, or does nothing
	// when a message with the same Dedupe was saved within DedupeWindow
	// before m.CreatedAt. It returns the id of the message that stands.
	SaveMessage(ctx context.Context, m Message) (id string, err error)
}

// Outbox makes messages and saves them.
type Outbox struct {
	store Store
	keys  *secrets.Keys
	now   func() time.Time
}

// New makes an Outbox. now is the clock.
func New(store Store, keys *secrets.Keys, now func() time.Time) *Outbox {
	return &Outbox{store: store, keys: keys, now: now}
}

// Draft is what a message is made from.
type Draft struct {
	TenantID string
	Type     connector.TemplateType
	To       string // checked by address.Parse
	Payload  map[string]any
	IP       string
	// SessionID separates codes of one address that belong to different sessions.
	SessionID string
	// Charges are what the mail counts on.
	Charges []limits.Charge
	// Lifetime until the deadline; zero means CodeLifetime or OtherLifetime.
	Lifetime time.Duration
}

// Make turns a draft into a message with a new id and a sealed payload,
// without saving it: for callers that save it together with something else.
func (o *Outbox) Make(d Draft) (Message, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Message{}, fmt.Errorf("make message id: %w", err)
	}
	now := o.now()
	if d.Lifetime == 0 {
		d.Lifetime = OtherLifetime
		if d.Type.CarriesCode() {
			d.Lifetime = CodeLifetime
		}
	}
	m := Message{
		ID: id.String(), TenantID: d.TenantID, Type: d.Type, To: d.To, IP: d.IP,
		CreatedAt: now, Deadline: now.Add(d.Lifetime), Status: Accepted, Charges: d.Charges,
	}
	plain, err := json.Marshal(d.Payload)
	if err != nil {
		return Message{}, fmt.Errorf("encode payload: %w", err)
	}
	if m.Payload, err = o.keys.Seal(plain, payloadPurpose(m.ID)); err != nil {
		return Message{}, err
	}
	if d.Type.CarriesCode() {
		h, err := o.keys.Hash("supersedes", d.TenantID, address.Key(d.To), string(d.Type), d.SessionID)
		if err != nil {
			return Message{}, err
		}
		m.Supersedes = encodeHash(h)
	}
	return m, nil
}

// Accept saves a message made from d and queues its delivery. Repeats of the
// same recipient, type and code or link within DedupeWindow are one message:
// it returns the id of the one that stands, and whether it was there before.
func (o *Outbox) Accept(ctx context.Context, d Draft) (id string, repeat bool, err error) {
	m, err := o.Make(d)
	if err != nil {
		return "", false, err
	}
	if secret := firstString(d.Payload, "code", "link"); secret != "" {
		h, err := o.keys.Hash("dedupe", d.TenantID, address.Key(d.To), string(d.Type), secret)
		if err != nil {
			return "", false, err
		}
		m.Dedupe = encodeHash(h)
	}
	id, err = o.store.SaveMessage(ctx, m)
	return id, id != m.ID, err
}

// OpenPayload unseals a message's payload.
func (o *Outbox) OpenPayload(m Message) (map[string]any, error) {
	plain, err := o.keys.Open(m.Payload, payloadPurpose(m.ID))
	if err != nil {
		return nil, fmt.Errorf("payload of message %s: %w", m.ID, err)
	}
	var payload map[string]any
	if err := json.Unmarshal(plain, &payload); err != nil {
		return nil, fmt.Errorf("payload of message %s: %w", m.ID, err)
	}
	return payload, nil
}

func payloadPurpose(id string) string { return "payload:" + id }

func firstString(payload map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := payload[name].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// encodeHash shortens a keyed hash to text; 128 bits of it are enough to keep
// groups apart.
func encodeHash(h []byte) string { return base64.RawURLEncoding.EncodeToString(h[len(h)-16:]) }
