package awsses

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([a-z0-9-]+)/(\w+)/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// signed fails the test unless a request for this host is signed with a key,
// by signature version 4 as
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// tells step by step. AWS's library has no part in this.
func signed(t *testing.T, r ct.Request, host, service, id, secret, token string) {
	t.Helper()
	parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil {
		t.Fatalf("Authorization: %s", r.Header.Get("Authorization"))
	}
	date, names := r.Header.Get("X-Amz-Date"), strings.Split(parts[5], ";")
	if parts[1] != id || parts[2] != date[:8] || parts[3] != "eu-central-1" || parts[4] != service {
		t.Errorf("scope %s/%s/%s/%s on %s", parts[1], parts[2], parts[3], parts[4], date)
	}
	must := []string{"host", "x-amz-date", "content-type", "content-length"}
	if token != "" {
		must = append(must, "x-amz-security-token")
	}
	for _, name := range must {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not signed", name)
		}
	}
	if got := r.Header.Get("X-Amz-Security-Token"); got != token {
		t.Errorf("session token %q", got)
	}
	if got := signature(r, host, secret, date, parts[2]+"/"+parts[3]+"/"+parts[4]+"/aws4_request", names); got != parts[6] {
		t.Errorf("signature %s, want %s", parts[6], got)
	}
}

func signature(r ct.Request, host, secret, date, scope string, names []string) string {
	path, query, _ := strings.Cut(r.Path, "?")
	canonical := r.Method + "\n" + path + "\n" + query + "\n"
	for _, name := range names {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = host
		}
		canonical += name + ":" + strings.TrimSpace(value) + "\n"
	}
	canonical += "\n" + strings.Join(names, ";") + "\n" + hash(string(r.Body))
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = sum(key, part)
	}
	return hex.EncodeToString(sum(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hash(canonical)))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func TestSignature(t *testing.T) {
	t.Parallel()
	for name, m := range ct.Fixtures() {
		p := ct.NewProvider(t, accept)
		if _, err := ct.Open(t, New(), config(p.URL), connector.Host{}).Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			signed(t, p.Requests()[0], strings.TrimPrefix(p.URL, "http://"), "ses", keyID, keySecret, sessionToken)
		})
	}
	p := ct.NewProvider(t, accept)
	plain := json.RawMessage(`{"accessKeyId": "` + keyID + `", "accessKeySecret": "` + keySecret + `", "region": "eu-central-1",
		"emailAddress": "no-reply@example.com", "endpoint": "` + p.URL + `/gateway/"}`)
	if _, err := ct.Open(t, New(), plain, connector.Host{}).Send(t.Context(), ct.Sample()); err != nil {
		t.Fatal(err)
	}
	r := p.Requests()[0]
	if r.Path != "/gateway/v2/email/outbound-emails" {
		t.Error(r.Path)
	}
	signed(t, r, strings.TrimPrefix(p.URL, "http://"), "ses", keyID, keySecret, "")
}
