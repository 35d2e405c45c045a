package mailjet

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	apiKey    = "0123456789abcdef0123456789abcdef"
	secretKey = "fedcba9876543210fedcba9876543210"
	password  = "w3bh00kpassw0rd"
	accepted  = "1152921511742440156" // a float would not hold it
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"apiKey": "` + apiKey + `", "secretKey": "` + secretKey + `", "fromEmail": "no-reply@auth.example.com",
		"fromName": "Acme", "replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null,
		"webhookUser": "mailjet", "webhookPassword": "` + password + `", "endpoint": "` + endpoint + `"}`)
}

// refuse is an error that is about no message, as
// https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors has it.
func refuse(status int, code, words string) ct.Answer {
	body, _ := json.Marshal(map[string]any{ // plain values always encode
		"ErrorIdentifier": "06df1144-c6f3-4ca7-8885-7ec5d4344113", "ErrorCode": code, "ErrorMessage": words, "StatusCode": status,
	})
	return ct.Answer{Status: status, Body: string(body)}
}

// failed is an error that is about the message.
func failed(status int, code, words string, about ...string) ct.Answer {
	body, _ := json.Marshal(map[string]any{"Messages": []any{map[string]any{"Status": "error", "Errors": []any{map[string]any{
		"ErrorIdentifier": "f987008f-251a-4dff-8ffc-40f1583ad7bc", "ErrorCode": code, "StatusCode": 400, "ErrorMessage": words, "ErrorRelatedTo": about,
	}}}}})
	return ct.Answer{Status: status, Body: string(body)}
}

// read reads a request as Mailjet does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var e emails
	user, pass, _ := (&http.Request{Header: r.Header}).BasicAuth()
	if r.Method != http.MethodPost || r.Path != "/v3.1/send" || json.Unmarshal(r.Body, &e) != nil || len(e.Messages) != 1 ||
		len(e.Messages[0].To) != 1 || user != apiKey || pass != secretKey {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	one := e.Messages[0]
	mail := ct.Mail{
		From: connector.Mailbox{Name: one.From.Name, Address: one.From.Email}, To: one.To[0].Email,
		Subject: one.Subject, HTML: one.HTMLPart, Text: one.TextPart,
	}
	if one.ReplyTo != nil {
		mail.ReplyTo = connector.Mailbox{Name: one.ReplyTo.Name, Address: one.ReplyTo.Email}
	}
	return mail
}

func TestConformance(t *testing.T) {
	t.Parallel()
	const badMailbox = "must be an e-mail address, or a name with one in angle brackets"
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{apiKey, secretKey, password},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Body: `{"Messages": [{"Status": "success", "CustomID": "m-1", "To": [{"Email": "ann@example.com",
				"MessageUUID": "cb927469-36fd-4c02-bce4-0d199929a207", "MessageID": ` + accepted + `,
				"MessageHref": "https://api.mailjet.com/v3/REST/message/` + accepted + `"}], "Cc": [], "Bcc": []}]}`}
		},
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "mj-0002", words) },
		Read:       read,
		Refusals: map[string]ct.Refusal{
			"a wrong key":                 {Answer: refuse(401, "mj-0015", "API key authentication/authorization failure."), Want: connector.ConfigFault},
			"a suspended key":             {Answer: refuse(401, "mj-0001", "API key is suspended"), Want: connector.ConfigFault},
			"an unknown sender":           {Answer: failed(403, "send-0008", `"no-reply@auth.example.com" is not an authorized sender email address for your account.`, "From"), Want: connector.ConfigFault},
			"an unknown sender, with 400": {Answer: failed(400, "send-0008", "not authorized", "From"), Want: connector.ConfigFault},
			"an unknown sender, with 200": {Answer: failed(200, "send-0008", "not authorized", "From"), Want: connector.ConfigFault},
			"a bad sender":                {Answer: failed(400, "mj-0013", `"x" is an invalid email address.`, "From.Email"), Want: connector.ConfigFault},
			"a bad recipient":             {Answer: failed(400, "mj-0013", `"x" is an invalid email address.`, "To[0].Email"), Want: connector.Recipient},
			"a bad recipient, with 200":   {Answer: failed(200, "mj-0013", `"x" is an invalid email address.`, "To[0].Email"), Want: connector.Recipient},
			"a bad reply-to":              {Answer: failed(400, "mj-0013", `"x" is an invalid email address.`, "ReplyTo.Email"), Want: connector.Permanent},
			"a forbidden header":          {Answer: failed(200, "send-0011", "The header is forbidden.", `Headers["X-Mailer"]`), Want: connector.Permanent},
			"too fast":                    {Answer: ct.Answer{Status: 429, Body: `{"ErrorInfo": "", "ErrorMessage": "Too many requests", "StatusCode": 429}`}, Want: connector.Throttled},
			"out of order":                {Answer: refuse(500, "", "Internal error"), Want: connector.Temporary},
			"neither nor":                 {Answer: ct.Answer{Body: `{"Messages": [{"Status": "queued", "To": [{"MessageID": 1}]}]}`}, Want: connector.InvalidResponse},
			"no id":                       {Answer: ct.Answer{Body: `{"Messages": [{"Status": "success", "To": [{"MessageID": 0}]}]}`}, Want: connector.InvalidResponse},
			"no message":                  {Answer: ct.Answer{Body: `{"Messages": []}`}, Want: connector.InvalidResponse},
		},
		Bad: map[string][]string{
			`{"apiKey": null}`:                                     {"apiKey: is required"},
			`{"secretKey": null}`:                                  {"secretKey: is required"},
			`{"secretKey": ""}`:                                    {"secretKey: must not be empty"},
			`{"fromEmail": null}`:                                  {"fromEmail: is required"},
			`{"fromEmail": "acme"}`:                                {"fromEmail: " + badMailbox},
			`{"fromName": "Acme\u0000"}`:                           {"fromName: must be one line without control characters"},
			`{"replyTo": "x"}`:                                     {"replyTo: " + badMailbox},
			`{"endpoint": "http://api.mailjet.com"}`:               {"endpoint: must be an https URL without user, query and fragment"},
			`{"headers": {"Subject": "x"}}`:                        {"headers.Subject: is not a header that may be set: Subject is set by the service itself"},
			`{"webhookUser": ["x"]}`:                               {"webhookUser: must be a string"},
			`{"templates": []}`:                                    {"templates: must also hold templates for Register, SignIn, ForgotPassword, Generic"},
			`{"apiKeyPublic": "x", "endpoint": "api.mailjet.com"}`: {"apiKeyPublic: is not a known key"},
		},
	})
}

// The words of a refusal within a success reach the operator, without what
// must stay hidden.
func TestRefusedWithinSuccess(t *testing.T) {
	t.Parallel()
	m := ct.Sample()
	code, _ := m.Payload["code"].(string)
	provider := ct.NewProvider(t, func(r ct.Request) ct.Answer {
		return failed(200, "mj-0006", "too long: "+string(r.Body)+secretKey, "Subject")
	})
	_, err := ct.Open(t, New(), config(provider.URL), connector.Host{}).Send(t.Context(), m)
	e := ct.CheckError(t, err, apiKey, secretKey, code, "The words of this mail")
	if e.Class != connector.Permanent || e.Status != http.StatusOK || len(e.Message) < len("mj-0006 too long: ") {
		t.Errorf("class %s, status %d: %v", e.Class, e.Status, e)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	event := func(kind, more string) string {
		return `{"event": "` + kind + `", "time": 1433333949, "MessageID": ` + accepted + `, "Message_GUID": "cb927469-36fd-4c02-bce4-0d199929a207",
			"email": "ann@example.com", "mj_campaign_id": 7257, "mj_contact_id": 4, "customcampaign": "", "CustomID": "m-1", "Payload": ""` + more + `}`
	}
	want := func(kind connector.EventKind) connector.Event {
		return connector.Event{
			Kind: kind, MessageID: "m-1", ProviderID: accepted, Recipient: "ann@example.com", At: time.Unix(1433333949, 0),
		}
	}
	delivered, bare := want(connector.EventDelivered), want(connector.EventDelivered)
	delivered.Detail = "sent (250 2.0.0 OK 1433333948 fa5si855896wjc.199 - gsmtp)"
	bare.MessageID = ""
	hard, gone, soft := want(connector.EventBounced), want(connector.EventBounced), want(connector.EventBounced)
	hard.Hard, hard.NoAddress, hard.Enhanced, hard.Detail = true, true, "5.1.1", "user unknown 550 5.1.1 no such user"
	gone.Hard = true
	rejected, complained, opened := want(connector.EventRejected), want(connector.EventComplained), want(connector.EventOther)
	rejected.Detail, complained.Detail, opened.Detail = "content blocked", "JMRPP", "open"
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://api.mailjet.com"), Secrets: []string{apiKey, secretKey, password},
		Sign: func(_ testing.TB, body []byte, at time.Time) connector.Callback {
			return signed("mailjet", password, body, at)
		},
		Forge: map[string]func(*connector.Callback){
			"another password": func(c *connector.Callback) { *c = signed("mailjet", "x", c.Body, c.At) },
			"another user":     func(c *connector.Callback) { *c = signed("x", password, c.Body, c.At) },
			"nobody":           func(c *connector.Callback) { *c = signed("", "", c.Body, c.At) },
		},
		Reports: map[string]ct.Report{
			"delivered": {Body: event("sent", `, "mj_message_id": "`+accepted+`", "smtp_reply": "sent (250 2.0.0 OK 1433333948 fa5si855896wjc.199 - gsmtp)"`),
				Want: []connector.Event{delivered}},
			"a batch": {
				Body: " [" + event("sent", `, "smtp_reply": ""`) + "," + event("open", `, "ip": "127.0.0.1", "geo": "US"`) + "," + event("spam", `, "source": "JMRPP"`) + "]",
				Want: []connector.Event{want(connector.EventDelivered), opened, complained},
			},
			"no such address": {Body: event("bounce", `, "blocked": true, "hard_bounce": true, "error_related_to": "recipient", "error": "user unknown", "comment": "550 5.1.1 no such user"`),
				Want: []connector.Event{hard}},
			"no such domain": {Body: event("bounce", `, "blocked": true, "hard_bounce": true, "error_related_to": "domain", "error": "invalid domain"`), Want: []connector.Event{gone}},
			"a full mailbox": {Body: event("bounce", `, "blocked": false, "hard_bounce": false, "error_related_to": "recipient", "error": "quota exceeded"`), Want: []connector.Event{soft}},
			"greylisted":     {Body: event("bounce", `, "blocked": false, "hard_bounce": false, "error_related_to": "domain", "error": "greylisted"`), Want: []connector.Event{want(connector.EventDeferred)}},
			"preblocked":     {Body: event("blocked", `, "error_related_to": "mailjet", "error": "preblocked"`), Want: []connector.Event{want(connector.EventSuppressed)}},
			"known as gone":  {Body: event("blocked", `, "error_related_to": "recipient", "error": "user unknown"`), Want: []connector.Event{want(connector.EventSuppressed)}},
			"its content":    {Body: event("blocked", `, "error_related_to": "spam", "error": "content blocked"`), Want: []connector.Event{rejected}},
			"an id as text": {Body: `{"event": "sent", "time": 1433333949, "MessageID": "` + accepted + `", "email": "ann@example.com"}`,
				Want: []connector.Event{bare}},
			"about no mail": {Body: `[{"event": "unsub", "time": 1433334941, "MessageID": 0, "email": "ann@example.com", "CustomID": ""}]`},
		},
	})
}

// signed is a callback with basic authentication.
func signed(user, password string, body []byte, at time.Time) connector.Callback {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return connector.Callback{Header: r.Header, Body: body, At: at}
}
