package azure

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// The types of events that Event Grid sends here.
const (
	validation = "Microsoft.EventGrid.SubscriptionValidationEvent"
	delivery   = "Microsoft.Communication.EmailDeliveryReportReceived"
	engagement = "Microsoft.Communication.EmailEngagementTrackingReportReceived"
)

// ReadEvents implements connector.EventReader. Event Grid signs nothing: what
// proves it is the secret in the path, and user and password in a header that
// the subscription adds.
func (a *azure) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	if err := a.settings.Verify(c); err != nil {
		return connector.Report{}, err
	}
	list, err := readList(c)
	if err != nil {
		return connector.Report{}, err
	}
	var report connector.Report
	for _, one := range list {
		switch kind := cmp.Or(one.EventType, one.Type); {
		case kind == validation && one.Data.ValidationCode != "":
			if report.Answer, err = handshake(one.Data.ValidationCode); err != nil {
				return connector.Report{}, err
			}
		case (kind == delivery || kind == engagement) && one.Data.MessageID != "":
			report.Events = append(report.Events, one.event(kind))
		}
	}
	return report, nil
}

// handshake proves to Event Grid that its events are wanted here
// (https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema).
func handshake(code string) ([]byte, error) {
	answer, err := json.Marshal(map[string]string{"validationResponse": code})
	if err != nil { // cannot happen: a string always encodes
		return nil, fmt.Errorf("%w: its validation code", connector.ErrBadCallback)
	}
	return answer, nil
}

// readList reads a list of events, or a single one, which is how CloudEvents
// come unless the subscription asks for batches.
func readList(c connector.Callback) ([]told, error) {
	if bytes.HasPrefix(bytes.TrimSpace(c.Body), []byte("[")) {
		var list []told
		err := providerapi.ReadJSON(c, &list)
		return list, err
	}
	var one told
	err := providerapi.ReadJSON(c, &one)
	return []told{one}, err
}

// told is an event in Event Grid's own schema or as a CloudEvent 1.0, which
// call their type and time otherwise
// (https://learn.microsoft.com/azure/event-grid/communication-services-email-events).
type told struct {
	ID        string `json:"id"`
	EventType string `json:"eventType"`
	Type      string `json:"type"`
	EventTime string `json:"eventTime"`
	Time      string `json:"time"`
	Data      struct {
		ValidationCode string `json:"validationCode"`
		MessageID      string `json:"messageId"`
		Recipient      string `json:"recipient"`
		Status         string `json:"status"`
		Details        struct {
			StatusMessage string `json:"statusMessage"`
		} `json:"deliveryStatusDetails"`
		AttemptTime    string `json:"deliveryAttemptTimeStamp"`
		EngagementType string `json:"engagementType"`
		ActionTime     string `json:"userActionTimeStamp"`
	} `json:"data"`
}

func (o told) event(kind string) connector.Event {
	d := o.Data
	e := connector.Event{
		// The id of the operation is the message's, as the request gave it.
		ID: o.ID, MessageID: d.MessageID, ProviderID: d.MessageID, Recipient: d.Recipient,
		At: when(d.AttemptTime, d.ActionTime, o.EventTime, o.Time), Detail: d.Details.StatusMessage,
	}
	if kind == engagement {
		e.Kind, e.Detail = connector.EventOther, cmp.Or(d.EngagementType, "engagement")
		return e
	}
	e.Enhanced = providerapi.EnhancedStatus(d.Details.StatusMessage)
	switch d.Status {
	case "Delivered":
		e.Kind = connector.EventDelivered
	case "Bounced": // documented as hard: no such address, or no such domain
		e.Kind, e.Hard = connector.EventBounced, true
	case "FilteredSpam", "Quarantined", "Failed": // about the mail or the way to the recipient
		e.Kind, e.Detail = connector.EventBounced, withWord(d.Status, e.Detail)
	case "Suppressed":
		e.Kind = connector.EventSuppressed
	default:
		e.Kind, e.Detail = connector.EventOther, withWord(cmp.Or(d.Status, "delivery report"), e.Detail)
	}
	return e
}

func withWord(word, detail string) string { return strings.TrimSpace(word + " " + detail) }

// when returns the first time that can be read, or the zero time.
func when(candidates ...string) time.Time {
	for _, text := range candidates {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return at
		}
	}
	return time.Time{}
}
