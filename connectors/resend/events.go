package resend

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// newVerifier reads a signing secret.
func newVerifier(secret connector.Secret) (*standardwebhooks.Webhook, error) {
	text, ok := strings.CutPrefix(secret.Reveal(), "whsec_")
	if !ok || text == "" {
		return nil, errors.New("no signing secret")
	}
	return standardwebhooks.NewWebhook(text)
}

// ReadEvents implements connector.EventReader. Resend signs by the Standard
// Webhooks specification, with the names that its predecessor gave the headers
// (https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests).
func (r *resend) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	verifier, err := newVerifier(r.settings.WebhookSecret)
	if err != nil {
		return connector.Report{}, connector.ErrNotSetUp
	}
	header := http.Header{}
	for _, name := range []string{"id", "timestamp", "signature"} {
		header.Set("webhook-"+name, c.Header.Get("svix-"+name))
	}
	seconds, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil || verifier.VerifyIgnoringTimestamp(c.Body, header) != nil || !providerapi.Fresh(time.Unix(seconds, 0), c.At) {
		return connector.Report{}, connector.ErrNotGenuine
	}
	var told told
	if err := providerapi.ReadJSON(c, &told); err != nil {
		return connector.Report{}, err
	}
	if told.Data.EmailID == "" {
		return connector.Report{}, nil // about a domain or a contact
	}
	return connector.Report{Events: []connector.Event{told.event(header.Get("webhook-id"))}}, nil
}

// told is a callback's body
// (https://resend.com/docs/dashboard/webhooks/event-types).
type told struct {
	Type      string    `json:"type"`
	CreatedAt time.Time `json:"created_at"`
	Data      struct {
		EmailID string   `json:"email_id"`
		To      []string `json:"to"`
		Tags    tags     `json:"tags"`
		Bounce  struct {
			Type           string   `json:"type"`
			SubType        string   `json:"subType"`
			Message        string   `json:"message"`
			DiagnosticCode []string `json:"diagnosticCode"`
		} `json:"bounce"`
		Failed struct {
			Reason string `json:"reason"`
		} `json:"failed"`
	} `json:"data"`
}

// tags come as an object, or as a list of names and values.
type tags map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (t *tags) UnmarshalJSON(text []byte) error {
	var list []tag
	if json.Unmarshal(text, &list) == nil {
		*t = tags{}
		for _, one := range list {
			(*t)[one.Name] = one.Value
		}
		return nil
	}
	return json.Unmarshal(text, (*map[string]string)(t))
}

func (o told) event(id string) connector.Event {
	e := connector.Event{
		ID: id, MessageID: o.Data.Tags["message_id"], ProviderID: o.Data.EmailID, At: o.CreatedAt,
	}
	if len(o.Data.To) > 0 {
		e.Recipient = o.Data.To[0]
	}
	switch o.Type {
	case "email.sent":
		e.Kind = connector.EventSent
	case "email.delivered":
		e.Kind = connector.EventDelivered
	case "email.delivery_delayed":
		e.Kind = connector.EventDeferred
	case "email.bounced":
		o.bounced(&e)
	case "email.complained":
		e.Kind = connector.EventComplained
	case "email.failed":
		e.Kind, e.Detail = connector.EventRejected, o.Data.Failed.Reason
	case "email.suppressed":
		e.Kind = connector.EventSuppressed
	default:
		e.Kind, e.Detail = connector.EventOther, o.Type
	}
	return e
}

// bounced reads a bounce. Its types are those of Amazon SES, which Resend
// sends through.
func (o told) bounced(e *connector.Event) {
	b := o.Data.Bounce
	words := append([]string{b.Message}, b.DiagnosticCode...)
	e.Kind, e.Detail = connector.EventBounced, strings.Join(words, " ")
	e.Hard = b.Type == "Permanent"
	e.NoAddress = e.Hard && b.SubType == "NoEmail"
	e.Enhanced = providerapi.EnhancedStatus(strings.Join(b.DiagnosticCode, " "))
	if b.SubType == "Suppressed" || b.SubType == "OnAccountSuppressionList" {
		e.Kind, e.Hard = connector.EventSuppressed, false
	}
}
