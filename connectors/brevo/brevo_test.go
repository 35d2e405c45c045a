package brevo

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
	"github.com/postern-mail/postern/connector/providerapi"
)

const (
	apiKey   = "xkeysib-0123456789abcdef0123456789abcdef-AbCdEfGhIjKlMnOp"
	password = "webhook-passw0rd"
	accepted = "202611240739.12345678901@smtp-relay.mailin.fr"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"apiKey": "` + apiKey + `", "fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "headers": {"x-team": "Café"}, "templates": null,
		"webhookUser": "brevo", "webhookPassword": "` + password + `", "endpoint": "` + endpoint + `"}`)
}

// refuse is an error as https://developers.brevo.com/docs/how-it-works has it.
func refuse(status int, code, words string) ct.Answer {
	body, _ := json.Marshal(map[string]string{"code": code, "message": words}) // strings always encode
	return ct.Answer{Status: status, Body: string(body)}
}

// read reads a request as Brevo does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var e email
	if r.Method != http.MethodPost || r.Path != "/v3/smtp/email" || r.Header.Get("api-key") != apiKey || json.Unmarshal(r.Body, &e) != nil || len(e.To) != 1 {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	m := ct.Mail{
		From: connector.Mailbox{Name: e.Sender.Name, Address: e.Sender.Email}, To: e.To[0].Email,
		Subject: e.Subject, HTML: e.HTML, Text: e.Text,
	}
	if e.ReplyTo != nil {
		m.ReplyTo = connector.Mailbox{Name: e.ReplyTo.Name, Address: e.ReplyTo.Email}
	}
	return m
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{apiKey, password},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Status: http.StatusCreated, Body: `{"messageId": "<` + accepted + `>"}`}
		},
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "bad_request", words) },
		Read:       read,
		Refusals: map[string]ct.Refusal{
			"a wrong key":        {Answer: refuse(401, "unauthorized", "Key not found"), Want: connector.ConfigFault},
			"a closed account":   {Answer: refuse(403, "permission_denied", "Unable to send email. Your SMTP account is not yet activated."), Want: connector.ConfigFault},
			"under validation":   {Answer: refuse(400, "account_under_validation", "Your account is under validation."), Want: connector.ConfigFault},
			"no credits":         {Answer: refuse(402, "not_enough_credits", "You do not have enough credits."), Want: connector.ConfigFault},
			"an unknown sender":  {Answer: refuse(400, "invalid_parameter", "Sender is invalid / inactive"), Want: connector.ConfigFault},
			"a bad recipient":    {Answer: refuse(400, "invalid_parameter", "email is not valid in to"), Want: connector.Recipient},
			"a bad reply-to":     {Answer: refuse(400, "invalid_parameter", "email is not valid in replyTo"), Want: connector.Permanent},
			"no content":         {Answer: refuse(400, "missing_parameter", "Either of htmlContent or textContent is required"), Want: connector.Permanent},
			"taken before":       {Answer: refuse(400, "duplicate_parameter", "Email for the idempotency key has already been processed"), Want: connector.InvalidResponse},
			"another duplicate":  {Answer: refuse(400, "duplicate_parameter", "batchId already exists"), Want: connector.Permanent},
			"too fast":           {Answer: refuse(429, "too_many_requests", "The expected rate limit is exceeded."), Want: connector.Throttled},
			"out of order there": {Answer: refuse(500, "internal_error", "Internal Server Error"), Want: connector.Temporary},
		},
		Bad: map[string][]string{
			`{"apiKey": null}`:                         {"apiKey: is required"},
			`{"apiKey": ""}`:                           {"apiKey: must not be empty"},
			`{"fromEmail": null}`:                      {"fromEmail: is required"},
			`{"fromEmail": "acme"}`:                    {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromEmail": "a@b.example,c@d.example"}`: {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromName": "Acme\r\nBcc: x@y.example"}`: {"fromName: must be one line without control characters"},
			`{"replyTo": "x"}`:                         {"replyTo: must be an e-mail address, or a name with one in angle brackets"},
			`{"endpoint": "http://api.brevo.com"}`:     {"endpoint: must be an https URL without user, query and fragment"},
			`{"headers": {"Bcc": "x@y.example"}}`:      {"headers.Bcc: is not a header that may be set: Bcc is set by the service itself"},
			`{"webhookUser": "a\nb"}`:                  {"webhookUser: must be one line without control characters"},
			`{"templates": []}`:                        {"templates: must also hold templates for Register, SignIn, ForgotPassword, Generic"},
			`{"key": "x"}`:                             {"key: is not a known key"},
		},
	})
}

// TestNames: a name that Brevo would refuse the mail for is cut, by
// characters.
func TestNames(t *testing.T) {
	t.Parallel()
	long := newParty(connector.Mailbox{Name: strings.Repeat("ä", 69) + " and more", Address: "a@example.com"})
	if want := (party{"a@example.com", strings.Repeat("ä", 69)}); long != want {
		t.Errorf("%+v, want %+v", long, want)
	}
}

// TestLiteral: no mark of Brevo's template language is left, and nothing else
// is touched.
func TestLiteral(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{{ 7*7 }}": "{\u2060{ 7*7 }}", "{% if %}": "{\u2060% if %}", "@media x{#a{b:c}}": "@media x{ #a{b:c}}",
		"{{{{": "{\u2060{\u2060{\u2060{", "{{%": "{\u2060{\u2060%", "{{#": "{\u2060{ #", "a{b:c}": "a{b:c}", "{}": "{}",
	} {
		if got := literal(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	p := ct.NewProvider(t, func(ct.Request) ct.Answer { return ct.Answer{Body: `{"messageId": "<a@b>"}`} })
	m := ct.Sample()
	m.Subject, m.HTML, m.Text = "{{a}}", "{%b%}", "{{c}}"
	if _, err := ct.Open(t, New(), config(p.URL), connector.Host{}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := read(t, p.Requests()[0])
	if got.Subject != literal(m.Subject) || got.HTML != literal(m.HTML) || got.Text != literal(m.Text) {
		t.Errorf("sent %+v", got)
	}
}

// TestHeaders: what Brevo reads itself is the connector's to set.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b := &brevo{settings: settings{Wording: providerapi.Wording{Headers: providerapi.Headers{"X-Mailin-Custom": "mine", "x-a-b": "c"}}}}
	got := b.headers(connector.Message{ID: "m-1"})
	want := map[string]string{"X-A-B": "c", "X-Mailin-custom": "m-1", "idempotencyKey": "m-1"}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	event := func(kind, more string) string {
		return `{"event": "` + kind + `", "email": "ann@example.com", "id": 26224, "date": "2020-10-09 00:00:00", "ts": 1604933619,
			"message-id": "<` + accepted + `>", "ts_event": 1604933654, "subject": "Your code", "X-Mailin-custom": "m-1",
			"sending_ip": "192.0.2.1", "tags": ["SignIn"], "ts_epoch": 1604933653123` + more + `}`
	}
	want := func(kind connector.EventKind) connector.Event {
		return connector.Event{
			Kind: kind, MessageID: "m-1", ProviderID: accepted, Recipient: "ann@example.com", At: time.UnixMilli(1604933653123).UTC(),
		}
	}
	hard, soft := want(connector.EventBounced), want(connector.EventBounced)
	hard.Hard, hard.Enhanced, hard.Detail = true, "5.1.1", "550 5.1.1 user unknown"
	soft.Detail = "server is down"
	invalid := want(connector.EventBounced)
	invalid.Hard, invalid.NoAddress = true, true
	deferred := want(connector.EventDeferred)
	deferred.Detail = "spam"
	opened := want(connector.EventOther)
	opened.Detail = "unique_opened"
	bare := want(connector.EventComplained)
	bare.At, bare.MessageID = time.Unix(1604933654, 0).UTC(), ""
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://api.brevo.com"), Secrets: []string{apiKey, password},
		Sign: func(_ testing.TB, body []byte, _ time.Time) connector.Callback {
			return callback("brevo", password, body)
		},
		Forge: map[string]func(*connector.Callback){
			"another password": func(c *connector.Callback) { *c = callback("brevo", "other", c.Body) },
			"another user":     func(c *connector.Callback) { *c = callback("ann", password, c.Body) },
			"a bearer token":   func(c *connector.Callback) { c.Header.Set("Authorization", "Bearer "+password) },
		},
		Reports: map[string]ct.Report{
			"sent":          {Body: event("request", ""), Want: []connector.Event{want(connector.EventAccepted)}},
			"delivered":     {Body: event("delivered", ""), Want: []connector.Event{want(connector.EventDelivered)}},
			"deferred":      {Body: event("deferred", `, "reason": "spam"`), Want: []connector.Event{deferred}},
			"hard":          {Body: event("hard_bounce", `, "reason": "550 5.1.1 user unknown"`), Want: []connector.Event{hard}},
			"soft":          {Body: event("soft_bounce", `, "reason": "server is down"`), Want: []connector.Event{soft}},
			"no address":    {Body: event("invalid_email", ""), Want: []connector.Event{invalid}},
			"blocked":       {Body: event("blocked", ""), Want: []connector.Event{want(connector.EventRejected)}},
			"error":         {Body: event("error", `, "reason": "sender not valid"`), Want: []connector.Event{want(connector.EventRejected)}},
			"complained":    {Body: event("spam", ""), Want: []connector.Event{want(connector.EventComplained)}},
			"opened":        {Body: event("unique_opened", ""), Want: []connector.Event{opened}},
			"a batch":       {Body: " [" + event("request", "") + "," + event("delivered", "") + "]", Want: []connector.Event{want(connector.EventAccepted), want(connector.EventDelivered)}},
			"an empty list": {Body: "[]"},
			"another's mail, as documented": {
				Body: `{"event": "spam", "email": "ann@example.com", "id": "x", "date": "2020-10-09 00:00:00", "ts": 1604933619, "ts_event": 1604933654,
					"message-id": "` + accepted + `", "tags": null}`, Want: []connector.Event{bare},
			},
			"a contact": {Body: `{"event": "list_addition", "email": ["ann@example.com"], "list_id": [1]}`},
		},
	})
}

// callback is a callback with a user and a password.
func callback(user, password string, body []byte) connector.Callback {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return connector.Callback{Header: r.Header, Body: body}
}
