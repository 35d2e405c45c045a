package httpemail

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	token         = "tok_Zm9vYmFyYmF6cXV4"
	signingSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	queryKey      = "k3y-in-the-query"
)

func config(endpoint string) json.RawMessage {
	return json.RawMessage(`{"endpoint": "` + endpoint + `/send?key=` + queryKey + `", "authorization": "Bearer ` + token + `",
		"signingSecret": "` + signingSecret + `"}`)
}

// read reads a request as an endpoint does that checks everything.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Verify(r.Body, r.Header); err != nil {
		t.Errorf("the signature is not right: %v", err)
	}
	if key := r.Header.Get("Idempotency-Key"); key == "" || key != r.Header.Get("webhook-id") {
		t.Errorf("idempotency key %q, webhook-id %q", key, r.Header.Get("webhook-id"))
	}
	var c call
	decoder := json.NewDecoder(strings.NewReader(string(r.Body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil || r.Method != http.MethodPost || r.Path != "/send?key="+queryKey ||
		r.Header.Get("Authorization") != "Bearer "+token {
		t.Errorf("%s %s %s: %v", r.Method, r.Path, r.Body, err)
	}
	return ct.Mail{To: c.To, Type: c.Type, Payload: c.Payload}
}

// refuse is an error as many endpoints have it.
func refuse(status int, words string) ct.Answer {
	body, _ := json.Marshal(map[string]string{"message": words}) // strings always encode
	return ct.Answer{Status: status, Body: string(body)}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	const badURL = "endpoint: must be an https or http URL without user and fragment"
	const badSecret = "signingSecret: must be whsec_ and 24 to 64 random bytes in base64"
	plain := func(status int, words string) ct.Answer {
		return ct.Answer{Status: status, Header: map[string]string{"Content-Type": "text/plain; charset=utf-8"}, Body: words}
	}
	ct.RunHTTP(t, ct.HTTPCase{
		Factory: New(), Config: config, Secrets: []string{token, signingSecret},
		Lacks:     []ct.Feature{ct.SenderName, ct.SenderAddress, ct.ReplyTo},
		Accept:    func(ct.Request) ct.Answer { return ct.Answer{Status: http.StatusNoContent} },
		AnyAnswer: true,
		Refuse:    refuse,
		Read:      read,
		Unsigned:  []string{"Webhook-Timestamp", "Webhook-Signature"},
		Refusals: map[string]ct.Refusal{
			"not authorized":   {Answer: plain(401, "no"), Want: connector.ConfigFault},
			"a bad request":    {Answer: refuse(400, "type is not known"), Want: connector.Permanent},
			"gone":             {Answer: plain(410, "the service has moved"), Want: connector.Permanent},
			"too fast":         {Answer: plain(429, "slow down"), Want: connector.Throttled},
			"a broken gateway": {Answer: ct.Answer{Status: 502, Body: "<html>Bad Gateway</html>"}, Want: connector.Temporary},
		},
		Bad: map[string][]string{
			`{"endpoint": null}`:                              {"endpoint: is required"},
			`{"endpoint": " "}`:                               {"endpoint: must not be empty"},
			`{"endpoint": "mail.example.com/send"}`:           {badURL},
			`{"endpoint": "ftp://mail.example.com/send"}`:     {badURL},
			`{"endpoint": "https://u:p@mail.example.com/"}`:   {badURL},
			`{"endpoint": "https://mail.example.com/#x"}`:     {badURL},
			`{"endpoint": "https://mail.example.com/a b"}`:    {badURL},
			`{"endpoint": "https://mail.example.com/?a=b c"}`: {badURL},
			`{"endpoint": "https:///send"}`:                   {badURL},
			`{"authorization": "Bearer x\r\nX-Y: z"}`:         {"authorization: must be one line without control characters"},
			`{"authorization": {"token": "x"}}`:               {"authorization: must be a string"},
			`{"signingSecret": "secret"}`:                     {badSecret},
			`{"signingSecret": "whsec_c2hvcnQ="}`:             {badSecret},
			`{"templates": []}`:                               {"templates: is not a known key"},
			`{"endpoint": "x", "signingSecret": "whsec_"}`:    {badURL, badSecret},
		},
	})
}

// The configs of Logto's connector of this name, and an endpoint within a
// network of one's own.
func TestPlainConfigs(t *testing.T) {
	t.Parallel()
	for _, config := range []string{
		`{"endpoint": "https://mail.example.com/send"}`,
		`{"endpoint": "http://mailer.internal:8080", "authorization": "Basic dXNlcjpwYXNz"}`,
		`{"endpoint": "https://mail.example.com/send?code=abc%3D%3D&x=1", "signingSecret": ""}`,
	} {
		if err := New().Check(json.RawMessage(config)); err != nil {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// Without keys nothing is signed, and the words of an endpoint in plain text
// reach the operator without what must stay hidden, a key in the query too.
func TestWithoutKeys(t *testing.T) {
	t.Parallel()
	provider := ct.NewProvider(t, func(r ct.Request) ct.Answer {
		return ct.Answer{Status: 400, Header: map[string]string{"Content-Type": "text/plain"}, Body: "not this: " + r.Path + string(r.Body)}
	})
	opened := ct.Open(t, New(), json.RawMessage(`{"endpoint": "`+provider.URL+`/?key=`+queryKey+`"}`), connector.Host{})
	m := ct.Sample()
	m.HTML, m.Text = "", ""
	_, err := opened.Send(t.Context(), m)
	code, _ := m.Payload["code"].(string)
	e := ct.CheckError(t, err, queryKey, code, strings.TrimSuffix(m.To, "@example.com"))
	if !strings.Contains(e.Message, "not this: ") {
		t.Errorf("%q does not hold the endpoint's words", e.Message)
	}
	for _, r := range provider.Requests() {
		for _, name := range []string{"Authorization", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
			if r.Header.Get(name) != "" {
				t.Errorf("the header %s is there", name)
			}
		}
	}
}
