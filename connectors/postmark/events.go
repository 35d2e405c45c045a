package postmark

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// ReadEvents implements connector.EventReader. Postmark signs nothing; a user
// and a password may be in the webhook's settings
// (https://postmarkapp.com/developer/webhooks/webhooks-overview#protecting-your-webhook).
func (p *postmark) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	if err := p.settings.Verify(c); err != nil {
		return connector.Report{}, err
	}
	var told told
	if err := providerapi.ReadJSON(c, &told); err != nil {
		return connector.Report{}, err
	}
	e := told.event()
	if e.MessageID == "" && e.ProviderID == "" {
		return connector.Report{}, nil // an address put on the list by hand
	}
	return connector.Report{Events: []connector.Event{e}}, nil
}

// told is a callback's body: the fields of all kinds of them
// (https://postmarkapp.com/developer/webhooks/bounce-webhook and its
// neighbours).
type told struct {
	RecordType      string
	ID              int64 // of a bounce or a complaint
	Type            string
	MessageID       string
	Metadata        map[string]string
	Recipient       string
	Email           string // the recipient, of a bounce or a complaint
	Description     string
	Details         string
	DeliveredAt     time.Time
	BouncedAt       time.Time
	ChangedAt       time.Time
	ReceivedAt      time.Time
	SuppressSending bool
}

func (o told) event() connector.Event {
	e := connector.Event{MessageID: o.Metadata["message_id"], ProviderID: o.MessageID, Recipient: o.Recipient, Detail: o.Details}
	if o.ID != 0 {
		e.ID = strconv.FormatInt(o.ID, 10)
	}
	switch o.RecordType {
	case "Delivery":
		e.Kind, e.At = connector.EventDelivered, o.DeliveredAt
	case "Bounce":
		e.Recipient, e.At = o.Email, o.BouncedAt
		o.bounced(&e)
	case "SpamComplaint":
		e.Kind, e.Recipient, e.At = connector.EventComplained, o.Email, o.BouncedAt
	case "SubscriptionChange":
		e.Kind, e.At = connector.EventOther, o.ChangedAt
		if o.SuppressSending {
			e.Kind = connector.EventSuppressed
		} else {
			e.Detail = o.RecordType
		}
	default: // Open, Click
		e.Kind, e.At, e.Detail = connector.EventOther, o.ReceivedAt, o.RecordType
	}
	e.At = e.At.UTC()
	return e
}

// bounced reads a bounce by its type
// (https://postmarkapp.com/developer/api/bounce-api#bounce-types). Several
// types are no bounces but what came back in other ways.
func (o told) bounced(e *connector.Event) {
	e.Detail = strings.TrimSpace(o.Details + " " + o.Description)
	e.Enhanced = providerapi.EnhancedStatus(o.Details)
	switch o.Type {
	case "HardBounce":
		// "The email address no longer exists", unless the code says otherwise.
		e.Kind, e.Hard = connector.EventBounced, true
		e.NoAddress = e.Enhanced == "" || strings.HasPrefix(e.Enhanced, "5.1.")
	case "BadEmailAddress":
		e.Kind, e.Hard, e.NoAddress = connector.EventBounced, true, true
	case "SoftBounce", "Blocked", "SpamNotification", "DMARCPolicy", "VirusNotification", "Unknown":
		e.Kind = connector.EventBounced
	case "Transient", "DnsError":
		e.Kind = connector.EventDeferred
	case "SpamComplaint":
		e.Kind = connector.EventComplained
	case "ManuallyDeactivated":
		e.Kind = connector.EventSuppressed
	case "SMTPApiError", "TemplateRenderingFailed":
		e.Kind = connector.EventRejected
	default: // AutoResponder, Unsubscribe, AddressChange …
		e.Kind, e.Detail = connector.EventOther, strings.TrimSpace(o.Type+" "+e.Detail)
	}
}
