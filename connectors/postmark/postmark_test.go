package postmark

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	token    = "7b9c1f04-4a5d-4c44-9d52-8f2f0e6b1a11"
	password = "w3bh00k-passw0rd"
	accepted = "0a129aee-e1cd-480d-b08d-4f48548ff48d"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"serverToken": "` + token + `", "fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "messageStream": "sign-in", "headers": {"X-Team": "sign-in", "X-Area": "eu"},
		"templates": [{"usageType": "SignIn", "templateAlias": "sign-in"}, {"usageType": "SignIn", "templateAlias": "second"},
			{"usageType": "Generic", "templateAlias": "code"}],
		"webhookUser": "postmark", "webhookPassword": "` + password + `", "endpoint": "` + endpoint + `"}`)
}

// refuse is an error as https://postmarkapp.com/developer/api/overview has it.
func refuse(status, code int, words string) ct.Answer {
	body, _ := json.Marshal(map[string]any{"ErrorCode": code, "Message": words}) // plain values always encode
	return ct.Answer{Status: status, Body: string(body)}
}

// read reads a request as Postmark does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var e email
	if r.Method != http.MethodPost || r.Path != "/email/withTemplate" || json.Unmarshal(r.Body, &e) != nil ||
		r.Header.Get("X-Postmark-Server-Token") != token || r.Header.Get("Accept") != "application/json" {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	if want := map[string]string{"SignIn": "sign-in"}[e.Tag]; want != "" && e.TemplateAlias != want {
		t.Errorf("%s is made from %s, want %s", e.Tag, e.TemplateAlias, want)
	}
	return ct.Mail{
		From: ct.ParseMailbox(t, e.From), ReplyTo: ct.ParseMailbox(t, e.ReplyTo), To: e.To,
		Type: connector.TemplateType(e.Tag), Payload: e.TemplateModel,
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	const badMailbox = "must be an e-mail address, or a name with one in angle brackets"
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{token, password},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Body: `{"To": "ann@example.com", "SubmittedAt": "2014-02-17T07:25:01.4178645-05:00",
				"MessageID": "` + accepted + `", "ErrorCode": 0, "Message": "OK"}`}
		},
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, 0, words) },
		Read:       read,
		Refusals: map[string]ct.Refusal{
			"a wrong token":         {Answer: refuse(401, 10, "Request does not contain a valid Server token."), Want: connector.ConfigFault},
			"maintenance":           {Answer: refuse(422, 100, "Maintenance"), Want: connector.Temporary},
			"a bad recipient":       {Answer: refuse(422, 300, "Error parsing 'To': Illegal email address 'johne.xample.com'. It must contain the '@' symbol."), Want: connector.Recipient},
			"a bad sender":          {Answer: refuse(422, 300, "Error parsing 'From': Illegal email domain 'x' in address 'a@x'."), Want: connector.ConfigFault},
			"an invalid sender":     {Answer: refuse(422, 300, "Invalid 'From' value."), Want: connector.ConfigFault},
			"another bad field":     {Answer: refuse(422, 300, "Error parsing 'ReplyTo': Illegal email address."), Want: connector.Permanent},
			"an unknown sender":     {Answer: refuse(422, 400, "The 'From' address you supplied is not a Sender Signature on your account."), Want: connector.ConfigFault},
			"an unconfirmed sender": {Answer: refuse(422, 401, "Sender signature not confirmed"), Want: connector.ConfigFault},
			"out of credits":        {Answer: refuse(422, 405, "Not allowed to send"), Want: connector.ConfigFault},
			"inactive":              {Answer: refuse(422, 406, "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: ann@example.com."), Want: connector.Recipient},
			"a pending account":     {Answer: refuse(422, 412, "While your account is pending approval, all recipient addresses must share the same domain as the 'From' address."), Want: connector.ConfigFault},
			"may not send":          {Answer: refuse(422, 413, "Account may not send"), Want: connector.ConfigFault},
			"too fast":              {Answer: refuse(429, 429, "Rate limit exceeded"), Want: connector.Throttled},
			"no such alias":         {Answer: refuse(422, 1101, "The Template's 'Alias' associated with this request is not valid or was not found."), Want: connector.ConfigFault},
			"a reserved key":        {Answer: refuse(422, 1122, "The TemplateModel contains a reserved key."), Want: connector.Permanent},
			"no such stream":        {Answer: refuse(422, 1235, "The stream provided: 'sign-in' does not exist on this server."), Want: connector.ConfigFault},
		},
		Bad: map[string][]string{
			`{"serverToken": null}`:                          {"serverToken: is required"},
			`{"serverToken": ""}`:                            {"serverToken: must not be empty"},
			`{"fromEmail": null}`:                            {"fromEmail: is required"},
			`{"fromEmail": "acme"}`:                          {"fromEmail: " + badMailbox},
			`{"fromName": "Acme\r\nBcc: x@y.example"}`:       {"fromName: must be one line without control characters"},
			`{"replyTo": "x"}`:                               {"replyTo: " + badMailbox},
			`{"messageStream": "a\nb"}`:                      {"messageStream: must be one line without control characters"},
			`{"templates": null}`:                            {"templates: is required"},
			`{"templates": []}`:                              {"templates: must not be empty"},
			`{"templates": {"SignIn": "sign-in"}}`:           {"templates: must be a list"},
			`{"templates": [{"usageType": "Generic"}]}`:      {"templates.0.templateAlias: is required"},
			`{"templates": [{"templateAlias": "x"}]}`:        {"templates.0.usageType: is required"},
			`{"endpoint": "https://api.postmarkapp.com/?x"}`: {"endpoint: must be an https URL without user, query and fragment"},
			`{"headers": {"To": "x@y.example"}}`:             {"headers.To: is not a header that may be set: To is set by the service itself"},
			`{"templates": [{"usageType": "Test", "templateAlias": "x"}, {"usageType": "SignIn", "templateAlias": 7, "subject": "x"}]}`: {
				"templates.0.usageType: is not a template type", "templates.1.subject: is not a known key", "templates.1.templateAlias: must be a string",
			},
		},
	})
}

// Without a template for the type, nor for Generic, nothing is sent, and the
// error says why.
func TestNoTemplate(t *testing.T) {
	t.Parallel()
	provider := ct.NewProvider(t, func(ct.Request) ct.Answer { return ct.Answer{} })
	opened := ct.Open(t, New(), json.RawMessage(`{"serverToken": "x", "fromEmail": "a@b.example", "endpoint": "`+provider.URL+`",
		"templates": [{"usageType": "Register", "templateAlias": "register"}]}`), connector.Host{})
	_, err := opened.Send(t.Context(), ct.Sample())
	if e := ct.CheckError(t, err); e.Class != connector.Permanent || !errors.Is(err, connector.ErrTemplateNotFound) ||
		e.Message != connector.ErrTemplateNotFound.Error() {
		t.Errorf("class %s (%v)", e.Class, err)
	}
	if n := len(provider.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A success that is none counts as sent: Postmark answers 200 with a code in
// it to requests for several mails.
func TestCodeInSuccess(t *testing.T) {
	t.Parallel()
	provider := ct.NewProvider(t, func(ct.Request) ct.Answer {
		return ct.Answer{Body: `{"ErrorCode": 406, "Message": "inactive", "MessageID": "` + accepted + `"}`}
	})
	_, err := ct.Open(t, New(), config(provider.URL), connector.Host{}).Send(t.Context(), ct.Sample())
	if e := ct.CheckError(t, err, token); e.Class != connector.InvalidResponse {
		t.Errorf("class %s (%v), want invalid_response", e.Class, err)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	const about = `"MessageStream": "outbound", "ServerID": 1234, "MessageID": "` + accepted + `", "Tag": "SignIn",
		"Metadata": {"message_id": "m-1"}`
	bounce := func(kind, details string) string {
		return `{"RecordType": "Bounce", "ID": 692560173, "Type": "` + kind + `", "TypeCode": 1, "Name": "` + kind + `", ` + about + `,
			"Description": "The server was unable to deliver your message.", "Details": "` + details + `", "Email": "ann@example.com",
			"From": "no-reply@auth.example.com", "BouncedAt": "2019-11-05T11:33:54.9070259-05:00", "DumpAvailable": true, "Inactive": true,
			"CanActivate": true, "Subject": "Test subject", "Content": "<Full dump of bounce>"}`
	}
	at := time.Date(2019, 11, 5, 16, 33, 54, 907025900, time.UTC)
	want := func(kind connector.EventKind) connector.Event {
		return connector.Event{Kind: kind, MessageID: "m-1", ProviderID: accepted, Recipient: "ann@example.com", At: at}
	}
	bounced := func(kind connector.EventKind) connector.Event {
		e := want(kind)
		e.ID = "692560173"
		return e
	}
	hard, policy, bad, soft := bounced(connector.EventBounced), bounced(connector.EventBounced), bounced(connector.EventBounced), bounced(connector.EventBounced)
	hard.Hard, hard.NoAddress, hard.Enhanced, hard.Detail = true, true, "5.1.1", "smtp;550 5.1.1 The email account that you tried to reach does not exist The server was unable to deliver your message."
	policy.Hard, policy.Enhanced = true, "5.7.1"
	bad.Hard, bad.NoAddress = true, true
	delivered := want(connector.EventDelivered)
	delivered.Detail = "Test delivery webhook details"
	auto, opened, again := bounced(connector.EventOther), want(connector.EventOther), want(connector.EventOther)
	auto.Detail, opened.Detail, again.Detail = "AutoResponder away The server was unable to deliver your message.", "Open", "SubscriptionChange"
	bare := want(connector.EventDelivered)
	bare.MessageID = ""
	change := func(suppress, ids string) string {
		return `{"RecordType": "SubscriptionChange", ` + ids + `, "ChangedAt": "2019-11-05T16:33:54.9070259Z",
			"Recipient": "ann@example.com", "Origin": "Recipient", "SuppressSending": ` + suppress + `, "SuppressionReason": null}`
	}
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://api.postmarkapp.com"), Secrets: []string{token, password},
		Sign: func(_ testing.TB, body []byte, at time.Time) connector.Callback {
			return signed("postmark", password, body, at)
		},
		Forge: map[string]func(*connector.Callback){
			"another password": func(c *connector.Callback) { *c = signed("postmark", "x", c.Body, c.At) },
			"another user":     func(c *connector.Callback) { *c = signed("postman", password, c.Body, c.At) },
			"nobody":           func(c *connector.Callback) { *c = signed("", "", c.Body, c.At) },
		},
		Reports: map[string]ct.Report{
			"delivered": {Body: `{"RecordType": "Delivery", ` + about + `, "Recipient": "ann@example.com", "DeliveredAt": "2019-11-05T16:33:54.9070259Z",
				"Details": "Test delivery webhook details"}`, Want: []connector.Event{delivered}},
			"without metadata": {Body: `{"RecordType": "Delivery", "MessageID": "` + accepted + `", "Recipient": "ann@example.com",
				"DeliveredAt": "2019-11-05T16:33:54.9070259Z", "Metadata": {}}`, Want: []connector.Event{bare}},
			"no such address":   {Body: bounce("HardBounce", "smtp;550 5.1.1 The email account that you tried to reach does not exist"), Want: []connector.Event{hard}},
			"a policy":          {Body: bounce("HardBounce", "smtp;550 5.7.1 denied"), Want: []connector.Event{policy}},
			"a bad address":     {Body: bounce("BadEmailAddress", ""), Want: []connector.Event{bad}},
			"a full mailbox":    {Body: bounce("SoftBounce", "full"), Want: []connector.Event{soft}},
			"blocked":           {Body: bounce("Blocked", "blocked"), Want: []connector.Event{soft}},
			"delayed":           {Body: bounce("Transient", "try again"), Want: []connector.Event{bounced(connector.EventDeferred)}},
			"complained, late":  {Body: bounce("SpamComplaint", ""), Want: []connector.Event{bounced(connector.EventComplained)}},
			"deactivated there": {Body: bounce("ManuallyDeactivated", ""), Want: []connector.Event{bounced(connector.EventSuppressed)}},
			"not rendered":      {Body: bounce("TemplateRenderingFailed", ""), Want: []connector.Event{bounced(connector.EventRejected)}},
			"away":              {Body: bounce("AutoResponder", "away"), Want: []connector.Event{auto}},
			"complained": {Body: `{"RecordType": "SpamComplaint", "ID": 692560173, "Type": "SpamComplaint", "TypeCode": 512, ` + about + `,
				"Email": "ann@example.com", "BouncedAt": "2019-11-05T16:33:54.9070259Z", "Details": "Test spam complaint details"}`,
				Want: []connector.Event{bounced(connector.EventComplained)}},
			"put on the list":    {Body: change("true", about), Want: []connector.Event{want(connector.EventSuppressed)}},
			"taken off the list": {Body: change("false", about), Want: []connector.Event{again}},
			"by hand":            {Body: change("true", `"ServerID": 1234`)},
			"opened": {Body: `{"RecordType": "Open", ` + about + `, "FirstOpen": true, "Recipient": "ann@example.com",
				"ReceivedAt": "2019-11-05T16:33:54.9070259Z"}`, Want: []connector.Event{opened}},
		},
	})
}

// signed is a callback with basic authentication.
func signed(user, password string, body []byte, at time.Time) connector.Callback {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return connector.Callback{Header: r.Header, Body: body, At: at}
}
