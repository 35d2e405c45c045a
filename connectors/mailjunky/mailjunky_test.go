package mailjunky

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	apiKey   = "mj_live_0123456789abcdefghij"
	accepted = "email_abc123"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"apiKey": "` + apiKey + `", "fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null, "endpoint": "` + endpoint + `"}`)
}

// refuse is an error as MailJunky's clients read it.
func refuse(status int, code, words string) ct.Answer {
	body, _ := json.Marshal(map[string]string{"code": code, "message": words}) // strings always encode
	return ct.Answer{Status: status, Body: string(body)}
}

// read reads a request as MailJunky does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var e email
	if r.Method != http.MethodPost || r.Path != "/api/v1/emails/send" || r.Header.Get("Authorization") != "Bearer "+apiKey ||
		json.Unmarshal(r.Body, &e) != nil || len(e.ReplyTo) > 1 {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	m := ct.Mail{From: ct.ParseMailbox(t, e.From), To: e.To, Subject: e.Subject, HTML: e.HTML, Text: e.Text}
	if len(e.ReplyTo) > 0 {
		m.ReplyTo = ct.ParseMailbox(t, e.ReplyTo[0])
	}
	return m
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{apiKey},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Body: `{"id": "` + accepted + `", "message_id": "<1732433972.x@auth.example.com>", "status": "sent"}`}
		},
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "error", words) },
		Read:       read,
		Refusals: map[string]ct.Refusal{
			"a wrong key":   {Answer: refuse(401, "unauthorized", "Invalid API key"), Want: connector.ConfigFault},
			"not valid":     {Answer: refuse(422, "validation_error", "to is not valid"), Want: connector.Permanent},
			"too fast":      {Answer: refuse(429, "rate_limited", "Too many requests"), Want: connector.Throttled},
			"out of order":  {Answer: refuse(500, "server_error", "Server error"), Want: connector.Temporary},
			"without an id": {Answer: ct.Answer{Body: `{"status": "sent"}`}, Want: connector.InvalidResponse},
		},
		Bad: map[string][]string{
			`{"apiKey": null}`:                         {"apiKey: is required"},
			`{"apiKey": ""}`:                           {"apiKey: must not be empty"},
			`{"fromEmail": null}`:                      {"fromEmail: is required"},
			`{"fromEmail": "acme"}`:                    {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromEmail": "a@b.example,c@d.example"}`: {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromName": "Acme\r\nBcc: x@y.example"}`: {"fromName: must be one line without control characters"},
			`{"replyTo": "x"}`:                         {"replyTo: must be an e-mail address, or a name with one in angle brackets"},
			`{"endpoint": "http://mailjunky.ai"}`:      {"endpoint: must be an https URL without user, query and fragment"},
			`{"headers": {"Subject": "x"}}`:            {"headers.Subject: is not a header that may be set: Subject is set by the service itself"},
			`{"templates": []}`:                        {"templates: must also hold templates for Register, SignIn, ForgotPassword, Generic"},
			`{"webhookUser": "x"}`:                     {"webhookUser: is not a known key"},
		},
	})
}
