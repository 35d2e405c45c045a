package pigeon

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/connectortest"
)

const (
	apiKey        = "pigeon_0123456789abcdef"
	webhookSecret = "whs-0123456789abcdef"
	accepted      = "p-4f2c"
)

// config are settings that work, with the API at endpoint.
func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"apiKey": "` + apiKey + `", "fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null, "webhookSecret": "` + webhookSecret + `",
		"endpoint": "` + endpoint + `"}`)
}

// refuse is a refusal as the provider documents it.
func refuse(status int, code, words string) connectortest.Answer {
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": words}}) // strings always encode
	return connectortest.Answer{Status: status, Body: string(body)}
}

// read reads a request as the provider does.
func read(t testing.TB, r connectortest.Request) connectortest.Mail {
	t.Helper()
	var e email
	if r.Method != http.MethodPost || r.Path != "/v1/emails" || json.Unmarshal(r.Body, &e) != nil {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
	}
	m := connectortest.Mail{From: connector.Mailbox(e.From), To: e.To, Subject: e.Subject, HTML: e.HTML, Text: e.Text}
	if e.ReplyTo != nil {
		m.ReplyTo = connector.Mailbox(*e.ReplyTo)
	}
	return m
}

// TestConformance holds the connector to the promises of every connector. What
// it sends is in testdata, one request a file: write them from the provider's
// documentation, or read against it what go test -artifacts keeps of a test
// that fails.
func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.RunHTTP(t, connectortest.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{apiKey, webhookSecret},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: func(connectortest.Request) connectortest.Answer {
			return connectortest.Answer{Body: `{"id": "` + accepted + `"}`}
		},
		ProviderID: accepted,
		Refuse:     func(status int, words string) connectortest.Answer { return refuse(status, "refused", words) },
		Read:       read,
		Refusals: map[string]connectortest.Refusal{
			"a wrong key":       {Answer: refuse(401, "no_such_key", "There is no such key."), Want: connector.ConfigFault},
			"an unknown sender": {Answer: refuse(422, "unknown_sender", "Set up the domain first."), Want: connector.ConfigFault},
			"a bad recipient":   {Answer: refuse(422, "no_such_recipient", "Nobody lives there."), Want: connector.Recipient},
			"no subject":        {Answer: refuse(422, "no_subject", "A mail needs a subject."), Want: connector.Permanent},
			"no credit":         {Answer: refuse(402, "out_of_credit", "Top up."), Want: connector.Throttled},
			"too fast":          {Answer: refuse(429, "too_fast", "One at a time."), Want: connector.Throttled},
			"out of order":      {Answer: refuse(500, "broken", "Our fault."), Want: connector.Temporary},
		},
		Bad: map[string][]string{
			`{"apiKey": null}`:                          {"apiKey: is required"},
			`{"apiKey": "1"}`:                           {"apiKey: must begin with pigeon_"},
			`{"fromEmail": null}`:                       {"fromEmail: is required"},
			`{"fromEmail": "acme"}`:                     {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromName": "Acme\u0000"}`:                {"fromName: must be one line without control characters"},
			`{"endpoint": "http://api.pigeon.example"}`: {"endpoint: must be an https URL without user, query and fragment"},
			`{"templates": []}`:                         {"templates: must also hold templates for Register, SignIn, ForgotPassword, Generic"},
			`{"key": "x"}`:                              {"key: is not a known key"},
		},
	})
}

// sign signs a callback as the provider does.
func sign(_ testing.TB, body []byte, at time.Time) connector.Callback {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	header := http.Header{}
	header.Set("Pigeon-Timestamp", timestamp)
	header.Set("Pigeon-Signature", signature(webhookSecret, timestamp, body))
	return connector.Callback{Header: header, Body: body, At: at}
}

// TestEvents holds the connector to the promises of those that read callbacks.
func TestEvents(t *testing.T) {
	t.Parallel()
	told := func(kind, more string) string {
		return `[{"id": "e-1", "type": "` + kind + `", "at": "2026-02-22T23:41:12Z", "email": "` + accepted +
			`", "reference": "m-1", "to": "ann@example.com"` + more + `}]`
	}
	event := connector.Event{
		ID: "e-1", MessageID: "m-1", ProviderID: accepted, Recipient: "ann@example.com",
		At: time.Date(2026, 2, 22, 23, 41, 12, 0, time.UTC),
	}
	delivered, soft, hard, complained, opened := event, event, event, event, event
	delivered.Kind = connector.EventDelivered
	soft.Kind, soft.Enhanced = connector.EventBounced, "4.2.2"
	hard.Kind, hard.Hard, hard.NoAddress, hard.Enhanced = connector.EventBounced, true, true, "5.1.1"
	complained.Kind = connector.EventComplained
	opened.Kind, opened.Detail = connector.EventOther, "opened"
	connectortest.RunEvents(t, connectortest.EventCase{
		Factory: New(), Config: config("https://api.pigeon.example"), Secrets: []string{apiKey, webhookSecret},
		Sign: sign, BodySigned: true, Dated: true,
		Bare: json.RawMessage(`{"apiKey": "` + apiKey + `", "fromEmail": "no-reply@auth.example.com"}`),
		Forge: map[string]func(*connector.Callback){
			"another signature": func(c *connector.Callback) { c.Header.Set("Pigeon-Signature", "00") },
			"another time":      func(c *connector.Callback) { c.Header.Set("Pigeon-Timestamp", "1771803672") },
		},
		Reports: map[string]connectortest.Report{
			"delivered":        {Body: told("delivered", ""), Want: []connector.Event{delivered}},
			"mailbox full":     {Body: told("bounced", `, "reason": "452 4.2.2 mailbox full"`), Want: []connector.Event{soft}},
			"no such address":  {Body: told("bounced", `, "permanent": true, "reason": "550 5.1.1 no such user"`), Want: []connector.Event{hard}},
			"complained":       {Body: told("complained", ""), Want: []connector.Event{complained}},
			"opened":           {Body: told("opened", ""), Want: []connector.Event{opened}},
			"about an account": {Body: `[{"id": "e-2", "type": "key_made"}]`},
		},
	})
}
