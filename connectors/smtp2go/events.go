package smtp2go

import (
	"context"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
)

// ReadEvents implements connector.EventReader. SMTP2GO signs nothing; it sends
// a user and a password
// (https://developers.smtp2go.com/docs/setup-a-webhook).
func (s *smtp2go) ReadEvents(_ context.Context, c connector.Callback) (connector.Report, error) {
	if err := s.settings.Verify(c); err != nil {
		return connector.Report{}, err
	}
	told, err := read(c)
	if err != nil {
		return connector.Report{}, err
	}
	if told["email_id"] == "" && told.messageID() == "" {
		return connector.Report{}, nil // about a text message
	}
	return connector.Report{Events: []connector.Event{told.event()}}, nil
}

// told is one event, by the names of its fields in lower case
// (https://developers.smtp2go.com/docs/webhooks-overview).
type told map[string]string

// read reads a callback: JSON or a form, as the webhook is set.
func read(c connector.Callback) (told, error) {
	out := told{}
	// What is no form is JSON.
	kind, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(c.Body))
		if err != nil {
			return nil, fmt.Errorf("%w: not a form", connector.ErrBadCallback)
		}
		for name := range form {
			out[strings.ToLower(name)] = form.Get(name)
		}
		return out, nil
	}
	var fields map[string]providerapi.Text
	if err := providerapi.ReadJSON(c, &fields); err != nil {
		return nil, err
	}
	for name, value := range fields {
		out[strings.ToLower(name)] = string(value)
	}
	return out, nil
}

// messageID is what Send gave along, if the webhook is set to give it back.
func (o told) messageID() string { return o[strings.ToLower(idHeader)] }

func (o told) event() connector.Event {
	e := connector.Event{
		ID: o.id(), MessageID: o.messageID(), ProviderID: o["email_id"], Recipient: o["rcpt"], At: o.at(),
		Detail: strings.TrimSpace(o["message"] + " " + o["context"]),
	}
	switch o["event"] {
	case "processed":
		e.Kind = connector.EventAccepted
	case "delivered":
		e.Kind = connector.EventDelivered
	case "bounce":
		e.Kind, e.Hard = connector.EventBounced, o["bounce"] == "hard"
		e.Enhanced = providerapi.EnhancedStatus(e.Detail)
	case "spam":
		e.Kind = connector.EventComplained
	case "reject":
		// The address is suppressed, the sender not verified, or the key in the
		// sandbox.
		e.Kind = connector.EventRejected
		if strings.Contains(strings.ToLower(e.Detail), "suppress") {
			e.Kind = connector.EventSuppressed
		}
	default:
		e.Kind, e.Detail = connector.EventOther, strings.TrimSpace(o["event"]+" "+e.Detail)
	}
	return e
}

// id makes an event's id. The documentation calls the field id "the unique id
// for the webhook", which may be that of the call or that of the webhook; with
// what happened, and when, it is right for both.
func (o told) id() string {
	if o["id"] == "" {
		return ""
	}
	return strings.Join([]string{o["id"], o["email_id"], o["event"], o["time"]}, ":")
}

// at returns when it happened: a time in UTC, whose form is not documented.
func (o told) at() time.Time {
	if seconds, err := strconv.ParseInt(o["time"], 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	text := strings.Replace(o["time"], " ", "T", 1)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
