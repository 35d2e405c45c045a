package sendgrid

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// parseKey reads the verification key: DER in base64.
func parseKey(text string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("not base64")
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("not a public key")
	}
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("not an elliptic curve's")
	}
	return ec, nil
}

// ReadEvents implements connector.EventReader. The signature is over the
// timestamp and the body
// (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features).
func (s *sendgrid) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	key, err := parseKey(s.settings.WebhookKey)
	if err != nil {
		return connector.Report{}, connector.ErrNotSetUp
	}
	timestamp := c.Header.Get("X-Twilio-Email-Event-Webhook-Timestamp")
	signature, err := base64.StdEncoding.DecodeString(c.Header.Get("X-Twilio-Email-Event-Webhook-Signature"))
	seconds, parseErr := strconv.ParseInt(timestamp, 10, 64)
	sum := sha256.Sum256(slices.Concat([]byte(timestamp), c.Body))
	if err != nil || parseErr != nil || !ecdsa.VerifyASN1(key, sum[:], signature) || !providerapi.Fresh(time.Unix(seconds, 0), c.At) {
		return connector.Report{}, connector.ErrNotGenuine
	}
	var list []told
	if err := providerapi.ReadJSON(c, &list); err != nil {
		return connector.Report{}, err
	}
	var report connector.Report
	for _, one := range list {
		if one.MessageID == "" && one.SGMessageID == "" {
			continue // about the account
		}
		report.Events = append(report.Events, one.event())
	}
	return report, nil
}

// told is one event of a callback
// (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event).
type told struct {
	Event          string `json:"event"`
	Email          string `json:"email"`
	Timestamp      int64  `json:"timestamp"`
	SGEventID      string `json:"sg_event_id"`
	SGMessageID    string `json:"sg_message_id"`
	MessageID      string `json:"message_id"` // our custom argument
	Type           string `json:"type"`
	Status         string `json:"status"`
	Reason         string `json:"reason"`
	Response       string `json:"response"`
	Classification string `json:"bounce_classification"`
}

func (o told) event() connector.Event {
	// What follows the first dot says which of their servers it went through.
	provider, _, _ := strings.Cut(o.SGMessageID, ".")
	e := connector.Event{
		ID: o.SGEventID, MessageID: o.MessageID, ProviderID: provider, Recipient: o.Email,
		At: time.Unix(o.Timestamp, 0).UTC(), Detail: strings.TrimSpace(o.Reason + " " + o.Response),
	}
	switch o.Event {
	case "processed":
		e.Kind = connector.EventAccepted
	case "deferred":
		e.Kind = connector.EventDeferred
	case "delivered":
		e.Kind = connector.EventDelivered
	case "bounce":
		// A bounce of the type blocked is about the mail or the sender, and passes.
		e.Kind, e.Hard = connector.EventBounced, o.Type != "blocked"
		e.NoAddress = e.Hard && o.Classification == "Invalid Address"
		e.Enhanced = providerapi.EnhancedStatus(o.Status)
	case "dropped":
		e.Kind = connector.EventRejected
		switch o.Reason {
		case "Bounced Address", "Spam Reporting Address", "Unsubscribed Address":
			e.Kind = connector.EventSuppressed
		}
	case "spamreport":
		e.Kind = connector.EventComplained
	default:
		e.Kind, e.Detail = connector.EventOther, strings.TrimSpace(o.Event+" "+e.Detail)
	}
	return e
}
