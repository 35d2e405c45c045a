package sparkpost

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// ReadEvents implements connector.EventReader. SparkPost signs nothing; it
// sends a user and a password
// (https://support.sparkpost.com/docs/tech-resources/webhook-authentication).
func (s *sparkpost) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	if err := s.settings.Verify(c); err != nil {
		return connector.Report{}, err
	}
	// An event stands under the name of its class, such as message_event. The
	// one that tries a new webhook has none.
	var list []struct {
		Msys map[string]told `json:"msys"`
	}
	if err := providerapi.ReadJSON(c, &list); err != nil {
		return connector.Report{}, err
	}
	var report connector.Report
	for _, one := range list {
		for _, event := range one.Msys {
			if event.Transmission == "" && event.messageID() == "" {
				continue // mail that came in
			}
			report.Events = append(report.Events, event.event())
		}
	}
	return report, nil
}

// told is one event
// (https://support.sparkpost.com/docs/tech-resources/webhook-event-reference).
type told struct {
	Type         providerapi.Text `json:"type"`
	EventID      providerapi.Text `json:"event_id"`
	Transmission providerapi.Text `json:"transmission_id"`
	Recipient    providerapi.Text `json:"rcpt_to"`
	RawRecipient providerapi.Text `json:"raw_rcpt_to"` // as it was given
	Meta         json.RawMessage  `json:"rcpt_meta"`
	Timestamp    providerapi.Text `json:"timestamp"`
	RawReason    providerapi.Text `json:"raw_reason"`
	Reason       providerapi.Text `json:"reason"`
	BounceClass  providerapi.Text `json:"bounce_class"`
}

// messageID is what Send gave along; metadata of others may be of any shape.
func (o told) messageID() string {
	var meta struct {
		MessageID providerapi.Text `json:"message_id"`
	}
	if json.Unmarshal(o.Meta, &meta) != nil {
		return ""
	}
	return string(meta.MessageID)
}

func (o told) event() connector.Event {
	e := connector.Event{
		ID: string(o.EventID), MessageID: o.messageID(), ProviderID: string(o.Transmission),
		Recipient: string(cmp.Or(o.RawRecipient, o.Recipient)), Detail: string(cmp.Or(o.RawReason, o.Reason)),
	}
	if seconds, err := strconv.ParseInt(string(o.Timestamp), 10, 64); err == nil {
		e.At = time.Unix(seconds, 0).UTC()
	}
	switch o.Type {
	case "injection":
		e.Kind = connector.EventAccepted
	case "delivery":
		e.Kind = connector.EventDelivered
	case "delay":
		e.Kind = connector.EventDeferred
	case "bounce", "out_of_band":
		o.bounced(&e)
	case "spam_complaint":
		e.Kind = connector.EventComplained
	case "policy_rejection", "generation_failure", "generation_rejection":
		refused(&e)
	default:
		other(&e, o.Type)
	}
	return e
}

// bounced reads a bounce by its class
// (https://support.sparkpost.com/docs/deliverability/bounce-classification-codes).
func (o told) bounced(e *connector.Event) {
	e.Kind, e.Enhanced = connector.EventBounced, providerapi.EnhancedStatus(e.Detail)
	switch o.BounceClass {
	case "10": // invalid recipient
		e.Hard, e.NoAddress = true, true
	case "30": // no recipient
		e.Hard = true
	case "25": // SparkPost's own policy: it was never sent
		refused(e)
	case "60", "80", "90", "100":
		// An automatic answer, a subscription or a challenge came back to a mail
		// that had arrived.
		other(e, o.Type)
	}
}

// refused tells an address on the suppression list from other refusals
// (https://support.sparkpost.com/docs/tech-resources/preparing-for-async-suppressions).
func refused(e *connector.Event) {
	e.Kind, e.Enhanced = connector.EventRejected, ""
	if strings.Contains(strings.ToLower(e.Detail), "suppressed") {
		e.Kind = connector.EventSuppressed
	}
}

func other(e *connector.Event, kind providerapi.Text) {
	e.Kind, e.Enhanced, e.Detail = connector.EventOther, "", strings.TrimSpace(string(kind)+" "+e.Detail)
}
