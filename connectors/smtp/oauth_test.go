package smtp

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	refreshToken = "refresh-token-of-the-test"
	clientSecret = "client-secret-of-the-test"
)

// endpoint is a token endpoint. It hands out numbered tokens.
type endpoint struct {
	*httptest.Server
	asked atomic.Int64
	forms chan map[string][]string
	// answer, if set, takes the place of the token.
	answer func(w http.ResponseWriter, r *http.Request)
	life   int // of a token, in seconds
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{forms: make(chan map[string][]string, 1000), life: 3600}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := e.asked.Add(1)
		if err := r.ParseForm(); err != nil {
			t.Errorf("form: %v", err)
		}
		e.forms <- r.PostForm
		if e.answer != nil {
			e.answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "access-%d", "token_type": "Bearer", "expires_in": %d}`, n, e.life)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) auth() object {
	return object{
		"type": "oauth2", "user": user, "clientId": "client", "clientSecret": clientSecret,
		"refreshToken": refreshToken, "accessUrl": e.URL,
	}
}

// tokenServer is a mail server that takes these tokens.
func tokenServer(t *testing.T, good func(string) bool) *ct.SMTPServer {
	t.Helper()
	return ct.NewSMTPServer(t, ct.SMTPOptions{Auth: []string{"PLAIN", "XOAUTH2"}, User: user, Token: good})
}

// oneEach are settings under which every mail signs in anew.
func oneEach(auth object) object {
	return object{"auth": auth, "pool": object{"maxMessages": 1}}
}

func TestRefreshToken(t *testing.T) {
	t.Parallel()
	tokens := newEndpoint(t)
	server := tokenServer(t, func(s string) bool { return s == "access-1" })
	c := opened(t, server.Host, server.Port, oneEach(tokens.auth()))
	for range 3 {
		mustSend(t, c)
	}
	if n := tokens.asked.Load(); n != 1 {
		t.Errorf("%d tokens for 3 sign-ins, want 1", n)
	}
	form := <-tokens.forms
	for key, want := range map[string]string{
		"grant_type": "refresh_token", "refresh_token": refreshToken,
		"client_id": "client", "client_secret": clientSecret,
	} {
		if got := form[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// TestTokenExpires: a token that lives for less than the leeway is never used
// twice.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	tokens := newEndpoint(t)
	tokens.life = 30
	server := tokenServer(t, func(s string) bool { return strings.HasPrefix(s, "access-") })
	c := opened(t, server.Host, server.Port, oneEach(tokens.auth()))
	for range 3 {
		mustSend(t, c)
	}
	if n := tokens.asked.Load(); n != 3 {
		t.Errorf("%d tokens for 3 sign-ins, want 3", n)
	}
}

// TestOneRefreshForAll: mails that find no token wait for the one that
// fetches it.
func TestOneRefreshForAll(t *testing.T) {
	t.Parallel()
	tokens := newEndpoint(t)
	server := tokenServer(t, func(s string) bool { return s == "access-1" })
	c := opened(t, server.Host, server.Port, object{"auth": tokens.auth(), "pool": object{"maxConnections": 16}})
	var sends sync.WaitGroup
	for range 16 {
		sends.Go(func() {
			if _, err := c.Send(t.Context(), ct.Sample()); err != nil {
				t.Errorf("Send: %v", err)
			}
		})
	}
	sends.Wait()
	if n := tokens.asked.Load(); n != 1 {
		t.Errorf("%d tokens, want 1", n)
	}
}

// TestRefusedTokenIsReplaced: the server ends a token before its time. The
// attempt fetches another, once.
func TestRefusedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	tokens := newEndpoint(t)
	var good atomic.Value
	good.Store("access-1")
	server := tokenServer(t, func(s string) bool { return s == good.Load() })
	auth := tokens.auth()
	auth["accessToken"] = "long-gone"
	c := opened(t, server.Host, server.Port, oneEach(auth))
	mustSend(t, c) // long-gone is refused, access-1 taken
	good.Store("access-2")
	mustSend(t, c)
	good.Store("none")
	e := fails(t, c, ct.Sample()) // access-2 and access-3 are refused
	if e.Class != connector.ConfigFault || e.Status != 535 {
		t.Errorf("class %s, status %d (%v); want config, 535", e.Class, e.Status, e)
	}
	if n := tokens.asked.Load(); n != 3 {
		t.Errorf("%d tokens, want 3", n)
	}
}

func TestBareAccessToken(t *testing.T) {
	t.Parallel()
	server := tokenServer(t, func(s string) bool { return s == "bare-token" })
	mustSend(t, opened(t, server.Host, server.Port, object{"auth": object{"user": user, "accessToken": "bare-token"}}))
	ended := object{"user": user, "accessToken": "bare-token", "expires": 1}
	e := fails(t, opened(t, server.Host, server.Port, object{"auth": ended}), ct.Sample())
	if e.Class != connector.ConfigFault || !strings.Contains(e.Message, "expired") {
		t.Errorf("class %s (%v), want config", e.Class, e)
	}
}

// TestServiceKey checks the assertion (RFC 7523) as the endpoint would.
func TestServiceKey(t *testing.T) {
	t.Parallel()
	key := rsaKey(t, 2048)
	tokens := newEndpoint(t)
	server := tokenServer(t, func(s string) bool { return s == "access-1" })
	mustSend(t, opened(t, server.Host, server.Port, object{"auth": object{
		"type": "OAuth2", "user": user, "serviceClient": "service@project.example", "privateKey": pkcs8(t, key),
		"accessUrl": tokens.URL,
	}}))
	form := <-tokens.forms
	if got := form["grant_type"]; len(got) != 1 || got[0] != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		t.Errorf("grant_type %q", got)
	}
	claims := verifyJWT(t, form["assertion"][0], &key.PublicKey)
	for name, want := range map[string]any{
		"iss": "service@project.example", "sub": user, "scope": "https://mail.google.com/", "aud": tokens.URL,
	} {
		if claims[name] != want {
			t.Errorf("%s: %v, want %v", name, claims[name], want)
		}
	}
	issued, _ := claims["iat"].(float64)
	ends, _ := claims["exp"].(float64)
	if ends-issued != 3600 || issued == 0 {
		t.Errorf("from %v to %v, want an hour", issued, ends)
	}
}

func verifyJWT(t *testing.T, jwt string, key *rsa.PublicKey) map[string]any {
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
	var claims map[string]any
	for i, into := range []any{&map[string]string{}, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return claims
}

// TestBadEndpoint: what a failing token endpoint means for the mail. The
// endpoint repeats the secrets that it got.
func TestBadEndpoint(t *testing.T) {
	t.Parallel()
	refuse := func(status int, body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(strings.ReplaceAll(body, "FORM", r.PostForm.Encode())))
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		class  connector.Class
		text   string
	}{
		"the token was revoked": {refuse(400, `{"error": "invalid_grant", "error_description": "revoked: FORM"}`), connector.ConfigFault, "invalid_grant: revoked"},
		"an unknown client":     {refuse(401, `{"error": "invalid_client"}`), connector.ConfigFault, "401 invalid_client"},
		"refused with 200":      {refuse(200, `{"error": "invalid_grant"}`), connector.ConfigFault, "invalid_grant"},
		"no JSON":               {refuse(403, `<html>FORM</html>`), connector.ConfigFault, "403"},
		"a redirect":            {refuse(307, `FORM`), connector.ConfigFault, "307"},
		"slow down":             {refuse(429, `{}`), connector.Throttled, "429"},
		"down":                  {refuse(503, `FORM`), connector.Temporary, "503"},
		"not now":               {refuse(400, `{"error": "temporarily_unavailable"}`), connector.Temporary, "temporarily"},
		"a broken answer":       {refuse(200, `{`), connector.Temporary, "cannot be read"},
		"no token":              {refuse(200, `{"FORM": 1}`), connector.Temporary, "cannot be read"},
		"an endless answer":     {refuse(200, `{"x": "`+strings.Repeat("x", 2<<20)+`"}`), connector.Temporary, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tokens := newEndpoint(t)
			tokens.answer = c.answer
			server := tokenServer(t, func(string) bool { return false })
			_, err := opened(t, server.Host, server.Port, object{"auth": tokens.auth()}).Send(t.Context(), ct.Sample())
			e := ct.CheckError(t, err, refreshToken, clientSecret)
			if e.Class != c.class || !strings.Contains(e.Message, c.text) {
				t.Errorf("class %s, %q; want %s, %q", e.Class, e.Message, c.class, c.text)
			}
			if n := tokens.asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		tokens := newEndpoint(t)
		tokens.Close()
		server := tokenServer(t, func(string) bool { return false })
		_, err := opened(t, server.Host, server.Port, object{"auth": tokens.auth()}).Send(t.Context(), ct.Sample())
		e := ct.CheckError(t, err, refreshToken, clientSecret)
		if e.Class != connector.Temporary || !strings.Contains(e.Message, "token endpoint: the connection was refused") {
			t.Errorf("class %s, %q; want temporary", e.Class, e.Message)
		}
	})
}

// TestFreshTokenStaysHidden: a server repeats a token that is not in the
// settings.
func TestFreshTokenStaysHidden(t *testing.T) {
	t.Parallel()
	tokens := newEndpoint(t)
	server := ct.NewScriptServer(t, ct.Script{
		Offer: []string{"AUTH XOAUTH2"}, Acts: map[ct.Stage]ct.Act{ct.StageAuth: ct.Echo("535")},
	})
	_, err := opened(t, server.Host, server.Port, object{"auth": tokens.auth()}).Send(t.Context(), ct.Sample())
	ct.CheckError(t, err, "access-1", "access-2", refreshToken)
	if n := server.Connections(); n != 1 {
		t.Errorf("%d connections; a fresh token is not tried twice", n)
	}
}

// TestTokenComesThroughDial: the token endpoint is reached as the service
// says, and a waiting mail can be cancelled.
func TestTokenComesThroughDial(t *testing.T) {
	t.Parallel()
	tokens := newEndpoint(t)
	server := tokenServer(t, func(string) bool { return true })
	asked := make(chan string, 4)
	host := connector.Host{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		asked <- address
		if address == tokens.Listener.Addr().String() {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return dialPlainly(ctx, network, address)
	}}
	c := ct.Open(t, New(), config(t, server.Host, server.Port, object{"auth": tokens.auth()}), host)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 2)
	for range 2 { // one fetches, one waits for it
		go func() {
			_, err := c.Send(ctx, ct.Sample())
			failed <- err
		}()
	}
	for address := range asked {
		if address == tokens.Listener.Addr().String() {
			break
		}
	}
	cancel()
	for range 2 {
		if e := ct.CheckError(t, <-failed, refreshToken); e.Class != connector.Temporary {
			t.Errorf("class %s (%v), want temporary", e.Class, e)
		}
	}
}
