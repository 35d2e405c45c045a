package mailgun

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	apiKey     = "0123456789abcdef0123456789abcdef-12345678-87654321"
	signingKey = "5i9n1n9-k3y-of-webhooks"
	accepted   = "20111114174239.25659.5817@samples.mailgun.org"
)

func config(endpoint, deliveries string) json.RawMessage {
	return json.RawMessage(`{"domain": "mg.example.com", "apiKey": "` + apiKey + `", "from": "Acme <no-reply@mg.example.com>",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "webhookSigningKey": "` + signingKey + `",
		"deliveries": ` + deliveries + `, "endpoint": "` + endpoint + `"}`)
}

func refuse(status int, words string) ct.Answer {
	body, _ := json.Marshal(map[string]string{"message": words}) // strings always encode
	return ct.Answer{Status: status, Body: string(body)}
}

func accept(ct.Request) ct.Answer {
	return ct.Answer{Body: `{"id": "<` + accepted + `>", "message": "Queued. Thank you."}`}
}

// read reads a request as Mailgun does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	form := r.Form()
	user, password, _ := (&http.Request{Header: r.Header}).BasicAuth()
	if r.Method != http.MethodPost || r.Path != "/v3/mg.example.com/messages" || user != "api" || password != apiKey || len(form["to"]) != 1 {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	mail := ct.Mail{
		From: ct.ParseMailbox(t, form.Get("from")), ReplyTo: ct.ParseMailbox(t, form.Get("h:Reply-To")), To: form.Get("to"),
		Subject: form.Get("subject"), HTML: form.Get("html"), Text: form.Get("text"),
	}
	if form.Get("template") == "" {
		return mail
	}
	mail.Type = connector.TemplateType(form.Get("o:tag"))
	if err := json.Unmarshal([]byte(form.Get("h:X-Mailgun-Variables")), &mail.Payload); err != nil {
		t.Errorf("variables: %v", err)
	}
	if form.Get("template") != "codes" || mail.Payload["brand"] != "Acme" {
		t.Errorf("template %s with %v", form.Get("template"), mail.Payload)
	}
	delete(mail.Payload, "brand") // the settings'
	return mail
}

// httpCase is the connector with these deliveries.
func httpCase(deliveries string) ct.HTTPCase {
	const badMailbox = "must be an e-mail address, or a name with one in angle brackets"
	return ct.HTTPCase{
		Factory: New(), Config: func(endpoint string) json.RawMessage { return config(endpoint, deliveries) },
		Secrets:    []string{apiKey, signingKey},
		Sender:     connector.Mailbox{Name: "Acme", Address: "no-reply@mg.example.com"},
		Accept:     accept,
		ProviderID: accepted,
		Refuse:     refuse,
		Read:       read,
		Refusals: map[string]ct.Refusal{
			"a wrong key":        {Answer: ct.Answer{Status: 401, Body: "Forbidden"}, Want: connector.ConfigFault},
			"another region":     {Answer: refuse(404, "Domain not found: mg.example.com"), Want: connector.ConfigFault},
			"a sandbox":          {Answer: refuse(400, "Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized recipients in Account Settings."), Want: connector.ConfigFault},
			"a disabled account": {Answer: refuse(403, "Domain mg.example.com is not allowed to send: Account disabled"), Want: connector.ConfigFault},
			"a bad sender":       {Answer: refuse(400, "from parameter is not a valid address. please check documentation"), Want: connector.ConfigFault},
			"a bad recipient":    {Answer: refuse(400, "to parameter is not a valid address. please check documentation"), Want: connector.Recipient},
			"… in quotes":        {Answer: refuse(400, "'to' parameter is not a valid address. please check documentation"), Want: connector.Recipient},
			"too many options":   {Answer: refuse(400, "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB total"), Want: connector.Permanent},
			"too many in time":   {Answer: refuse(420, "recipient limit (26) exceeded"), Want: connector.Throttled},
			"on probation":       {Answer: refuse(403, "Your account is on probation and domains are limited to 100 messages / hour"), Want: connector.Throttled},
			"over the allowance": {Answer: refuse(400, "Domain mg.example.com is not allowed to send: recipient limit exceeded"), Want: connector.Throttled},
			"too fast":           {Answer: refuse(429, "request limit (101) exceeded"), Want: connector.Throttled},
			"out of order":       {Answer: ct.Answer{Status: 502, Body: "<html>Bad Gateway</html>"}, Want: connector.Temporary},
		},
		Bad: map[string][]string{
			`{"domain": null}`:                       {"domain: is required"},
			`{"apiKey": null}`:                       {"apiKey: is required"},
			`{"from": null}`:                         {"from: is required"},
			`{"domain": "https://mg.example.com"}`:   {"domain: must be a domain such as mg.example.com"},
			`{"domain": "mg.example.com/../x"}`:      {"domain: must be a domain such as mg.example.com"},
			`{"domain": "bücher.example"}`:           {"domain: must be a domain such as mg.example.com"},
			`{"from": "acme"}`:                       {"from: " + badMailbox},
			`{"replyTo": "a@b.example, c@d.e"}`:      {"replyTo: " + badMailbox},
			`{"endpoint": "http://api.mailgun.net"}`: {"endpoint: must be an https URL without user, query and fragment"},
			`{"templates": []}`:                      {"templates: is not a known key"},
			`{"deliveries": []}`:                     {"deliveries: must be an object"},
			`{"deliveries": {"Test": {"html": "x"}, "SignIn": {"subject": "x"}}}`: {
				"deliveries.SignIn: must have html or template", "deliveries.Test: is not a template type",
			},
			`{"deliveries": {"Generic": {"html": "x", "template": "y"}}}`:          {"deliveries.Generic.template: does not go with html; give one of them"},
			`{"deliveries": {"Generic": {"template": "y", "text": "x"}}}`:          {"deliveries.Generic.text: belongs to html; the template has its own"},
			`{"deliveries": {"Generic": {"html": "x", "variables": {}}}}`:          {"deliveries.Generic.variables: belong to template"},
			`{"deliveries": {"Generic": {"template": "y", "variables": []}}}`:      {"deliveries.Generic.variables: must be an object"},
			`{"deliveries": {"Generic": {"html": "x", "replyTo": "x"}}}`:           {"deliveries.Generic.replyTo: " + badMailbox},
			`{"deliveries": {"Generic": {"html": "x", "from": "x"}}}`:              {"deliveries.Generic.from: is not a known key"},
			`{"webhookSigningKey": 1, "deliveries": {"Generic": {"html": ["x"]}}}`: {"deliveries.Generic.html: must be a string", "webhookSigningKey: must be a string"},
			`{"headers": {"Reply-To": "x@y.example"}}`:                             {"headers.Reply-To: is not a header that may be set: Reply-To is set by the service itself"},
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	ct.RunHTTP(t, httpCase(`{"Generic": {"subject": "s", "html": "<p>{{code}}</p>"}, "BindMfa": {"template": "mfa"}}`))
}

// The same where a template at Mailgun makes the mails.
func TestConformanceTemplate(t *testing.T) {
	t.Parallel()
	c := httpCase(`{"Generic": {"template": "codes", "variables": {"brand": "Acme", "code": "none", "locale": "en"}}}`)
	c.Lacks = []ct.Feature{ct.Wording}
	ct.RunHTTP(t, c)
}

// What deliveries are to the service: first here or there, by type.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	opened := ct.Open(t, New(), config("https://api.mailgun.net", `{
		"Generic": {"template": "codes", "variables": {"n": 1}, "subject": "Code {{code}}", "replyTo": "{{user.name}} <a@b.example>"},
		"SignIn": {"subject": "s", "replyTo": "Foo <foo@bar.example>", "html": "<p>{{code}}</p>", "text": "{{code}}"}}`), connector.Host{})
	source, ok := opened.(connector.TemplateSource)
	if !ok {
		t.Fatal("the connector is no connector.TemplateSource")
	}
	want := []connector.Template{
		{UsageType: connector.SignIn, Subject: "s", ReplyTo: "Foo <foo@bar.example>", Content: "<p>{{code}}</p>", Text: "{{code}}"},
		{UsageType: connector.Generic, Subject: "Code {{code}}", ReplyTo: "{{user.name}} <a@b.example>", AtProvider: true},
	}
	got := source.ConfigTemplates()
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A subject and a rendered mail go before the template of the type, and
// without either there is nothing to send.
func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	provider := ct.NewProvider(t, accept)
	opened := ct.Open(t, New(), config(provider.URL, `{"SignIn": {"template": "codes"}}`), connector.Host{})
	rendered, there, nowhere := ct.Sample(), ct.Sample(), ct.Sample()
	there.HTML, there.Text = "", ""
	nowhere.HTML, nowhere.Text, nowhere.Type = "", "", connector.Register
	for _, m := range []connector.Message{rendered, there} {
		if _, err := opened.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	_, err := opened.Send(t.Context(), nowhere)
	if e := ct.CheckError(t, err); e.Class != connector.Permanent {
		t.Errorf("class %s, want permanent", e.Class)
	}
	requests := provider.Requests()
	if len(requests) != 2 {
		t.Fatalf("%d requests", len(requests))
	}
	if form := requests[0].Form(); form.Has("template") || form.Has("h:X-Mailgun-Variables") || form.Get("html") != rendered.HTML {
		t.Errorf("a rendered mail is sent as %v", form)
	}
	if form := requests[1].Form(); form.Get("template") != "codes" || form.Get("subject") != there.Subject || form.Has("html") || form.Has("text") {
		t.Errorf("a template's mail is sent as %v", form)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	at := time.Date(2018, 3, 19, 15, 11, 2, 908181000, time.UTC)
	event := func(kind, more string) string {
		return `{"id": "Fs7-5t81S2ispqxqDw2U4Q", "event": "` + kind + `", "timestamp": 1521472262.908181, "log-level": "info",
			"recipient": "ann@example.com", "message": {"headers": {"to": "ann@example.com", "message-id": "` + accepted + `"}, "size": 551},
			"tags": ["SignIn"], "user-variables": {"message-id": "m-1", "more": 2}` + more + `}`
	}
	want := func(kind connector.EventKind) connector.Event {
		return connector.Event{
			ID: "Fs7-5t81S2ispqxqDw2U4Q", Kind: kind, MessageID: "m-1", ProviderID: accepted, Recipient: "ann@example.com", At: at,
		}
	}
	hard, soft, blocked, deferred, old := want(connector.EventBounced), want(connector.EventBounced), want(connector.EventBounced), want(connector.EventDeferred), want(connector.EventBounced)
	hard.Hard, hard.Enhanced, hard.Detail = true, "5.1.1", "5.1.1 The email account that you tried to reach does not exist Not delivering"
	soft.Enhanced = "5.2.2"
	blocked.Enhanced = "5.7.1"
	deferred.Enhanced, deferred.Detail = "4.2.2", "4.2.2 The email account that you tried to reach is over quota"
	rejected, opened := want(connector.EventRejected), want(connector.EventOther)
	rejected.Detail, opened.Detail = "Sandbox subdomains are for test purposes only. Add a domain", "opened"
	bare := want(connector.EventDelivered)
	bare.MessageID = ""
	failed := func(severity, reason, status string) string {
		return event("failed", `, "severity": "`+severity+`", "reason": "`+reason+`", "delivery-status": {"attempt-no": 1, `+status+`}`)
	}
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://api.mailgun.net", "null"), Secrets: []string{apiKey, signingKey},
		Sign: sign, Dated: true, Nonce: true,
		Bare: json.RawMessage(`{"domain": "mg.example.com", "apiKey": "` + apiKey + `", "from": "a@mg.example.com"}`),
		Forge: map[string]func(*connector.Callback){
			"another key": func(c *connector.Callback) { *c = signWith(t, "another", []byte(event("delivered", "")), c.At) },
			"no key":      func(c *connector.Callback) { *c = signWith(t, "", []byte(event("delivered", "")), c.At) },
			"another time": func(c *connector.Callback) {
				now := strconv.FormatInt(c.At.Unix(), 10)
				c.Body = []byte(strings.Replace(string(c.Body), now, strconv.FormatInt(c.At.Unix()-1, 10), 1))
			},
			"no time": func(c *connector.Callback) {
				c.Body = []byte(strings.Replace(string(c.Body), `"timestamp"`, `"time"`, 1))
			},
			"another token": func(c *connector.Callback) {
				c.Body = []byte(strings.Replace(string(c.Body), `"token": "`, `"token": "x`, 1))
			},
			"a part of the timestamp in the token": func(c *connector.Callback) {
				s := string(c.Body)
				from := strings.Index(s, `"timestamp": "`) + len(`"timestamp": "`)
				last := s[from+9 : from+10]
				s = s[:from+9] + s[from+10:]
				c.Body = []byte(strings.Replace(s, `"token": "`, `"token": "`+last, 1))
			},
			"no token": func(c *connector.Callback) { c.Body = []byte(strings.Replace(string(c.Body), `"token"`, `"tokem"`, 1)) },
		},
		Reports: map[string]ct.Report{
			"accepted":  {Body: event("accepted", ""), Want: []connector.Event{want(connector.EventAccepted)}},
			"delivered": {Body: event("delivered", `, "delivery-status": {"code": 250, "message": "OK", "description": ""}`), Want: []connector.Event{want(connector.EventDelivered)}},
			"no such address": {
				Body: failed("permanent", "bounce", `"code": 550, "enhanced-code": "5.1.1", "message": "5.1.1 The email account that you tried to reach does not exist", "description": "Not delivering"`),
				Want: []connector.Event{hard},
			},
			"a soft bounce": {Body: failed("permanent", "bounce", `"code": 552, "enhanced-code": "5.2.2", "message": "full", "bounce-type": "soft"`), Want: []connector.Event{soft}},
			"blocked":       {Body: failed("permanent", "espblock", `"code": 550, "message": "5.7.1 blocked", "description": null`), Want: []connector.Event{blocked}},
			"over quota":    {Body: failed("temporary", "generic", `"code": 452, "enhanced-code": "4.2.2", "message": "4.2.2 The email account that you tried to reach is over quota", "description": "", "retry-seconds": 600`), Want: []connector.Event{deferred}},
			"given up":      {Body: failed("temporary", "old", `"code": 602, "message": "Too old", "description": null`), Want: []connector.Event{old}},
			"suppressed":    {Body: failed("permanent", "suppress-bounce", `"code": 605, "enhanced-code": "", "message": "", "description": "Not delivering to previously bounced address"`), Want: []connector.Event{want(connector.EventSuppressed)}},
			"rejected":      {Body: event("rejected", `, "reject": {"reason": "Sandbox subdomains are for test purposes only.", "description": "Add a domain"}`), Want: []connector.Event{rejected}},
			"complained":    {Body: event("complained", ""), Want: []connector.Event{want(connector.EventComplained)}},
			"opened":        {Body: event("opened", `, "ip": "192.0.2.1"`), Want: []connector.Event{opened}},
			"no variables": {Body: `{"id": "Fs7-5t81S2ispqxqDw2U4Q", "event": "delivered", "timestamp": 1521472262.908181, "recipient": "ann@example.com",
				"message": {"headers": {"message-id": "<` + accepted + `>"}}}`, Want: []connector.Event{bare}},
			"about no mail": {Body: `{"id": "x", "event": "stored", "timestamp": 1521472262.9}`},
		},
	})
}

func sign(t testing.TB, body []byte, at time.Time) connector.Callback {
	t.Helper()
	return signWith(t, signingKey, body, at)
}

// signWith wraps an event as Mailgun does; what is no JSON goes as it is.
func signWith(t testing.TB, key string, event []byte, at time.Time) connector.Callback {
	t.Helper()
	if !json.Valid(event) {
		return connector.Callback{Header: http.Header{}, Body: event, At: at}
	}
	timestamp, token := strconv.FormatInt(at.Unix(), 10), strings.ToLower(rand.Text())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + token))
	return connector.Callback{Header: http.Header{}, At: at, Body: []byte(`{"signature": {"timestamp": "` + timestamp + `", "token": "` + token +
		`", "signature": "` + hex.EncodeToString(mac.Sum(nil)) + `"}, "event-data": ` + string(event) + `}`)}
}
