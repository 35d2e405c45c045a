package oauth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, nil)
	s := source(t, e.URL, ClientCredentials{ClientID: "client", ClientSecret: clientSecret, Scope: "a/.default"})
	if token, fresh := must(t, s, ""); token != "access-1" || !fresh {
		t.Errorf("%q, fresh %v", token, fresh)
	}
	if token, fresh := must(t, s, ""); token != "access-1" || fresh {
		t.Errorf("the second time: %q, fresh %v", token, fresh)
	}
	same(t, e.form(0), map[string]string{
		"grant_type": "client_credentials", "client_id": "client", "client_secret": clientSecret, "scope": "a/.default",
	})
}

// TestRefreshTokenTurns: an endpoint may give another refresh token with each
// access token (RFC 6749 section 6), and the old one ends.
func TestRefreshTokenTurns(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, func(n int64, _ ct.Request) ct.Answer {
		return ct.Answer{Body: fmt.Sprintf(`{"access_token": "access-%d", "token_type": "Bearer", "refresh_token": "next-%d"}`, n, n)}
	})
	s := source(t, e.URL, RefreshToken{ClientID: "client", Token: refreshToken})
	token := ""
	for range 3 {
		token, _ = must(t, s, token)
	}
	if token != "access-3" {
		t.Errorf("token %q", token)
	}
	for n, want := range []string{refreshToken, "next-1", "next-2"} {
		same(t, e.form(n), map[string]string{"grant_type": "refresh_token", "refresh_token": want, "client_id": "client"})
	}
}

// TestAssertion checks the assertion (RFC 7523) as the endpoint would.
func TestAssertion(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for _, keyID := range []string{"", "key-1"} {
		e := newEndpoint(t, nil)
		s := source(t, e.URL, Assertion{
			Key: key, KeyID: keyID, Issuer: "service@project.example", Subject: "ann@example.com", Scope: "mail", Audience: e.URL,
		})
		s.now = func() time.Time { return time.Unix(1_700_000_000, 0) }
		must(t, s, "")
		form := e.form(0)
		assertion := form.Get("assertion")
		same(t, form, map[string]string{"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion})
		header, claims := verify(t, assertion, &key.PublicKey)
		if kid, _ := header["kid"].(string); kid != keyID || header["alg"] != "RS256" || header["typ"] != "JWT" {
			t.Errorf("header %v", header)
		}
		for name, want := range map[string]any{
			"iss": "service@project.example", "sub": "ann@example.com", "scope": "mail", "aud": e.URL,
			"iat": 1_700_000_000.0, "exp": 1_700_003_600.0,
		} {
			if claims[name] != want {
				t.Errorf("%s: %v, want %v", name, claims[name], want)
			}
		}
		if !strings.Contains(strings.Join(s.Secrets(), " "), assertion) {
			t.Error("the assertion is no secret")
		}
	}
}

func verify(t *testing.T, jwt string, key *rsa.PublicKey) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		t.Errorf("signature: %v", err)
	}
	for i, into := range []any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) connector.Secret {
		return connector.Secret(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for _, text := range []connector.Secret{block("PRIVATE KEY", pkcs8), block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))} {
		if got, err := ParseKey(text); err != nil || !got.Equal(key) {
			t.Errorf("a key is not read: %v", err)
		}
	}
	for _, text := range []connector.Secret{"", "PRIVATE", block("PRIVATE KEY", []byte("nothing")), block("PUBLIC KEY", pkcs8[:40])} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%q is a key", text.Reveal())
		}
	}
}

func TestValidURL(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"https://oauth2.googleapis.com/token": true, "http://127.0.0.1:1234": true, "http://localhost/token": true, "http://[::1]:80/": true,
		"http://id.example.com/token": false, "https://u:p@id.example.com": false, "ftp://id.example.com": false, "https://": false,
		"": false, "token": false, "http://127.0.0.1.example.com": false, "http://192.168.0.1": false,
	} {
		if ValidURL(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
