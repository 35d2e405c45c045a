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
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
)

// Grant is what a token endpoint gives access tokens for: a RefreshToken, the
// ClientCredentials or an Assertion.
type Grant interface {
	// ask makes the request's parameters. latest is the refresh token that
	// came with the last access token, or "".
	ask(now time.Time, latest string) (asking, error)
	// secrets lists what no text may show.
	secrets() []string
}

// asking are the parameters of one request for a token.
type asking struct {
	clientID, clientSecret string
	form                   url.Values
	secret                 string // in the form, made for this request; or ""
}

// RefreshToken is the grant of RFC 6749 section 6. A new refresh token that
// comes with an access token takes the place of the one given.
type RefreshToken struct {
	ClientID     string
	ClientSecret connector.Secret // "" for a public client
	Token        connector.Secret
}

func (g RefreshToken) ask(_ time.Time, latest string) (asking, error) {
	if latest == "" {
		latest = g.Token.Reveal()
	}
	return asking{
		clientID: g.ClientID, clientSecret: g.ClientSecret.Reveal(),
		form: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {latest}},
	}, nil
}

func (g RefreshToken) secrets() []string { return []string{g.ClientSecret.Reveal(), g.Token.Reveal()} }

// ClientCredentials is the grant of RFC 6749 section 4.4: the client asks in
// its own name.
type ClientCredentials struct {
	ClientID     string
	ClientSecret connector.Secret
	Scope        string // "" for the endpoint's default
}

func (g ClientCredentials) ask(time.Time, string) (asking, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if g.Scope != "" {
		form.Set("scope", g.Scope)
	}
	return asking{clientID: g.ClientID, clientSecret: g.ClientSecret.Reveal(), form: form}, nil
}

func (g ClientCredentials) secrets() []string { return []string{g.ClientSecret.Reveal()} }

// Assertion is the grant of RFC 7523 section 2.1: a JWT signed with RS256, as
// service accounts of Google have it
// (https://developers.google.com/identity/protocols/oauth2/service-account).
type Assertion struct {
	Key      *rsa.PrivateKey
	KeyID    string // names the key in the header; "" for no name
	Issuer   string // the service account
	Subject  string // the user in whose name it acts
	Scope    string
	Audience string // the token endpoint
}

// assertionLife is the longest that Google takes.
const assertionLife = time.Hour

func (g Assertion) ask(now time.Time, _ string) (asking, error) {
	assertion, err := g.sign(now)
	return asking{
		form:   url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}},
		secret: assertion,
	}, err
}

func (Assertion) secrets() []string { return nil } // a key has many forms; whoever read it knows its text

// sign makes the JWT (RFC 7515 section 7.1).
func (g Assertion) sign(now time.Time) (string, error) {
	header := map[string]string{"alg": "RS256", "typ": "JWT"}
	if g.KeyID != "" {
		header["kid"] = g.KeyID
	}
	claims := map[string]any{
		"iss": g.Issuer, "sub": g.Subject, "scope": g.Scope, "aud": g.Audience,
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	}
	var parts []string
	for _, part := range []any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("write the assertion: %w", err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	text := strings.Join(parts, ".")
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, g.Key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign the assertion: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// ParseKey reads an RSA private key in PEM form: PKCS #8, or PKCS #1. The
// error repeats nothing of it.
func ParseKey(text connector.Secret) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text.Reveal()))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if key, ok := key.(*rsa.PrivateKey); ok {
			return key, nil
		}
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, errors.New("no RSA private key")
}

// ValidURL reports whether secrets may be sent to a token endpoint: over TLS,
// or to this machine.
func ValidURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}
