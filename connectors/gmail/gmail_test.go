package gmail

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	account  = "postern@project-1.iam.gserviceaccount.com"
	keyID    = "0123456789abcdef0123456789abcdef01234567"
	accepted = "18c2f4a5b6d7e8f9"
)

// newKey returns a private key and its PEM.
func newKey(t *testing.T) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// file is a key file as Google makes it.
func file(t testing.TB, key, tokenURI string) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "project-1", "private_key_id": keyID, "private_key": key,
		"client_email": account, "client_id": "123456789012345678901",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": tokenURI,
		"auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs", "universe_domain": "googleapis.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func config(t testing.TB, key, endpoint string) json.RawMessage {
	t.Helper()
	return json.RawMessage(`{"serviceAccountKey": ` + file(t, key, endpoint+"/token") + `,
		"fromEmail": "no-reply@auth.example.com", "fromName": "Acme",
		"replyTo": "help@example.com", "headers": {"X-Team": "sign-in"}, "templates": null, "endpoint": "` + endpoint + `"}`)
}

// asks tells the requests for a token.
func asks(r ct.Request) bool { return r.Path == "/token" }

// refuse is an error as
// https://developers.google.com/workspace/gmail/api/guides/handle-errors has it.
func refuse(status int, reason, words string) ct.Answer {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{ // strings always encode
		"code": status, "message": words, "status": strings.ToUpper(reason),
		"errors": []any{map[string]any{"domain": "global", "reason": reason, "message": words}},
	}})
	return ct.Answer{Status: status, Body: string(body)}
}

// rawMail is the mail in a request.
func rawMail(r ct.Request) ([]byte, error) {
	var s sending
	if err := json.Unmarshal(r.Body, &s); err != nil {
		return nil, err
	}
	return base64.URLEncoding.DecodeString(s.Raw)
}

// read reads a request as Gmail does.
func read(t testing.TB, r ct.Request) ct.Mail {
	t.Helper()
	raw, err := rawMail(r)
	if err != nil || r.Method != http.MethodPost || r.Path != "/gmail/v1/users/me/messages/send" {
		t.Errorf("%s %s %s: %v", r.Method, r.Path, r.Body, err)
		return ct.Mail{}
	}
	m, err := ct.ParseMail(raw)
	if err != nil {
		t.Error(err)
	}
	return m
}

func conformance(t *testing.T, key string) ct.HTTPCase {
	t.Helper()
	return ct.HTTPCase{
		Factory: factory(func() time.Time { return time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC) }),
		Config:  func(endpoint string) json.RawMessage { return config(t, key, endpoint) }, Secrets: []string{key, keyID},
		Sender: connector.Mailbox{Name: "Acme", Address: "no-reply@auth.example.com"},
		Accept: func(ct.Request) ct.Answer {
			return ct.Answer{Body: `{"id": "` + accepted + `", "threadId": "` + accepted + `", "labelIds": ["SENT"]}`}
		},
		ProviderID: accepted,
		Refuse:     func(status int, words string) ct.Answer { return refuse(status, "backendError", words) },
		Read:       read,
		Other:      func(r ct.Request) (ct.Answer, bool) { return ct.TokenAnswer("token-of-the-test", 3599), asks(r) },
		Shown: func(r ct.Request) string {
			raw, _ := rawMail(r) // what is no mail does not look like one
			return "{\"raw\": base64url of\n\n" + strings.ReplaceAll(string(raw), "\r\n", "\n") + "}"
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	_, key := newKey(t)
	c := conformance(t, key)
	c.Refusals = map[string]ct.Refusal{
		"a bad token":        {Answer: refuse(401, "authError", "Invalid Credentials"), Want: connector.ConfigFault},
		"no delegation":      {Answer: refuse(403, "insufficientPermissions", "Request had insufficient authentication scopes."), Want: connector.ConfigFault},
		"another user":       {Answer: refuse(403, "forbidden", "Delegation denied for no-reply@auth.example.com"), Want: connector.ConfigFault},
		"API not enabled":    {Answer: refuse(403, "accessNotConfigured", "Gmail API has not been used in project 1 before or it is disabled."), Want: connector.ConfigFault},
		"not allowed":        {Answer: refuse(403, "domainPolicy", "The domain administrators have disabled Gmail apps."), Want: connector.ConfigFault},
		"no mailbox":         {Answer: refuse(400, "failedPrecondition", "Mail service not enabled"), Want: connector.ConfigFault},
		"a bad recipient":    {Answer: refuse(400, "invalidArgument", "Invalid To header"), Want: connector.Recipient},
		"no recipient":       {Answer: refuse(400, "invalidArgument", "Recipient address required"), Want: connector.Recipient},
		"another argument":   {Answer: refuse(400, "invalidArgument", "Invalid Reply-To header"), Want: connector.Permanent},
		"too fast":           {Answer: refuse(403, "rateLimitExceeded", "Rate Limit Exceeded"), Want: connector.Throttled},
		"the user too fast":  {Answer: refuse(403, "userRateLimitExceeded", "User Rate Limit Exceeded"), Want: connector.Throttled},
		"the day's limit":    {Answer: refuse(403, "dailyLimitExceeded", "Daily Limit Exceeded"), Want: connector.Throttled},
		"too many":           {Answer: refuse(429, "userRateLimitExceeded", "User-rate limit exceeded. (Mail sending)"), Want: connector.Throttled},
		"out of order there": {Answer: refuse(500, "backendError", "Backend Error"), Want: connector.Temporary},
		"without reasons":    {Answer: ct.Answer{Status: 400, Body: `{"error": {"code": 400, "message": "Invalid To header", "status": "INVALID_ARGUMENT"}}`}, Want: connector.Recipient},
	}
	with := func(member, value string) string {
		var f map[string]any
		if err := json.Unmarshal([]byte(file(t, key, "https://oauth2.googleapis.com/token")), &f); err != nil {
			t.Fatal(err)
		}
		f[member] = value
		text, err := json.Marshal(map[string]any{"serviceAccountKey": f})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const noFile = "serviceAccountKey: must be the JSON file of a service account's key"
	c.Bad = map[string][]string{
		`{"serviceAccountKey": null}`:                             {"serviceAccountKey: is required"},
		`{"serviceAccountKey": {}}`:                               {"serviceAccountKey: must not be empty"},
		`{"serviceAccountKey": ""}`:                               {"serviceAccountKey: must not be empty"},
		`{"serviceAccountKey": "AIzaSyA"}`:                        {noFile},
		`{"serviceAccountKey": ["a"]}`:                            {noFile},
		`{"serviceAccountKey": {"type": 1}}`:                      {noFile},
		`{"serviceAccountKey": "{\"type\": \"service_account\""}`: {noFile},
		with("type", "authorized_user"):                           {"serviceAccountKey.type: must be service_account: the file is of another kind of credentials"},
		with("client_email", ""):                                  {"serviceAccountKey.client_email: is required"},
		with("private_key", "secret"):                             {"serviceAccountKey.private_key: must be an RSA private key in PEM form"},
		with("token_uri", "http://oauth2.googleapis.com/token"):   {"serviceAccountKey.token_uri: must be an https URL"},
		`{"fromEmail": null}`:                                     {"fromEmail: is required"},
		`{"fromEmail": "acme"}`:                                   {"fromEmail: must be an e-mail address, or a name with one in angle brackets"},
		`{"fromName": "Acme\r\nBcc: x@y.example"}`:                {"fromName: must be one line without control characters"},
		`{"endpoint": "http://gmail.googleapis.com"}`:             {"endpoint: must be an https URL without user, query and fragment"},
		`{"headers": {"Message-ID": "x"}}`:                        {"headers.Message-ID: is not a header that may be set: Message-Id is set by the service itself"},
		`{"apiKey": "x"}`:                                         {"apiKey: is not a known key"},
	}
	ct.RunHTTP(t, c)
}

func TestTokens(t *testing.T) {
	t.Parallel()
	_, key := newKey(t)
	ct.RunTokens(t, conformance(t, key), asks)
}

// TestTokenRequest: the account asks with a signed assertion for the right to
// send as the user, and for no more.
func TestTokenRequest(t *testing.T) {
	t.Parallel()
	key, text := newKey(t)
	c := conformance(t, text)
	p := ct.NewProvider(t, func(r ct.Request) ct.Answer {
		if a, ok := c.Other(r); ok {
			return a
		}
		return c.Accept(r)
	})
	asObject := config(t, text, p.URL)
	var given map[string]any
	if err := json.Unmarshal(asObject, &given); err != nil {
		t.Fatal(err)
	}
	given["serviceAccountKey"] = file(t, text, p.URL+"/token")
	asText, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	for _, settings := range []json.RawMessage{asObject, asText} {
		before := len(p.Requests())
		if _, err := ct.Open(t, New(), settings, connector.Host{}).Send(t.Context(), ct.Sample()); err != nil {
			t.Fatal(err)
		}
		requests := p.Requests()[before:]
		if len(requests) != 2 || requests[1].Header.Get("Authorization") != "Bearer token-of-the-test" {
			t.Fatalf("%d requests", len(requests))
		}
		form := requests[0].Form()
		if got := form.Get("grant_type"); got != "urn:ietf:params:oauth:grant-type:jwt-bearer" || len(form) != 2 {
			t.Errorf("grant_type %q, %d parameters", got, len(form))
		}
		header, claims := verify(t, form.Get("assertion"), &key.PublicKey)
		if header["kid"] != keyID || header["alg"] != "RS256" {
			t.Errorf("header %v", header)
		}
		for name, want := range map[string]any{
			"iss": account, "sub": "no-reply@auth.example.com", "aud": p.URL + "/token",
			"scope": "https://www.googleapis.com/auth/gmail.send",
		} {
			if claims[name] != want {
				t.Errorf("%s: %v, want %v", name, claims[name], want)
			}
		}
	}
}

// verify reads a JWT (RFC 7519) as the token endpoint does.
func verify(t *testing.T, jwt string, key *rsa.PublicKey) (header, claims map[string]any) {
	t.Helper()
	signed := jwt[:max(0, strings.LastIndexByte(jwt, '.'))]
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	sum := sha256.Sum256([]byte(signed))
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw[2]); err != nil {
		t.Error(err)
	}
	for i, into := range []any{&header, &claims} {
		if err := json.Unmarshal(raw[i], into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// TestKeyIsMasked: nothing of the file is shown, whichever way it is given,
// and it comes back.
func TestKeyIsMasked(t *testing.T) {
	t.Parallel()
	_, key := newKey(t)
	asObject := file(t, key, "https://oauth2.googleapis.com/token")
	quoted, err := json.Marshal(asObject)
	if err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{asObject, string(quoted)} {
		stored := json.RawMessage(`{"serviceAccountKey": ` + given + `, "fromEmail": "no-reply@auth.example.com"}`)
		masked, err := New().Mask(stored)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{account, keyID, "PRIVATE KEY", "project-1", "googleapis.com"} {
			if strings.Contains(string(masked), part) {
				t.Errorf("%s is shown: %s", part, masked)
			}
		}
		back, err := New().Unmask(masked, stored)
		if err != nil {
			t.Fatal(err)
		}
		if err := New().Check(back); err != nil || !strings.Contains(string(back), keyID) {
			t.Errorf("the key did not come back: %v", err)
		}
	}
	for _, item := range New().Form() {
		if item.Key == "serviceAccountKey" && !item.IsConfidential {
			t.Error("the form does not know that the key is confidential")
		}
	}
}

// TestEncodedMailIsNotRepeated: a refusal that repeats the request shows
// nothing of the mail, although it is encoded twice there.
func TestEncodedMailIsNotRepeated(t *testing.T) {
	t.Parallel()
	_, key := newKey(t)
	c := conformance(t, key)
	var raw string
	p := ct.NewProvider(t, func(r ct.Request) ct.Answer {
		if a, ok := c.Other(r); ok {
			return a
		}
		raw = string(r.Body)
		return refuse(http.StatusBadRequest, "invalidArgument", "the mail is "+raw[2000:2200])
	})
	m := ct.Sample()
	m.Text = strings.Repeat("Žluťoučký kůň — 漢字 ", 100)
	_, err := ct.Open(t, New(), config(t, key, p.URL), connector.Host{}).Send(t.Context(), m)
	e := ct.CheckError(t, err, key)
	for at := 0; at+20 <= len(raw); at++ {
		if strings.Contains(e.Message, raw[at:at+20]) {
			t.Fatalf("%q repeats the mail", e.Message)
		}
	}
	if !strings.Contains(e.Message, "the mail is") {
		t.Errorf("%q does not hold the provider's words", e.Message)
	}
}

// TestAddressInUTF8: Gmail takes mails with addresses beyond ASCII (RFC 6532).
func TestAddressInUTF8(t *testing.T) {
	t.Parallel()
	_, key := newKey(t)
	c := conformance(t, key)
	p := ct.NewProvider(t, func(r ct.Request) ct.Answer {
		if a, ok := c.Other(r); ok {
			return a
		}
		return c.Accept(r)
	})
	m := ct.Sample()
	m.To = "änn@example.com"
	if _, err := ct.Open(t, New(), config(t, key, p.URL), connector.Host{}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := read(t, p.Requests()[1]); got.To != m.To {
		t.Errorf("to %s", got.To)
	}
}
