package sparkpost

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	apiKey   = "14ac5499cfdd2bb2859e4476d2e5b1d2bad079bf"
	password = "webhook-passw0rd"
	accepted = "11668787484950529"
	taken    = `{"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "` + accepted + `"}}`
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"apiKey": "` + apiKey + `", "region": "eu", "fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null,
		"webhookUser": "sparkpost", "webhookPassword": "` + password + `", "endpoint": "` + endpoint + `"}`)
}

// refuse is an error as https://support.sparkpost.com/docs/tech-resources/extended-error-codes
// has it.
func refuse(status int, code, message, description string) ct.Answer {
	one := map[string]string{"message": message, "code": code, "description": description}
	body, _ := json.Marshal(map[string]any{"errors": []any{one}}) // strings always encode
	return ct.Answer{Status: status, Body: string(body)}
}

// read reads a request as SparkPost does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var sent transmission
	if r.Method != http.MethodPost || r.Path != "/api/v1/transmissions" || r.Header.Get("Authorization") != apiKey ||
		json.Unmarshal(r.Body, &sent) != nil || len(sent.Recipients) != 1 || sent.Options != (options{Transactional: true}) {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	render := func(text string) string {
		t.Helper()
		return rendered(t, text, sent.SubstitutionData)
	}
	return ct.Mail{
		From: connector.Mailbox{Name: render(sent.Content.From.Name), Address: sent.Content.From.Email},
		To:   sent.Recipients[0].Address.Email, ReplyTo: ct.ParseMailbox(t, render(sent.Content.ReplyTo)),
		Subject: render(sent.Content.Subject), HTML: render(sent.Content.HTML), Text: render(sent.Content.Text),
	}
}

// rendered reads text as SparkPost's template language does: what stands in
// double braces is the name of a value, and values are not read again.
func rendered(t testing.TB, text string, values map[string]string) string {
	t.Helper()
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		out.WriteString(before)
		if strings.Contains(before, "}}") {
			t.Errorf("%q has a mark of the template language", before)
		}
		if !found {
			return out.String()
		}
		name, after, _ := strings.Cut(rest, "}}")
		value, known := values[name]
		if !known {
			t.Errorf("the placeholder %q has no value", name)
		}
		out.WriteString(value)
		text = after
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{apiKey, password},
		Sender:     connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept:     func(ct.Request) ct.Answer { return ct.Answer{Body: taken} },
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "1200", words, "") },
		Read:       read,
		Refusals: map[string]ct.Refusal{
			"a wrong key":       {Answer: refuse(401, "1303", "Unauthorized.", ""), Want: connector.ConfigFault},
			"no permission":     {Answer: refuse(403, "1100", "Forbidden.", ""), Want: connector.ConfigFault},
			"an unknown domain": {Answer: refuse(400, "7001", "Invalid domain", "Unconfigured Sending Domain <auth.example.com>"), Want: connector.ConfigFault},
			"a blocked domain":  {Answer: refuse(400, "7000", "Sending domain blacklisted", ""), Want: connector.ConfigFault},
			"the sandbox":       {Answer: refuse(420, "2103", "Exceed Sending Limit (sandbox)", ""), Want: connector.ConfigFault},
			"suppressed":        {Answer: refuse(400, "1902", "Message generation rejected", "recipient address suppressed due to customer policy"), Want: connector.Recipient},
			"not generated":     {Answer: refuse(400, "1902", "Message generation rejected", "content"), Want: connector.Permanent},
			"no recipient":      {Answer: refuse(400, "5002", "At least one valid recipient is required", ""), Want: connector.Recipient},
			"a code as number":  {Answer: ct.Answer{Status: 400, Body: `{"errors": [{"message": "At least one valid recipient is required", "code": 5002}]}`}, Want: connector.Recipient},
			"a bad field":       {Answer: refuse(422, "1300", "invalid data format/type", "content.from"), Want: connector.Permanent},
			"over the limit":    {Answer: refuse(420, "2101", "Exceed Sending Limit (hourly)", ""), Want: connector.Throttled},
			"over a new limit":  {Answer: ct.Answer{Status: 420, Body: "no JSON"}, Want: connector.Throttled},
			"too fast":          {Answer: refuse(429, "", "Too many requests", ""), Want: connector.Throttled},
			"no resources":      {Answer: refuse(400, "1502", "Server resources unavailable", ""), Want: connector.Temporary},
			"out of order":      {Answer: refuse(503, "1900", "Message generation module not available", ""), Want: connector.Temporary},
			"a rejected recipient": {
				Answer: ct.Answer{Body: `{"errors": [{"message": "transmission created, but with validation errors", "code": "2000"}], "results": {
					"rcpt_to_errors": [{"message": "invalid data format/type", "description": "invalid recipient address.email", "code": "1300"}],
					"total_rejected_recipients": 1, "total_accepted_recipients": 0, "id": "48189673721435781"}}`}, Want: connector.Recipient,
			},
			"nobody at all": {Answer: ct.Answer{Body: `{"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 0, "id": "1"}}`}, Want: connector.InvalidResponse},
			"without an id": {Answer: ct.Answer{Body: `{"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1}}`}, Want: connector.InvalidResponse},
		},
		Bad: map[string][]string{
			`{"apiKey": null}`:                         {"apiKey: is required"},
			`{"apiKey": ""}`:                           {"apiKey: must not be empty"},
			`{"region": "asia"}`:                       {"region: must be one of us, eu"},
			`{"fromEmail": null}`:                      {"fromEmail: is required"},
			`{"fromEmail": "acme"}`:                    {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromEmail": "a@b.example,c@d.example"}`: {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromName": "Acme\nBcc: x@y.example"}`:   {"fromName: must be one line without control characters"},
			`{"replyTo": "x"}`:                         {"replyTo: must be an e-mail address, or a name with one in angle brackets"},
			`{"endpoint": "http://api.sparkpost.com"}`: {"endpoint: must be an https URL without user, query and fragment"},
			`{"headers": {"To": "x@y.example"}}`:       {"headers.To: is not a header that may be set: To is set by the service itself"},
			`{"templates": []}`:                        {"templates: must also hold templates for Register, SignIn, ForgotPassword, Generic"},
			`{"apiSecret": "x"}`:                       {"apiSecret: is not a known key"},
		},
	})
}

// TestRegion: the region chooses the endpoint, and a given endpoint wins.
func TestRegion(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		`{}`:                               "https://api.sparkpost.com/api/v1/transmissions",
		`{"region": "us", "endpoint": ""}`: "https://api.sparkpost.com/api/v1/transmissions",
		`{"region": "eu"}`:                 "https://api.eu.sparkpost.com/api/v1/transmissions",
		`{"region": "eu", "endpoint": "https://gw.example/"}`: "https://gw.example/api/v1/transmissions",
	} {
		settings := map[string]string{"apiKey": apiKey, "fromEmail": "a@example.com"}
		if err := json.Unmarshal([]byte(change), &settings); err != nil {
			t.Fatal(err)
		}
		given, err := json.Marshal(settings)
		if err != nil {
			t.Fatal(err)
		}
		var asked string
		carrier := carrier(func(r *http.Request) string {
			asked = r.URL.String()
			return taken
		})
		if _, err := ct.Open(t, New(), given, connector.Host{HTTP: carrier}).Send(t.Context(), ct.Sample()); err != nil {
			t.Error(err)
		}
		if asked != want {
			t.Errorf("%s: %s, want %s", change, asked, want)
		}
	}
}

// carrier answers requests without a network.
type carrier func(*http.Request) string

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(c(r))), Request: r}, nil
}

// TestBraces: no content is read as SparkPost's template language, wherever it
// stands.
func TestBraces(t *testing.T) {
	t.Parallel()
	const hostile = `{{address.email}} {{{ x }}} {{if}} @media{a{b:c}} {}} }{{ {} { } }}}{{{`
	p := ct.NewProvider(t, func(ct.Request) ct.Answer { return ct.Answer{Body: taken} })
	m := ct.Sample()
	m.From.Name, m.Subject, m.HTML, m.Text = hostile, hostile, hostile, hostile
	m.ReplyTo = connector.Mailbox{Name: hostile, Address: "a@example.com"}
	if _, err := ct.Open(t, New(), config(p.URL), connector.Host{}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := read(t, p.Requests()[0])
	for what, text := range map[string]string{
		"the sender's name": got.From.Name, "reply-to": got.ReplyTo.Name, "the subject": got.Subject, "HTML": got.HTML, "text": got.Text,
	} {
		if text != hostile {
			t.Errorf("%s is %q, want %q", what, text, hostile)
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	event := func(kind, more string) string {
		return `{"msys": {"message_event": {"type": "` + kind + `", "event_id": "e-1", "message_id": "000443ee14578172be22", "transmission_id": "` + accepted + `",
			"rcpt_to": "ann@example.com", "raw_rcpt_to": "Ann@example.com", "rcpt_meta": {"message_id": "m-1"}, "timestamp": "1460989507"` + more + `}}}`
	}
	want := func(kind connector.EventKind, detail string) connector.Event {
		return connector.Event{
			ID: "e-1", Kind: kind, MessageID: "m-1", ProviderID: accepted, Recipient: "Ann@example.com",
			At: time.Unix(1460989507, 0).UTC(), Detail: detail,
		}
	}
	bounce := func(class, reason string) string {
		return "[" + event("bounce", `, "bounce_class": "`+class+`", "error_code": "550", "raw_reason": "`+reason+`", "reason": "for people"`) + "]"
	}
	bounced := func(hard, noAddress bool, enhanced, detail string) []connector.Event {
		e := want(connector.EventBounced, detail)
		e.Hard, e.NoAddress, e.Enhanced = hard, noAddress, enhanced
		return []connector.Event{e}
	}
	one := func(kind connector.EventKind, detail string) []connector.Event {
		return []connector.Event{want(kind, detail)}
	}
	foreign := want(connector.EventDelivered, "")
	foreign.MessageID = ""
	const suppressed = "554 5.7.1 recipient address was suppressed due to customer policy"
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://api.sparkpost.com"), Secrets: []string{apiKey, password},
		Sign: func(_ testing.TB, body []byte, _ time.Time) connector.Callback {
			return callback("sparkpost", password, body)
		},
		Forge: map[string]func(*connector.Callback){
			"another password": func(c *connector.Callback) { *c = callback("sparkpost", "other", c.Body) },
			"another user":     func(c *connector.Callback) { *c = callback("ann", password, c.Body) },
			"no scheme":        func(c *connector.Callback) { c.Header.Set("Authorization", password) },
		},
		Reports: map[string]ct.Report{
			"the ping": {Body: `[{"msys": {}}]`},
			"a batch": {
				Body: "[" + event("injection", "") + "," + event("delay", `, "raw_reason": "451 4.7.1 later"`) + "," + event("delivery", "") + "]",
				Want: []connector.Event{want(connector.EventAccepted, ""), want(connector.EventDeferred, "451 4.7.1 later"), want(connector.EventDelivered, "")},
			},
			"no such address": {Body: bounce("10", "550 5.1.1 no such user"), Want: bounced(true, true, "5.1.1", "550 5.1.1 no such user")},
			"no recipient":    {Body: bounce("30", "550 no"), Want: bounced(true, false, "", "550 no")},
			"mailbox full":    {Body: bounce("22", "552 5.2.2 full"), Want: bounced(false, false, "5.2.2", "552 5.2.2 full")},
			"a spam block":    {Body: bounce("51", "550 5.7.1 spam"), Want: bounced(false, false, "5.7.1", "550 5.7.1 spam")},
			"undetermined":    {Body: bounce("1", "500 ?"), Want: bounced(false, false, "", "500 ?")},
			"a new class":     {Body: bounce("77", "500 ?"), Want: bounced(false, false, "", "500 ?")},
			"suppressed":      {Body: bounce("25", suppressed), Want: one(connector.EventSuppressed, suppressed)},
			"another policy":  {Body: bounce("25", "554 5.7.1 no"), Want: one(connector.EventRejected, "554 5.7.1 no")},
			"an auto-reply":   {Body: bounce("60", "vacation"), Want: one(connector.EventOther, "bounce vacation")},
			"out of band": {
				Body: "[" + event("out_of_band", `, "bounce_class": 10, "reason": "550 5.1.1 gone"`) + "]", Want: bounced(true, true, "5.1.1", "550 5.1.1 gone"),
			},
			"not generated": {
				Body: "[" + strings.Replace(event("generation_rejection", `, "raw_reason": "`+suppressed+`"`), "message_event", "gen_event", 1) + "]",
				Want: one(connector.EventSuppressed, suppressed),
			},
			"refused":    {Body: "[" + event("policy_rejection", `, "reason": "554 no"`) + "]", Want: one(connector.EventRejected, "554 no")},
			"complained": {Body: "[" + event("spam_complaint", "") + "]", Want: one(connector.EventComplained, "")},
			"clicked":    {Body: "[" + strings.Replace(event("click", ""), "message_event", "track_event", 1) + "]", Want: one(connector.EventOther, "click")},
			"another's metadata": {
				Body: "[" + strings.Replace(event("delivery", ""), `{"message_id": "m-1"}`, `["x"]`, 1) + "]", Want: []connector.Event{foreign},
			},
			"mail that came in": {Body: `[{"msys": {"relay_message": {"rcpt_to": "a@b.example", "content": {"html": "x"}}}}]`},
		},
	})
}

// callback is a callback with a user and a password.
func callback(user, password string, body []byte) connector.Callback {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return connector.Callback{Header: r.Header, Body: body}
}
