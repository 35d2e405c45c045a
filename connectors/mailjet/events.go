package mailjet

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// ReadEvents implements connector.EventReader. Mailjet signs nothing; a user
// and a password may be in the URL that it calls
// (https://dev.mailjet.com/email/guides/webhooks/#secure-your-endpoint-url).
func (j *mailjet) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	if err := j.settings.Verify(c); err != nil {
		return connector.Report{}, err
	}
	var list batch
	if err := providerapi.ReadJSON(c, &list); err != nil {
		return connector.Report{}, err
	}
	var report connector.Report
	for _, one := range list {
		if e := one.event(); e.MessageID != "" || e.ProviderID != "" {
			report.Events = append(report.Events, e)
		}
	}
	return report, nil
}

// batch is a callback's body: one event, or a list of them where they are
// grouped.
type batch []told

// UnmarshalJSON implements json.Unmarshaler.
func (b *batch) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]told)(b))
	}
	*b = make(batch, 1)
	return json.Unmarshal(text, &(*b)[0])
}

// told is one event
// (https://dev.mailjet.com/email/guides/webhooks/#event-types).
type told struct {
	Event     string           `json:"event"`
	Time      int64            `json:"time"` // seconds
	MessageID providerapi.Text `json:"MessageID"`
	CustomID  providerapi.Text `json:"CustomID"` // our message's id
	Email     string           `json:"email"`
	Hard      bool             `json:"hard_bounce"`
	RelatedTo string           `json:"error_related_to"`
	Error     string           `json:"error"`
	Comment   string           `json:"comment"`
	Reply     string           `json:"smtp_reply"`
	Source    string           `json:"source"`
}

// event reads one event. None has an id of its own.
func (o told) event() connector.Event {
	e := connector.Event{MessageID: string(o.CustomID), ProviderID: noZero(o.MessageID), Recipient: o.Email}
	if o.Time != 0 {
		e.At = time.Unix(o.Time, 0).UTC()
	}
	switch o.Event {
	case "sent": // the recipient's server took it
		e.Kind, e.Detail = connector.EventDelivered, o.Reply
	case "bounce":
		o.bounced(&e)
	case "blocked":
		e.Kind, e.Detail = connector.EventRejected, o.words()
		// Mailjet did not try: the address, or its domain, bounced before.
		if o.RelatedTo == "recipient" || o.RelatedTo == "domain" || o.Error == "preblocked" {
			e.Kind = connector.EventSuppressed
		}
	case "spam":
		e.Kind, e.Detail = connector.EventComplained, o.Source
	default: // open, click, unsub
		e.Kind, e.Detail = connector.EventOther, o.Event
	}
	return e
}

func (o told) bounced(e *connector.Event) {
	e.Kind, e.Detail = connector.EventBounced, o.words()
	e.Enhanced = providerapi.EnhancedStatus(o.Comment)
	switch {
	case o.Hard:
		e.Hard, e.NoAddress = true, o.Error == "user unknown"
	case o.Error == "greylisted": // tried again
		e.Kind = connector.EventDeferred
	}
}

// words are what Mailjet says of an error, then what the recipient's server
// said.
func (o told) words() string {
	return strings.TrimSpace(o.Error + " " + o.Comment)
}
