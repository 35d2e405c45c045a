package pigeon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// ReadEvents implements connector.EventReader: it proves that a callback comes
// from Pigeon, and reads it. A provider that reports nothing needs no such
// method: remove this file, the webhookSecret, Metadata.Events and TestEvents.
func (s *service) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	if s.settings.WebhookSecret == "" {
		return connector.Report{}, connector.ErrNotSetUp
	}
	seconds, err := strconv.ParseInt(c.Header.Get("Pigeon-Timestamp"), 10, 64)
	want := signature(s.settings.WebhookSecret, c.Header.Get("Pigeon-Timestamp"), c.Body)
	if err != nil || !providerapi.Same(c.Header.Get("Pigeon-Signature"), want) || !providerapi.Fresh(time.Unix(seconds, 0), c.At) {
		return connector.Report{}, connector.ErrNotGenuine
	}
	var list []told
	if err := providerapi.ReadJSON(c, &list); err != nil {
		return connector.Report{}, err
	}
	var report connector.Report
	for _, one := range list {
		if one.Email != "" {
			report.Events = append(report.Events, one.event())
		}
	}
	return report, nil
}

// signature is what Pigeon signs a callback with: HMAC-SHA-256 in hexadecimal
// digits, over the time, a dot and the raw body.
func signature(secret connector.Secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// told is one event of a callback. Cite the page of your provider's
// documentation here.
type told struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	At        time.Time `json:"at"`
	Email     string    `json:"email"` // Pigeon's id of the mail
	Reference string    `json:"reference"`
	To        string    `json:"to"`
	Permanent bool      `json:"permanent"`
	Reason    string    `json:"reason"`
}

// event says it in the words of all connectors. A hard bounce keeps Postern
// from writing to the address again, so Hard is only for what is for good, and
// NoAddress only where the provider says that there is no such address.
func (o told) event() connector.Event {
	e := connector.Event{
		ID: o.ID, At: o.At, MessageID: o.Reference, ProviderID: o.Email, Recipient: o.To,
		Detail: o.Reason, Enhanced: providerapi.EnhancedStatus(o.Reason),
	}
	switch o.Type {
	case "delivered":
		e.Kind = connector.EventDelivered
	case "bounced":
		e.Kind, e.Hard = connector.EventBounced, o.Permanent
		e.NoAddress = o.Permanent && e.Enhanced == "5.1.1"
	case "complained":
		e.Kind = connector.EventComplained
	default: // kept, not refused: providers add kinds
		e.Kind, e.Detail = connector.EventOther, o.Type
	}
	return e
}
