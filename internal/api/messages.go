package api

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
)

type newMessageInput struct {
	Body newMessageJSON
}

// newMessageJSON is the JSON that Logto's HTTP e-mail connector posts.
type newMessageJSON struct {
	To      string      `json:"to" example:"ann@example.com" doc:"One address, at most 128 bytes."`
	Type    typeJSON    `json:"type" doc:"Template type."`
	Payload payloadJSON `json:"payload"`
	IP      string      `json:"ip,omitempty" maxLength:"64" example:"203.0.113.7" doc:"Of the client on whose behalf the mail is sent."`
}

type newMessageOutput struct {
	SentOutput
	Body acceptedJSON
}

type acceptedJSON struct {
	ID     string        `json:"id" example:"01939d1f-8b7a-7c3e-9a57-0f4f7a5e6b21"`
	Status outbox.Status `json:"status" enum:"accepted,sent,superseded,suppressed" doc:"accepted: on disk, to be tried until its deadline."`
}

// MessageFields is a message without what it says. The name is exported
// because package huma passes over embedded types that are not.
type MessageFields struct {
	ID           string     `json:"id" example:"01939d1f-8b7a-7c3e-9a57-0f4f7a5e6b21"`
	Type         typeJSON   `json:"type"`
	To           string     `json:"to" example:"ann@example.com"`
	IP           string     `json:"ip,omitempty" example:"203.0.113.7"`
	Status       statusJSON `json:"status"`
	AttemptCount int        `json:"attemptCount" doc:"Attempts made so far."`
	CreatedAt    int64      `json:"createdAt" example:"1767225600000" doc:"Milliseconds since 1970."`
	Deadline     int64      `json:"deadline" example:"1767226200000" doc:"After it nothing is sent; milliseconds since 1970."`
	EndedAt      *int64     `json:"endedAt" doc:"When the status became final, or null."`
}

type storyJSON struct {
	MessageFields
	Delivery *deliveryJSON `json:"delivery"`
	Attempts []attemptJSON `json:"attempts" doc:"Oldest first."`
	Events   []eventJSON   `json:"events" doc:"By their time, then in the order in which they became known."`
}

type attemptJSON struct {
	Number         int    `json:"number" doc:"From 1."`
	ConnectorID    string `json:"connectorId,omitempty" doc:"Id of the connector it went out through."`
	FactoryID      string `json:"factoryId,omitempty" example:"simple-mail-transfer-protocol"`
	StartedAt      int64  `json:"startedAt" doc:"Milliseconds since 1970."`
	Duration       int64  `json:"duration" doc:"Milliseconds."`
	Outcome        string `json:"outcome" example:"sent" doc:"sent, or the class of the failure (temporary, throttled, config …)."`
	Status         int    `json:"status,omitempty" example:"250" doc:"The provider's HTTP or SMTP status."`
	EnhancedStatus string `json:"enhancedStatus,omitempty" example:"5.1.1" doc:"Enhanced status code (RFC 3463)."`
	Answer         string `json:"answer,omitempty" doc:"The provider's words."`
	ProviderID     string `json:"providerId,omitempty" doc:"The provider's id of the message."`
}

type eventJSON struct {
	Kind   kindJSON      `json:"kind"`
	At     int64         `json:"at" doc:"Milliseconds since 1970; for reports of the provider, when it says that it happened."`
	Detail string        `json:"detail,omitempty" doc:"More in one line, such as the provider's words."`
	Bounce events.Bounce `json:"bounce,omitempty" enum:"hard,soft" doc:"Of a bounce: hard is for good."`
	Source string        `json:"source,omitempty" example:"sendgrid-email-service" doc:"Id of the factory whose provider reports it; absent where the service itself says so."`
}

func messageOf(m outbox.Message) MessageFields {
	out := MessageFields{
		ID: m.ID, Type: typeJSON(m.Type), To: m.To, IP: m.IP, Status: statusJSON(m.Status), AttemptCount: m.Attempts,
		CreatedAt: m.CreatedAt.UnixMilli(), Deadline: m.Deadline.UnixMilli(),
	}
	out.EndedAt = optionalMillis(m.EndedAt)
	return out
}

// optionalMillis is a time in milliseconds since 1970; nil for the zero time.
func optionalMillis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

func storyOf(s events.Story) storyJSON {
	out := storyJSON{MessageFields: messageOf(s.Message), Attempts: []attemptJSON{}, Events: []eventJSON{}}
	for _, a := range s.Attempts {
		outcome := string(a.Class)
		if outcome == "" {
			outcome = "sent"
		}
		out.Attempts = append(out.Attempts, attemptJSON{
			Number: a.Number, ConnectorID: a.ConnectorID, FactoryID: a.FactoryID,
			StartedAt: a.StartedAt.UnixMilli(), Duration: a.Duration.Milliseconds(), Outcome: outcome,
			Status: a.Status, EnhancedStatus: a.Enhanced, Answer: a.Answer, ProviderID: a.ProviderID,
		})
	}
	for _, e := range s.Events {
		out.Events = append(out.Events, eventJSON{
			Kind: kindJSON(e.Kind), At: e.At.UnixMilli(), Detail: e.Detail, Bounce: e.Bounce, Source: e.Source,
		})
	}
	if d := s.Delivery(); d != "" {
		out.Delivery = (*deliveryJSON)(&d)
	}
	return out
}

type messageListInput struct {
	PageInput
	Status statusJSON `query:"status" doc:"Only messages with this status."`
	To     string     `query:"to" example:"ann@example.com" doc:"Only messages to this address, in any case."`
	Type   typeJSON   `query:"type" doc:"Only messages of this template type."`
	Before string     `query:"before" maxLength:"128" doc:"Id of a message: only older ones."`
}

type messageListOutput struct {
	PageOutput
	Body []MessageFields
}

type storyOutput struct {
	Body storyJSON
}

func (s *server) mountMessages() {
	register(s, operation{
		id: "createMessage", method: http.MethodPost, path: "/api/messages", tag: tagMessages,
		scope: access.SendMessages, status: http.StatusAccepted, sends: true, summary: "Send a mail",
		description: "Takes the JSON that Logto's HTTP e-mail connector posts, so that Logto, or any backend, can hand over " +
			"its mails by pointing that connector here. Repeats of the same recipient, type and code or link within " +
			"10 seconds are one message. The language is the first of the payload's uiLocales that there is, else its " +
			"locale, else the default.",
		failures: map[int]string{
			http.StatusBadRequest:          refusedFailure,
			http.StatusUnprocessableEntity: "`entity.value_too_long`: an address over 128 bytes; " + rulesFailure,
			http.StatusTooManyRequests:     limitedFailure,
			http.StatusNotImplemented:      "`connector.not_found`: no connector is set up",
		},
	}, s.createMessage)
	register(s, operation{
		id: "listMessages", method: http.MethodGet, path: "/api/messages", tag: tagMessages,
		scope: access.Management, summary: "List messages, newest first",
		description: "Without `page` and `page_size` the newest 1,000. Codes, links and other variables are never shown.",
		failures:    pageFailures(),
	}, s.listMessages)
	register(s, operation{
		id: "getMessage", method: http.MethodGet, path: "/api/messages/{id}", tag: tagMessages,
		scope: access.Management, summary: "Get a message with its attempts and events",
		failures: map[int]string{http.StatusNotFound: "`entity.not_found`"},
	}, s.getMessage)
}

func (s *server) createMessage(ctx context.Context, in *newMessageInput) (*newMessageOutput, error) {
	c := callOf(ctx)
	draft, err := messageDraft(in.Body)
	if err != nil {
		return nil, err
	}
	draft.TenantID = c.key.TenantID
	route, err := s.Router.Route(ctx, draft.TenantID)
	if err != nil {
		return nil, err
	}
	if err := s.speak(ctx, draft.TenantID, draft.Payload, "", ""); err != nil {
		return nil, err
	}
	draft.Charges, err = s.Admission.Admit(ctx, admission.Request{
		TenantID: draft.TenantID, Type: draft.Type, To: draft.To, IP: draft.IP, Keeps: route.Keeps(),
	})
	if err != nil {
		return nil, err
	}
	id, repeat, err := s.Outbox.Accept(ctx, draft)
	if err != nil {
		return nil, err
	}
	if repeat {
		c.message, c.to = id, draft.To
	} else {
		s.accepted(c, id, draft.To, draft.Type)
	}
	v, err := s.await(ctx, id)
	if err != nil {
		return nil, err
	}
	if repeat && v.applied == "" {
		story, err := s.Messages.Story(ctx, draft.TenantID, id)
		if err != nil {
			return nil, err
		}
		v.status = story.Message.Status
	}
	return &newMessageOutput{
		SentOutput: SentOutput{MessageID: id, Applied: v.applied},
		Body:       acceptedJSON{ID: id, Status: v.status},
	}, nil
}

func messageDraft(b newMessageJSON) (outbox.Draft, error) {
	to, err := parseAddress(b.To, "to")
	if err != nil {
		return outbox.Draft{}, err
	}
	t, err := b.Type.read("")
	if err != nil {
		return outbox.Draft{}, err
	}
	payload, err := b.Payload.read()
	if err != nil {
		return outbox.Draft{}, err
	}
	if !b.Payload.given() {
		return outbox.Draft{}, fault.Input("expected object", "payload")
	}
	if err := checkText(b.IP, "ip"); err != nil {
		return outbox.Draft{}, err
	}
	return outbox.Draft{Type: t, To: to, Payload: payload, IP: clientIP(b.IP)}, nil
}

// clientIP reads the address of a client. What proxies put in its place
// ("unknown", for one) counts as none: no mail fails for it.
func clientIP(s string) string {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Unmap().WithZone("").String()
	}
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return withPort.Addr().Unmap().WithZone("").String()
	}
	return ""
}

func (s *server) listMessages(ctx context.Context, in *messageListInput) (*messageListOutput, error) {
	c := callOf(ctx)
	if err := checkTexts("to", in.To, "before", in.Before); err != nil {
		return nil, err
	}
	f := events.Filter{
		Status: outbox.Status(in.Status), To: address.Key(in.To), Type: connector.TemplateType(in.Type), Before: in.Before,
	}
	f.Limit, f.Offset = in.window()
	list, total, err := s.Messages.ListMessages(ctx, c.key.TenantID, f)
	if err != nil {
		return nil, err
	}
	out := &messageListOutput{PageOutput: in.output(c.r.URL, total), Body: make([]MessageFields, len(list))}
	for i, m := range list {
		out.Body[i] = messageOf(m)
	}
	return out, nil
}

func (s *server) getMessage(ctx context.Context, in *IDInput) (*storyOutput, error) {
	if !validID(in.ID) {
		return nil, errNotFound("message")
	}
	story, err := s.Messages.Story(ctx, callOf(ctx).key.TenantID, in.ID)
	if err != nil {
		return nil, err
	}
	return &storyOutput{Body: storyOf(story)}, nil
}
