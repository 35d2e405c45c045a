package awsses

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// ReadEvents implements connector.EventReader. Events come through Amazon SNS,
// which asks once whether it may.
func (s *ses) ReadEvents(ctx context.Context, c connector.Callback) (connector.Report, error) {
	e, err := s.genuine(ctx, c)
	if err != nil {
		return connector.Report{}, err
	}
	switch e.Type {
	case confirmation:
		return connector.Report{}, s.subscribe(ctx, e)
	case endOfSubscription:
		return connector.Report{}, nil
	}
	if strings.HasPrefix(e.Message, "Successfully validated SNS topic for Amazon SES event publishing") {
		return connector.Report{}, nil
	}
	var told told
	if json.Unmarshal([]byte(e.Message), &told) != nil {
		return connector.Report{}, fmt.Errorf("%w: the message in it is not the JSON that Amazon SES documents", connector.ErrBadCallback)
	}
	if told.Mail.MessageID == "" {
		return connector.Report{}, nil // about the subscription
	}
	return connector.Report{Events: told.events(e.MessageID)}, nil
}

// told is what Amazon SES reports: feedback of an identity
// (https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html), or
// an event that a configuration set publishes
// (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html).
type told struct {
	NotificationType string `json:"notificationType"`
	EventType        string `json:"eventType"`
	Mail             struct {
		MessageID   string              `json:"messageId"`
		Timestamp   time.Time           `json:"timestamp"`
		Destination []string            `json:"destination"`
		Tags        map[string][]string `json:"tags"`
	} `json:"mail"`
	Bounce struct {
		Type       string    `json:"bounceType"`
		SubType    string    `json:"bounceSubType"`
		Recipients []party   `json:"bouncedRecipients"`
		Timestamp  time.Time `json:"timestamp"`
	} `json:"bounce"`
	Complaint struct {
		Recipients []party   `json:"complainedRecipients"`
		SubType    string    `json:"complaintSubType"`
		Feedback   string    `json:"complaintFeedbackType"`
		Timestamp  time.Time `json:"timestamp"`
	} `json:"complaint"`
	Delivery struct {
		Recipients   []string  `json:"recipients"`
		SMTPResponse string    `json:"smtpResponse"`
		Timestamp    time.Time `json:"timestamp"`
	} `json:"delivery"`
	Delay struct {
		Type       string    `json:"delayType"`
		Recipients []party   `json:"delayedRecipients"`
		Timestamp  time.Time `json:"timestamp"`
	} `json:"deliveryDelay"`
	Reject struct {
		Reason string `json:"reason"`
	} `json:"reject"`
	Failure struct {
		Message string `json:"errorMessage"`
	} `json:"failure"`
}

// party is a recipient, with what their server said.
type party struct {
	Address    string `json:"emailAddress"`
	Status     string `json:"status"`
	Diagnostic string `json:"diagnosticCode"`
}

// events makes one event for each recipient. Their ids are that of the message
// of Amazon SNS, which stays the same when it is delivered again, and the
// recipient.
func (o told) events(id string) []connector.Event {
	common := connector.Event{ProviderID: o.Mail.MessageID, At: o.Mail.Timestamp}
	if ids := o.Mail.Tags["message_id"]; len(ids) > 0 {
		common.MessageID = ids[0]
	}
	recipients := o.describe(&common, cmp.Or(o.EventType, o.NotificationType))
	list := make([]connector.Event, 0, len(recipients))
	for _, r := range recipients {
		e := common
		e.ID, e.Recipient = id+"/"+r.Address, r.Address
		e.Enhanced = cmp.Or(providerapi.EnhancedStatus(r.Status), providerapi.EnhancedStatus(r.Diagnostic), e.Enhanced)
		e.Detail = strings.TrimSpace(e.Detail + " " + r.Diagnostic)
		list = append(list, e)
	}
	return list
}

// describe says what happened, and to whom.
func (o told) describe(e *connector.Event, kind string) []party {
	switch kind {
	case "Send":
		e.Kind = connector.EventAccepted
	case "Delivery":
		e.Kind, e.Detail, e.At = connector.EventDelivered, o.Delivery.SMTPResponse, o.Delivery.Timestamp
		e.Enhanced = providerapi.EnhancedStatus(o.Delivery.SMTPResponse)
		return parties(o.Delivery.Recipients)
	case "DeliveryDelay":
		e.Kind, e.Detail, e.At = connector.EventDeferred, o.Delay.Type, o.Delay.Timestamp
		return o.Delay.Recipients
	case "Bounce":
		o.bounced(e)
		return o.Bounce.Recipients
	case "Complaint":
		o.complained(e)
		return o.Complaint.Recipients
	case "Reject":
		e.Kind, e.Detail = connector.EventRejected, o.Reject.Reason
	case "Rendering Failure":
		e.Kind, e.Detail = connector.EventRejected, o.Failure.Message
	default:
		e.Kind, e.Detail = connector.EventOther, cmp.Or(kind, "unknown")
	}
	return parties(o.Mail.Destination)
}

// bounced reads a bounce. Addresses on a suppression list of Amazon SES are
// reported as bounces, too.
func (o told) bounced(e *connector.Event) {
	e.Kind, e.At, e.Detail = connector.EventBounced, o.Bounce.Timestamp, strings.TrimSpace(o.Bounce.Type+" "+o.Bounce.SubType)
	e.Hard = o.Bounce.Type == "Permanent"
	e.NoAddress = e.Hard && o.Bounce.SubType == "NoEmail"
	switch o.Bounce.SubType {
	case "Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient":
		e.Kind, e.Hard = connector.EventSuppressed, false
	}
}

// complained reads a complaint. "not-spam" is the opposite of one
// (https://www.iana.org/assignments/marf-parameters).
func (o told) complained(e *connector.Event) {
	e.Kind, e.At, e.Detail = connector.EventComplained, o.Complaint.Timestamp, o.Complaint.Feedback
	switch {
	case o.Complaint.SubType == "OnAccountSuppressionList":
		e.Kind = connector.EventSuppressed
	case o.Complaint.Feedback == "not-spam":
		e.Kind, e.Detail = connector.EventOther, "Complaint not-spam"
	}
}

func parties(addresses []string) []party {
	list := make([]party, 0, len(addresses))
	for _, address := range addresses {
		list = append(list, party{Address: address})
	}
	return list
}
