package sendgrid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	apiKey   = "SG.abcdefghijklmnopqrstuv.0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	accepted = "14c5d75ce93"
)

func config(endpoint, webhookKey string) json.RawMessage {
	return json.RawMessage(`{"apiKey": "` + apiKey + `", "fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null, "webhookPublicKey": "` + webhookKey + `",
		"endpoint": "` + endpoint + `"}`)
}

// refuse is an error as the mail send API documents it; field may be "".
func refuse(status int, field, words string) ct.Answer {
	one := map[string]any{"message": words, "help": nil, "field": nil}
	if field != "" {
		one["field"] = field
	}
	body, _ := json.Marshal(map[string]any{"errors": []any{one}}) // strings always encode
	return ct.Answer{Status: status, Body: string(body)}
}

// read reads a request as SendGrid does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	var e email
	if r.Method != http.MethodPost || r.Path != "/v3/mail/send" || json.Unmarshal(r.Body, &e) != nil ||
		len(e.Personalizations) != 1 || len(e.Personalizations[0].To) != 1 || e.Tracking.Click.Enable || e.Tracking.Open.Enable {
		t.Errorf("%s %s %s", r.Method, r.Path, r.Body)
		return ct.Mail{}
	}
	to := e.Personalizations[0].To[0]
	m := ct.Mail{From: connector.Mailbox{Name: e.From.Name, Address: e.From.Email}, To: to.Email, Subject: e.Subject}
	if to.Name != "" {
		t.Errorf("the recipient has the name %q", to.Name)
	}
	if e.ReplyTo != nil {
		m.ReplyTo = connector.Mailbox{Name: e.ReplyTo.Name, Address: e.ReplyTo.Email}
	}
	for i, part := range e.Content {
		switch {
		case part.Type == "text/plain" && i == 0:
			m.Text = part.Value
		case part.Type == "text/html":
			m.HTML = part.Value
		default:
			t.Errorf("part %d is %s", i, part.Type)
		}
	}
	return m
}

func TestConformance(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: func(endpoint string) json.RawMessage { return config(endpoint, key.public) }, Secrets: []string{apiKey},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Status: http.StatusAccepted, Header: map[string]string{"X-Message-Id": accepted}}
		},
		ProviderID: accepted,
		AnyAnswer:  true,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "", words) },
		Read:       read,
		Refusals: map[string]ct.Refusal{
			"a wrong key":        {Answer: refuse(401, "", "The provided authorization grant is invalid, expired, or revoked"), Want: connector.ConfigFault},
			"an unknown sender":  {Answer: refuse(403, "from", "The from address does not match a verified Sender Identity."), Want: connector.ConfigFault},
			"a bad sender":       {Answer: refuse(400, "from.email", "Does not contain a valid address."), Want: connector.ConfigFault},
			"a bad recipient":    {Answer: refuse(400, "personalizations.0.to.0.email", "Does not contain a valid address."), Want: connector.Recipient},
			"no content":         {Answer: refuse(400, "content", "Unless a valid template_id is provided, the content parameter is required."), Want: connector.Permanent},
			"too large":          {Answer: refuse(413, "", "The JSON payload you have included in your request is too large."), Want: connector.Permanent},
			"too fast":           {Answer: refuse(429, "", "too many requests"), Want: connector.Throttled},
			"out of order there": {Answer: refuse(500, "", "internal server error"), Want: connector.Temporary},
		},
		Bad: map[string][]string{
			`{"apiKey": null}`:                          {"apiKey: is required"},
			`{"fromEmail": null}`:                       {"fromEmail: is required"},
			`{"fromEmail": "acme"}`:                     {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
			`{"fromName": "Acme\u0000"}`:                {"fromName: must be one line without control characters"},
			`{"replyTo": "x"}`:                          {"replyTo: must be an e-mail address, or a name with one in angle brackets"},
			`{"endpoint": "ftp://api.sendgrid.com"}`:    {"endpoint: must be an https URL without user, query and fragment"},
			`{"endpoint": "https://api.sendgrid.com?"}`: {"endpoint: must be an https URL without user, query and fragment"},
			`{"webhookPublicKey": "AAAA"}`:              {"webhookPublicKey: must be the verification key that the webhook's page shows: a public key in base64"},
			`{"templates": []}`:                         {"templates: must also hold templates for Register, SignIn, ForgotPassword, Generic"},
		},
	})
}

// testKey is a key pair as a webhook has one.
type testKey struct {
	private *ecdsa.PrivateKey
	public  string
}

func newKey(t *testing.T) testKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return testKey{private, base64.StdEncoding.EncodeToString(der)}
}

func (k testKey) sign(t testing.TB, body []byte, at time.Time) connector.Callback {
	t.Helper()
	timestamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256(slices.Concat([]byte(timestamp), body))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	header.Set("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
	return connector.Callback{Header: header, Body: body, At: at}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	event := func(kind, more string) string {
		return `{"event": "` + kind + `", "email": "ann@example.com", "timestamp": 1513299569, "sg_event_id": "e-` + kind + `",
			"sg_message_id": "` + accepted + `.filter0001.16648.5515E0B88.0", "message_id": "m-1", "category": ["SignIn"]` + more + `}`
	}
	want := func(kind connector.EventKind, name string) connector.Event {
		return connector.Event{
			ID: "e-" + name, Kind: kind, MessageID: "m-1", ProviderID: accepted, Recipient: "ann@example.com",
			At: time.Unix(1513299569, 0).UTC(),
		}
	}
	hard, soft := want(connector.EventBounced, "bounce"), want(connector.EventBounced, "bounce")
	hard.Hard, hard.NoAddress, hard.Enhanced, hard.Detail = true, true, "5.1.1", "550 5.1.1 The email account does not exist"
	soft.Enhanced = "5.7.1"
	clicked := want(connector.EventOther, "click")
	clicked.Detail = "click"
	ct.RunEvents(t, ct.EventCase{
		Factory: New(), Config: config("https://api.sendgrid.com", key.public), Secrets: []string{apiKey},
		Sign: key.sign, BodySigned: true, Dated: true,
		Bare: config("https://api.sendgrid.com", ""),
		Forge: map[string]func(*connector.Callback){
			"another key":  func(c *connector.Callback) { *c = other.sign(t, c.Body, c.At) },
			"another time": func(c *connector.Callback) { c.Header.Set("X-Twilio-Email-Event-Webhook-Timestamp", "1513299570") },
			"no base64":    func(c *connector.Callback) { c.Header.Set("X-Twilio-Email-Event-Webhook-Signature", "!") },
		},
		Reports: map[string]ct.Report{
			"a batch": {
				Body: "[" + event("processed", "") + "," + event("deferred", `, "response": "400 try again later", "attempt": "5"`) + "," +
					event("delivered", `, "response": "250 OK"`) + "]",
				Want: []connector.Event{
					want(connector.EventAccepted, "processed"), want(connector.EventDeferred, "deferred"), want(connector.EventDelivered, "delivered"),
				},
			},
			"no such address": {
				Body: "[" + event("bounce", `, "type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address",
					"reason": "550 5.1.1 The email account does not exist"`) + "]", Want: []connector.Event{hard},
			},
			"blocked": {Body: "[" + event("bounce", `, "type": "blocked", "status": "5.7.1", "reason": "blocked"`) + "]", Want: []connector.Event{soft}},
			"dropped": {
				Body: "[" + event("dropped", `, "reason": "Bounced Address"`) + "," + event("dropped", `, "reason": "Invalid SMTPAPI header"`) + "]",
				Want: []connector.Event{want(connector.EventSuppressed, "dropped"), want(connector.EventRejected, "dropped")},
			},
			"complained": {Body: "[" + event("spamreport", "") + "]", Want: []connector.Event{want(connector.EventComplained, "spamreport")}},
			"clicked":    {Body: "[" + event("click", `, "url": "https://example.com"`) + "]", Want: []connector.Event{clicked}},
			"an account": {Body: `[{"event": "account_status_change", "timestamp": 1513299569, "sg_event_id": "a"}]`},
		},
	})
}
