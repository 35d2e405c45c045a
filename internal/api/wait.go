package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
)

// maxWait is the longest that an answer waits for a verdict.
const maxWait = 30 * time.Second

// answerGrace is how long after its wait an answer may take to be written.
const answerGrace = 10 * time.Second

// What a call that waits for a verdict may be answered beside.
const (
	refusedFailure = "`connector.general`: refused for good, with the provider's words (only with `Prefer: wait`); " +
		"`connector.template_not_found`: the connector's settings name no template at the provider for this type"
	throttledFailure = "`connector.rate_limit_exceeded`: the provider asks to slow down for longer than the mail is " +
		"worth sending (only with `Prefer: wait`)"
	reservedFailure = "`request.reserved_domain`: a domain such as example.com, where mails leave the service"
	rulesFailure    = reservedFailure + "; `session.email_blocklist.*`: an address that the tenant's rules do not allow, for a code " +
		"of the type Register or BindNewIdentifier"
	limitedFailure = "`request.message_rate_limited`: too many mails to this address, from this IP address or of this tenant " +
		"(`data.limit` says which); `Retry-After` says when to try again; " + throttledFailure
)

func preferParam() *huma.Param {
	return &huma.Param{
		Name: "Prefer", In: "header",
		Description: "`wait=N` (RFC 7240; 1 to 30 seconds) lets the answer wait for the provider's first verdict. " +
			"A refusal for good is then answered as 400. Without a verdict in time the answer is the usual one.",
		Schema: &huma.Schema{Type: huma.TypeString, Examples: []any{"wait=10"}},
	}
}

// preferredWait reads the preference wait of a request's Prefer headers
// (RFC 7240 sections 2 and 4.3); 0 when there is none. The first one counts,
// and more than maxWait is maxWait.
func preferredWait(headers []string) time.Duration {
	for _, header := range headers {
		for preference := range strings.SplitSeq(header, ",") {
			preference, _, _ = strings.Cut(preference, ";") // parameters mean nothing here
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				return 0
			}
			return min(time.Duration(seconds)*time.Second, maxWait)
		}
	}
	return 0
}

// verdict is what a call that sends found out about its message.
type verdict struct {
	// applied is the value of Preference-Applied, or "".
	applied string
	status  outbox.Status
}

// await waits for the first verdict on a message as far as the request
// prefers it. Its error is a refusal for good. The message is accepted
// whatever happens here, so trouble with the waiting itself is for the log.
func (s *server) await(ctx context.Context, messageID string) (verdict, error) {
	c := callOf(ctx)
	wait := preferredWait(c.r.Header.Values("Prefer"))
	if wait == 0 {
		return verdict{status: outbox.Accepted}, nil
	}
	v := verdict{status: outbox.Accepted, applied: "wait=" + strconv.Itoa(int(wait/time.Second))}
	c.holdOn(wait)
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	story, err := s.Hub.Wait(waiting, c.key.TenantID, messageID)
	if err != nil {
		s.Log.Error("waiting for a verdict failed", "request", c.id, "message", messageID, "error", err)
		return v, nil
	}
	v.status = story.Message.Status
	if err := refusal(story); err != nil {
		return v, &headerError{error: err, name: "Postern-Message-Id", value: messageID}
	}
	return v, nil
}

// holdOn moves the deadline for writing the answer, which the listener has
// set for short calls, behind a wait. The one for reading ends with the
// request's body.
func (c *call) holdOn(wait time.Duration) {
	// Writers without deadlines need none moved.
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(wait + answerGrace))
}

// refusal returns the fault for a message that ended without being sent, and
// nil for every other.
func refusal(story events.Story) error {
	switch story.Message.Status {
	case outbox.Accepted, outbox.Sent, outbox.Superseded:
		return nil
	case outbox.Suppressed:
		return suppressed(story)
	case outbox.Failed, outbox.Expired:
	}
	last := story.LastAttempt()
	if last == nil {
		return fault.New(fault.Invalid, "connector.general", "The mail was not sent: its time was up before it could be tried.")
	}
	failure := &connector.Error{Class: last.Class, Status: last.Status, Enhanced: last.Enhanced, Message: last.Answer}
	if last.Answer == connector.ErrTemplateNotFound.Error() { // a stored attempt keeps the text of an error, not its cause
		failure.Err = connector.ErrTemplateNotFound
	}
	return refused(failure)
}

// suppressed is the fault for a message to an address that gets no mail.
func suppressed(story events.Story) error {
	why := "the address is suppressed; DELETE /api/suppressions/{email} lifts it"
	for _, e := range story.Events {
		if e.Kind == events.Suppressed && e.Source == "" {
			why = e.Detail
		}
	}
	f := fault.New(fault.Invalid, "connector.general", "The mail was not sent: %s.", why)
	f.Data = map[string]any{"class": string(outbox.Suppressed)}
	return f
}

// refused is the fault for a failed attempt, with the words of the connector,
// which keeps secrets out of them. Nobody vouches for the error's cause, so it
// is left behind, but for what it says of the code.
func refused(e *connector.Error) *fault.Fault {
	f := fault.New(fault.Invalid, "connector.general", "The mail was not sent: %s", e.Message)
	f.Data = map[string]any{"class": string(e.Class)}
	if e.Status != 0 {
		f.Data["status"] = e.Status
	}
	if e.Enhanced != "" {
		f.Data["enhancedStatus"] = e.Enhanced
	}
	switch e.Class {
	case connector.Throttled:
		f.Kind, f.Code, f.RetryAfter = fault.TooMany, "connector.rate_limit_exceeded", max(e.RetryAfter, time.Second)
	case connector.InvalidResponse:
		f.Code = "connector.invalid_response"
		f.Message = "It is not known whether the mail was sent: " + e.Message
	case connector.Permanent:
		if errors.Is(e, connector.ErrTemplateNotFound) {
			f.Code = "connector.template_not_found"
		}
	case connector.Temporary, connector.ConfigFault, connector.Recipient:
	}
	return f
}
