package mailgun

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// callback is a callback's body
// (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads).
type callback struct {
	Signature struct {
		Timestamp json.Number `json:"timestamp"` // seconds, as a string
		Token     string      `json:"token"`
		Signature string      `json:"signature"`
	} `json:"signature"`
	EventData json.RawMessage `json:"event-data"`
}

// genuine proves a callback
// (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks).
// The signature does not cover the event, so each token may come but once.
func (c callback) genuine(key connector.Secret, came time.Time) bool {
	seconds, err := c.Signature.Timestamp.Int64()
	if err != nil || c.Signature.Token == "" || !providerapi.Fresh(time.Unix(seconds, 0), came) {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(c.Signature.Timestamp.String() + c.Signature.Token))
	return providerapi.Same(hex.EncodeToString(mac.Sum(nil)), c.Signature.Signature)
}

// ReadEvents implements connector.EventReader.
func (g *mailgun) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	if g.settings.SigningKey == "" {
		return connector.Report{}, connector.ErrNotSetUp
	}
	var body callback
	if err := providerapi.ReadJSON(c, &body); err != nil {
		return connector.Report{}, err
	}
	if !body.genuine(g.settings.SigningKey, c.At) {
		return connector.Report{}, connector.ErrNotGenuine
	}
	var told told
	c.Body = body.EventData
	if err := providerapi.ReadJSON(c, &told); err != nil {
		return connector.Report{}, err
	}
	report := connector.Report{Nonce: body.Signature.Token}
	if e := told.event(); e.MessageID != "" || e.ProviderID != "" {
		report.Events = []connector.Event{e}
	}
	return report, nil
}

// told is one event
// (https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure).
type told struct {
	ID        string  `json:"id"`
	Event     string  `json:"event"`
	Timestamp float64 `json:"timestamp"`
	Recipient string  `json:"recipient"`
	Severity  string  `json:"severity"`
	Reason    string  `json:"reason"`
	Reject    struct {
		Reason      string `json:"reason"`
		Description string `json:"description"`
	} `json:"reject"`
	Status struct {
		EnhancedCode string `json:"enhanced-code"`
		Message      string `json:"message"`
		Description  string `json:"description"`
		BounceType   string `json:"bounce-type"`
	} `json:"delivery-status"`
	Message struct {
		Headers struct {
			MessageID string `json:"message-id"`
		} `json:"headers"`
	} `json:"message"`
	Variables map[string]any `json:"user-variables"`
}

func (o told) event() connector.Event {
	e := connector.Event{
		ID: o.ID, ProviderID: bare(o.Message.Headers.MessageID), Recipient: o.Recipient,
		At: time.UnixMicro(int64(math.Round(o.Timestamp * 1e6))).UTC(),
	}
	e.MessageID, _ = o.Variables["message-id"].(string)
	switch o.Event {
	case "accepted":
		e.Kind = connector.EventAccepted
	case "delivered":
		e.Kind, e.Detail = connector.EventDelivered, o.Status.Message
	case "failed":
		o.failed(&e)
	case "rejected":
		e.Kind, e.Detail = connector.EventRejected, strings.TrimSpace(o.Reject.Reason+" "+o.Reject.Description)
	case "complained":
		e.Kind = connector.EventComplained
	default: // opened, clicked, unsubscribed, stored
		e.Kind, e.Detail = connector.EventOther, o.Event
	}
	return e
}

// failed reads a failure: of one try, or for good. Its status message is the
// recipient's server's, its description Mailgun's.
func (o told) failed(e *connector.Event) {
	words := slices.DeleteFunc([]string{o.Status.Message, o.Status.Description}, func(s string) bool { return s == "" })
	e.Detail = strings.Join(slices.Compact(words), " ")
	if e.Enhanced = providerapi.EnhancedStatus(o.Status.EnhancedCode); e.Enhanced == "" {
		e.Enhanced = providerapi.EnhancedStatus(o.Status.Message)
	}
	switch {
	case strings.HasPrefix(o.Reason, "suppress-"):
		e.Kind = connector.EventSuppressed
	case o.Severity == "permanent":
		// A block is about the mail or the sender, and passes.
		passes := o.Reason == "espblock" || o.Reason == "old" || o.Status.BounceType == "soft"
		e.Kind, e.Hard = connector.EventBounced, !passes
	case o.Reason == "old": // given up, though it says temporary
		e.Kind = connector.EventBounced
	default:
		e.Kind = connector.EventDeferred
	}
}
