package brevo

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// ReadEvents implements connector.EventReader. Brevo signs nothing; it sends a
// user and a password that stand in the webhook's URL
// (https://developers.brevo.com/docs/secured-webhooks).
func (b *brevo) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	if err := b.settings.Verify(c); err != nil {
		return connector.Report{}, err
	}
	// One event a callback, or a list where the webhook is batched
	// (https://developers.brevo.com/docs/batch-webhooks).
	list := make([]told, 1)
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(c.Body), []byte("[")) {
		err = providerapi.ReadJSON(c, &list)
	} else {
		err = providerapi.ReadJSON(c, &list[0])
	}
	if err != nil {
		return connector.Report{}, err
	}
	var report connector.Report
	for _, one := range list {
		if one.MessageID == "" && one.Custom == "" {
			continue // about a contact
		}
		report.Events = append(report.Events, one.event())
	}
	return report, nil
}

// told is one event (https://developers.brevo.com/docs/transactional-webhooks).
// Its id is that of the webhook; events have none.
type told struct {
	Event     providerapi.Text `json:"event"`
	Email     providerapi.Text `json:"email"`
	MessageID providerapi.Text `json:"message-id"`
	Custom    providerapi.Text `json:"X-Mailin-custom"`
	Reason    providerapi.Text `json:"reason"`
	TSEpoch   providerapi.Text `json:"ts_epoch"`
	TSEvent   providerapi.Text `json:"ts_event"`
}

func (o told) event() connector.Event {
	e := connector.Event{
		MessageID: string(o.Custom), ProviderID: plainID(string(o.MessageID)), Recipient: string(o.Email), At: o.at(),
		Detail: string(o.Reason),
	}
	switch o.Event {
	case "request", "sent":
		e.Kind = connector.EventAccepted
	case "delivered":
		e.Kind = connector.EventDelivered
	case "deferred":
		e.Kind = connector.EventDeferred
	case "soft_bounce", "hard_bounce":
		e.Kind, e.Hard = connector.EventBounced, o.Event == "hard_bounce"
		e.Enhanced = providerapi.EnhancedStatus(e.Detail)
	case "invalid_email":
		e.Kind, e.Hard, e.NoAddress = connector.EventBounced, true, true
	case "spam":
		e.Kind = connector.EventComplained
	case "blocked", "error":
		// A blocked address, a blocked sender or a fault there: Brevo does not say.
		e.Kind = connector.EventRejected
	default:
		e.Kind, e.Detail = connector.EventOther, strings.TrimSpace(string(o.Event)+" "+e.Detail)
	}
	return e
}

// seconds are what an epoch in seconds stays below until the year 5138; one in
// milliseconds has been above since 1973.
const seconds = 100_000_000_000

// at returns when it happened. Only ts_epoch is in UTC for certain; it comes
// in milliseconds, and in seconds in the documentation.
func (o told) at() time.Time {
	for _, text := range []providerapi.Text{o.TSEpoch, o.TSEvent} {
		switch epoch, err := strconv.ParseInt(string(text), 10, 64); {
		case err != nil || epoch <= 0:
		case epoch < seconds:
			return time.Unix(epoch, 0).UTC()
		default:
			return time.UnixMilli(epoch).UTC()
		}
	}
	return time.Time{}
}
