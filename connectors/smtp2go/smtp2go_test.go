package smtp2go

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	apiKey   = "api-40246460336B11E6AA53F23C91285F72"
	password = "webhook-passw0rd"
	accepted = "1er8bV-6Tw0Mi-7h"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"apiKey": "` + apiKey + `", "sender": "no-reply@auth.example.com", "senderName": "Acme",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in", "X-Stage": "test"}, "templates": null,
		"webhookUser": "smtp2go", "webhookPassword": "` + password + `", "endpoint": "` + endpoint + `"}`)
}

// refuse is an error as https://developers.smtp2go.com/docs/response-codes has
// it; field may be "".
func refuse(status int, code, field, words string) ct.Answer {
	data := map[string]any{"error_code": "E_ApiResponseCodes." + code, "error": words}
	if field != "" {
		data["error"] = "An error occurred processing the json data"
		data["field_validation_errors"] = map[string]string{"fieldname": field, "message": words}
	}
	body, _ := json.Marshal(map[string]any{"request_id": "22e5acba-43bf-11e6-ae42-408d5cce2644", "data": data}) // strings always encode
	return ct.Answer{Status: status, Body: string(body)}
}

// readMail reads a request as SMTP2GO does.
func readMail(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var e email
	if r.Method != http.MethodPost || r.Path != "/v3/email/send" || json.Unmarshal(r.Body, &e) != nil || len(e.To) != 1 || e.APIKey != apiKey {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	m := ct.Mail{From: ct.ParseMailbox(t, e.Sender), To: e.To[0], Subject: e.Subject, HTML: e.HTML, Text: e.Text, Header: map[string][]string{}}
	for _, h := range e.Headers {
		m.Header.Add(h.Header, h.Value)
	}
	m.ReplyTo = ct.ParseMailbox(t, m.Header.Get("Reply-To"))
	return m
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{apiKey, password},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Body: `{"request_id": "aa253464-0bd0-467a-b24b-6159dcd7be60", "data": {"succeeded": 1, "failed": 0, "failures": [], "email_id": "` + accepted + `"}}`}
		},
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "API_EXCEPTION", "", words) },
		Read:       readMail,
		Refusals: map[string]ct.Refusal{
			"a wrong key":     {Answer: refuse(401, "API_EXCEPTION", "", "The API key you provided is not valid"), Want: connector.ConfigFault},
			"no permission":   {Answer: refuse(400, "ENDPOINT_PERMISSION_DENIED", "", "You do not have permission to access this API endpoint"), Want: connector.ConfigFault},
			"no key at all":   {Answer: refuse(400, "NON_VALIDATING_IN_PAYLOAD", "api_key", "The field 'api_key' is required"), Want: connector.ConfigFault},
			"a bad sender":    {Answer: refuse(400, "NON_VALIDATING_IN_PAYLOAD", "sender", "The field 'sender' was expecting a valid RFC-822 formatted email field"), Want: connector.ConfigFault},
			"a bad recipient": {Answer: refuse(400, "NON_VALIDATING_IN_PAYLOAD", "to", "The field 'to' was expecting a valid RFC-822 formatted email field"), Want: connector.Recipient},
			"no subject":      {Answer: refuse(400, "NON_VALIDATING_IN_PAYLOAD", "subject", "The field 'subject' is required"), Want: connector.Permanent},
			"at the top": {
				Answer: ct.Answer{Status: 400, Body: `{"error": "x", "error_code": "E_ApiResponseCodes.NON_VALIDATING_IN_PAYLOAD",
					"field_validation_errors": {"fieldname": "sender", "message": "y"}}`}, Want: connector.ConfigFault,
			},
			"too fast":     {Answer: refuse(429, "API_EXCEPTION", "", "API key ratelimit exceeded"), Want: connector.Throttled},
			"out of order": {Answer: refuse(503, "API_EXCEPTION", "", "service unavailable"), Want: connector.Temporary},
			"an unverified sender, with a 200": {
				Answer: ct.Answer{Body: `{"data": {"succeeded": 0, "failed": 1, "failures": ["550 unable to verify sender address"], "email_id": ""}}`},
				Want:   connector.ConfigFault,
			},
			"a failure, with a 200": {
				Answer: ct.Answer{Body: `{"data": {"succeeded": 0, "failed": 1, "failures": ["no"], "email_id": "` + accepted + `"}}`}, Want: connector.Permanent,
			},
			"an error, with a 200": {Answer: refuse(200, "ENDPOINT_PERMISSION_DENIED", "", "You do not have permission"), Want: connector.ConfigFault},
			"nothing, with a 200":  {Answer: ct.Answer{Body: `{"data": {"succeeded": 0, "failed": 0, "failures": [], "email_id": "x"}}`}, Want: connector.InvalidResponse},
			"no id, with a 200":    {Answer: ct.Answer{Body: `{"data": {"succeeded": 1, "failed": 0, "failures": []}}`}, Want: connector.InvalidResponse},
		},
		Bad: map[string][]string{
			`{"apiKey": null}`:                          {"apiKey: is required"},
			`{"apiKey": ""}`:                            {"apiKey: must not be empty"},
			`{"sender": null}`:                          {"sender: is required"},
			`{"sender": "acme"}`:                        {"sender: must be an e-mail address, or a name with one in angle brackets"},
			`{"sender": "a@b.example,c@d.example"}`:     {"sender: must be an e-mail address, or a name with one in angle brackets"},
			`{"senderName": "Acme\r\nBcc: x@y.z"}`:      {"senderName: must be one line without control characters"},
			`{"replyTo": "x"}`:                          {"replyTo: must be an e-mail address, or a name with one in angle brackets"},
			`{"endpoint": "http://api.smtp2go.com"}`:    {"endpoint: must be an https URL without user, query and fragment"},
			`{"endpoint": "https://u:p@x.smtp2go.com"}`: {"endpoint: must be an https URL without user, query and fragment"},
			`{"headers": {"Reply-To": "x@y.example"}}`:  {"headers.Reply-To: is not a header that may be set: Reply-To is set by the service itself"},
			`{"templates": []}`:                         {"templates: must also hold templates for Register, SignIn, ForgotPassword, Generic"},
			`{"fromEmail": "a@b.example"}`:              {"fromEmail: is not a known key"},
		},
	})
}

// event is an event as https://developers.smtp2go.com/docs/webhooks-overview
// has it.
func event(kind string, more ...string) map[string]any {
	out := map[string]any{
		"event": kind, "time": "2026-11-24T07:39:32Z", "sendtime": "2026-11-24T07:39:30Z", "sender": "bounce@auth.example.com",
		"from": "Acme <no-reply@auth.example.com>", "rcpt": "ann@example.com", "recipients": []string{"ann@example.com"}, "auth": "api-40246460336B",
		"email_id": accepted, "id": "w-1", "message-id": "<a@b.example>", "subject": "Your code", "X-Postern-Message": "m-1",
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

func asJSON(fields map[string]any) string {
	out, _ := json.Marshal(fields) // strings always encode
	return string(out)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	want := func(kind connector.EventKind, name, detail string) connector.Event {
		return connector.Event{
			ID: "w-1:" + accepted + ":" + name + ":2026-11-24T07:39:32Z", Kind: kind, MessageID: "m-1", ProviderID: accepted,
			Recipient: "ann@example.com", At: time.Date(2026, 11, 24, 7, 39, 32, 0, time.UTC), Detail: detail,
		}
	}
	one := func(kind connector.EventKind, name, detail string) []connector.Event {
		return []connector.Event{want(kind, name, detail)}
	}
	hard, soft := want(connector.EventBounced, "bounce", "550 5.1.1 no such user RCPT TO"), want(connector.EventBounced, "bounce", "452 4.2.2 full")
	hard.Hard, hard.Enhanced, soft.Enhanced = true, "5.1.1", "4.2.2"
	bare := want(connector.EventDelivered, "delivered", "")
	bare.MessageID = ""
	plain := event("delivered")
	delete(plain, "X-Postern-Message")
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://api.smtp2go.com"), Secrets: []string{apiKey, password},
		Sign: func(_ testing.TB, body []byte, _ time.Time) connector.Callback {
			return callback("application/json", password, body)
		},
		Forge: map[string]func(*connector.Callback){
			"another password": func(c *connector.Callback) { *c = callback("application/json", "other", c.Body) },
			"a bearer token":   func(c *connector.Callback) { c.Header.Set("Authorization", "Bearer "+password) },
		},
		Reports: map[string]ct.Report{
			"processed":          {Body: asJSON(event("processed")), Want: one(connector.EventAccepted, "processed", "")},
			"delivered":          {Body: asJSON(event("delivered", "message", "250 OK")), Want: one(connector.EventDelivered, "delivered", "250 OK")},
			"hard":               {Body: asJSON(event("bounce", "bounce", "hard", "message", "550 5.1.1 no such user", "context", "RCPT TO")), Want: []connector.Event{hard}},
			"soft":               {Body: asJSON(event("bounce", "bounce", "soft", "message", "452 4.2.2 full")), Want: []connector.Event{soft}},
			"complained":         {Body: asJSON(event("spam")), Want: one(connector.EventComplained, "spam", "")},
			"rejected":           {Body: asJSON(event("reject", "message", "sender not verified")), Want: one(connector.EventRejected, "reject", "sender not verified")},
			"suppressed":         {Body: asJSON(event("reject", "context", "Recipient is suppressed")), Want: one(connector.EventSuppressed, "reject", "Recipient is suppressed")},
			"unsubscribed":       {Body: asJSON(event("unsubscribe")), Want: one(connector.EventOther, "unsubscribe", "unsubscribe")},
			"without our header": {Body: asJSON(plain), Want: []connector.Event{bare}},
			"a text message":     {Body: `{"event": "sms_delivered", "id": "w-1", "message_id": "s-1", "retry_count": 1}`},
		},
	})
}

// TestForm: a webhook that is set to send forms says the same.
func TestForm(t *testing.T) {
	t.Parallel()
	reader, _ := ct.Open(t, New(), config("https://api.smtp2go.com"), connector.Host{}).(connector.EventReader)
	form := url.Values{}
	for name, value := range event("bounce", "bounce", "hard", "message", "550 5.1.1 no") {
		if text, ok := value.(string); ok {
			form.Set(name, text)
		}
	}
	got, err := reader.ReadEvents(t.Context(), callback("application/x-www-form-urlencoded; charset=utf-8", password, []byte(form.Encode())))
	if err != nil {
		t.Fatal(err)
	}
	same, err := reader.ReadEvents(t.Context(), callback("application/json", password, []byte(asJSON(event("bounce", "bounce", "hard", "message", "550 5.1.1 no")))))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Events) != 1 || len(same.Events) != 1 || got.Events[0] != same.Events[0] {
		t.Errorf("a form says %+v, JSON %+v", got, same)
	}
	if _, err := reader.ReadEvents(t.Context(), callback("application/x-www-form-urlencoded", password, []byte("a=%zz"))); err == nil {
		t.Error("a broken form was read")
	}
}

// TestTimes: the forms in which a time may come.
func TestTimes(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 24, 7, 39, 32, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-24T07:39:32Z": want, "2026-11-24 07:39:32": want, "2026-11-24T08:39:32+01:00": want, "2026-11-24 07:39:32Z": want,
		"2026-11-24T07:39:32.500Z": want.Add(500 * time.Millisecond), "1795505972": want, "": {}, "soon": {},
	} {
		if got := (told{"time": text}).at(); !got.Equal(want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

// TestIDs: two events are never one, and one that has no id gets none.
func TestIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range []told{
		{"id": "w", "email_id": "a", "event": "processed", "time": "1"}, {"id": "w", "email_id": "a", "event": "delivered", "time": "1"},
		{"id": "w", "email_id": "b", "event": "processed", "time": "1"}, {"id": "w", "email_id": "a", "event": "processed", "time": "2"},
	} {
		if seen[o.id()] {
			t.Errorf("%v has the id of another event", o)
		}
		seen[o.id()] = true
	}
	if id := (told{"email_id": "a"}).id(); id != "" {
		t.Errorf("the id %q was made up", id)
	}
}

// callback is a callback with a user and a password.
func callback(kind, password string, body []byte) connector.Callback {
	r := http.Request{Header: http.Header{"Content-Type": {kind}}}
	r.SetBasicAuth("smtp2go", password)
	return connector.Callback{Header: r.Header, Body: body}
}
