package resend

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	apiKey        = "re_123456789_abcdefghijklmnop"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	accepted      = "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"apiKey": "` + apiKey + `", "fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null, "webhookSecret": "` + webhookSecret + `",
		"endpoint": "` + endpoint + `"}`)
}

// refuse is an error as https://resend.com/docs/api-reference/errors has it.
func refuse(status int, name, words string) ct.Answer {
	body, _ := json.Marshal(map[string]any{"statusCode": status, "name": name, "message": words}) // strings always encode
	return ct.Answer{Status: status, Body: string(body)}
}

// read reads a request as Resend does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var e email
	if r.Method != http.MethodPost || r.Path != "/emails" || json.Unmarshal(r.Body, &e) != nil || len(e.To) != 1 {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	return ct.Mail{
		From: ct.ParseMailbox(t, e.From), ReplyTo: ct.ParseMailbox(t, e.ReplyTo), To: e.To[0],
		Subject: e.Subject, HTML: e.HTML, Text: e.Text,
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{apiKey, webhookSecret},
		Sender:     connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept:     func(ct.Request) ct.Answer { return ct.Answer{Body: `{"id": "` + accepted + `"}`} },
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "application_error", words) },
		Read:       read,
		Refusals: map[string]ct.Refusal{
			"no key":           {Answer: refuse(401, "missing_api_key", "Missing API key in the authorization header."), Want: connector.ConfigFault},
			"a wrong key":      {Answer: refuse(403, "invalid_api_key", "API key is invalid."), Want: connector.ConfigFault},
			"a bad sender":     {Answer: refuse(422, "invalid_from_address", "Invalid `from` field."), Want: connector.ConfigFault},
			"a bad recipient":  {Answer: refuse(422, "validation_error", "Invalid `to` field. The email address needs to follow the `email@example.com` format."), Want: connector.Recipient},
			"no subject":       {Answer: refuse(422, "missing_required_field", "Missing `subject` field."), Want: connector.Permanent},
			"too fast":         {Answer: refuse(429, "rate_limit_exceeded", "Too many requests."), Want: connector.Throttled},
			"over quota":       {Answer: refuse(429, "daily_quota_exceeded", "You have reached your daily email sending quota."), Want: connector.Throttled},
			"under way":        {Answer: refuse(409, "concurrent_idempotent_requests", "Same idempotency key used while original request is still in progress."), Want: connector.Temporary},
			"taken before":     {Answer: refuse(409, "invalid_idempotent_request", "Same idempotency key used with a different request payload."), Want: connector.InvalidResponse},
			"something broken": {Answer: refuse(500, "internal_server_error", "An unexpected error occurred."), Want: connector.Temporary},
		},
		Bad: map[string][]string{
			`{"apiKey": null}`:                           {"apiKey: is required"},
			`{"apiKey": ""}`:                             {"apiKey: must not be empty"},
			`{"fromEmail": "acme"}`:                      {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromEmail": "a@b.example,c@d.example"}`:   {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromName": "Acme\r\nBcc: x@y.example"}`:   {"fromName: must be one line without control characters"},
			`{"endpoint": "http://api.resend.com"}`:      {"endpoint: must be an https URL without user, query and fragment"},
			`{"endpoint": "https://u:p@api.resend.com"}`: {"endpoint: must be an https URL without user, query and fragment"},
			`{"webhookSecret": "secret"}`:                {"webhookSecret: must be the secret that the webhook's page shows, beginning with whsec_"},
			`{"headers": {"Bcc": "x@y.example"}}`:        {"headers.Bcc: is not a header that may be set: Bcc is set by the service itself"},
			`{"key": "x"}`:                               {"key: is not a known key"},
		},
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	const about = `"email_id": "` + accepted + `", "to": ["ann@example.com"], "tags": {"message_id": "m-1", "type": "SignIn"}`
	event := func(kind, more string) string {
		return `{"type": "` + kind + `", "created_at": "2026-02-22T23:41:12.126Z", "data": {` + about + more + `}}`
	}
	at := time.Date(2026, 2, 22, 23, 41, 12, 126e6, time.UTC)
	want := func(kind connector.EventKind) connector.Event {
		return connector.Event{ID: "msg_1", Kind: kind, MessageID: "m-1", ProviderID: accepted, Recipient: "ann@example.com", At: at}
	}
	hard := want(connector.EventBounced)
	hard.Hard, hard.NoAddress, hard.Enhanced = true, true, "5.1.1"
	soft := want(connector.EventBounced)
	failed := want(connector.EventRejected)
	failed.Detail = "reached_daily_quota"
	opened := want(connector.EventOther)
	opened.Detail = "email.opened"
	listed := want(connector.EventSent)
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://api.resend.com"), Secrets: []string{apiKey, webhookSecret},
		Sign: sign, BodySigned: true, Dated: true,
		Bare: json.RawMessage(`{"apiKey": "` + apiKey + `", "fromEmail": "no-reply@auth.example.com"}`),
		Forge: map[string]func(*connector.Callback){
			"another id":        func(c *connector.Callback) { c.Header.Set("svix-id", "msg_2") },
			"another signature": func(c *connector.Callback) { c.Header.Set("svix-signature", "v1,AAAA") },
			"another secret": func(c *connector.Callback) {
				*c = signWith(t, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", c.Body, c.At)
			},
		},
		Reports: map[string]ct.Report{
			"sent":      {Body: event("email.sent", ""), Want: []connector.Event{want(connector.EventSent)}},
			"delivered": {Body: event("email.delivered", ""), Want: []connector.Event{want(connector.EventDelivered)}},
			"delayed":   {Body: event("email.delivery_delayed", ""), Want: []connector.Event{want(connector.EventDeferred)}},
			"no such address": {Body: event("email.bounced", `, "bounce": {"type": "Permanent", "subType": "NoEmail",
				"message": "The recipient does not exist", "diagnosticCode": ["smtp; 550 5.1.1 user unknown"]}`), Want: []connector.Event{hard}},
			"mailbox full": {Body: event("email.bounced", `, "bounce": {"type": "Transient", "subType": "MailboxFull", "message": "full"}`), Want: []connector.Event{soft}},
			"suppressed there": {Body: event("email.bounced", `, "bounce": {"type": "Permanent", "subType": "Suppressed", "message": "on the list"}`),
				Want: []connector.Event{want(connector.EventSuppressed)}},
			"complained": {Body: event("email.complained", ""), Want: []connector.Event{want(connector.EventComplained)}},
			"failed":     {Body: event("email.failed", `, "failed": {"reason": "reached_daily_quota"}`), Want: []connector.Event{failed}},
			"opened":     {Body: event("email.opened", ""), Want: []connector.Event{opened}},
			"tags as a list": {Body: `{"type": "email.sent", "created_at": "2026-02-22T23:41:12.126Z", "data": {"email_id": "` + accepted +
				`", "to": ["ann@example.com"], "tags": [{"name": "message_id", "value": "m-1"}]}}`, Want: []connector.Event{listed}},
			"a domain": {Body: `{"type": "domain.created", "created_at": "2026-02-22T23:41:12.126Z", "data": {"id": "d1"}}`},
		},
	})
}

func sign(t testing.TB, body []byte, at time.Time) connector.Callback {
	t.Helper()
	return signWith(t, webhookSecret, body, at)
}

func signWith(t testing.TB, secret string, body []byte, at time.Time) connector.Callback {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := w.Sign("msg_1", at, body)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("svix-id", "msg_1")
	header.Set("svix-timestamp", strconv.FormatInt(at.Unix(), 10))
	header.Set("svix-signature", signature)
	return connector.Callback{Header: header, Body: body, At: at}
}
