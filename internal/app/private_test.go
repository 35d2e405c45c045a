package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/connectortest"
	"github.com/postern-mail/postern/connectors"
)

// leadingTo are settings of every connector that reaches out, with all that
// they name in the way of addresses at one place.
func leadingTo(t *testing.T, host, port string) map[string]string {
	t.Helper()
	at := "https://" + net.JoinHostPort(host, port)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pemKey, err := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if err != nil {
		t.Fatal(err)
	}
	common := `"fromEmail": "a@example.com", "endpoint": "` + at + `"`
	key1 := `{"apiKey": "secret-key", ` + common + `}`
	return map[string]string{
		"simple-mail-transfer-protocol": `{"host": "` + host + `", "port": ` + port + `, "fromEmail": "a@example.com"}`,
		"http-email":                    `{"endpoint": "` + at + `"}`,
		"aws-ses-mail":                  `{"accessKeyId": "AKIAEXAMPLE", "accessKeySecret": "secret-key", "region": "eu-central-1", "emailAddress": "a@example.com", "endpoint": "` + at + `"}`,
		"sendgrid-email-service":        key1,
		"mailgun-email":                 `{"apiKey": "secret-key", "domain": "example.com", "from": "a@example.com", "endpoint": "` + at + `"}`,
		"postmark-mail":                 `{"serverToken": "secret-key", "templates": [{"usageType": "Generic", "templateAlias": "x"}], ` + common + `}`,
		"aliyun-direct-mail":            `{"accessKeyId": "LTAIexample", "accessKeySecret": "secret-key", "accountName": "a@example.com", "endpoint": "` + at + `"}`,
		"mailjunky-email-service":       key1,
		"smtp2go-email-service":         `{"apiKey": "secret-key", "sender": "a@example.com", "endpoint": "` + at + `"}`,
		"resend-email":                  key1,
		"brevo-email":                   key1,
		"mailjet-email":                 `{"apiKey": "key", "secretKey": "secret-key", ` + common + `}`,
		"sparkpost-email":               key1,
		"azure-communication-email":     `{"accessKey": "c2VjcmV0LWtleQ==", "senderAddress": "a@example.com", "endpoint": "` + at + `"}`,
		"microsoft-graph-email": `{"tenantId": "11112222-bbbb-3333-cccc-4444dddd5555", "clientId": "11112222-bbbb-3333-cccc-4444dddd5555",
			"clientSecret": "secret-key", "authority": "` + at + `", ` + common + `}`,
		"gmail-api-email": `{"serviceAccountKey": {"type": "service_account", "client_email": "x@project.iam.gserviceaccount.com",
			"private_key_id": "1", "private_key": ` + string(pemKey) + `, "token_uri": "` + at + `/token"}, ` + common + `}`,
	}
}

// TestNoConnectorReachesPrivateAddresses: whatever a tenant writes where a
// connector takes an address, it does not lead inside: as an address of either
// kind, as one wrapped in the other, or by a name that the DNS answers so.
// (That redirects are not followed connectortest proves.)
func TestNoConnectorReachesPrivateAddresses(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	reached := make(chan struct{}, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Close()
			reached <- struct{}{}
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dial := newDialer(false)
	host := connector.Host{Dial: dial, HTTP: newHTTP(dial)}
	for _, inside := range []string{"127.0.0.1", "localhost", "::ffff:127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "fd00:ec2::254"} {
		configs := leadingTo(t, inside, port)
		for _, f := range connectors.Builtin() {
			id := f.Metadata().ID
			config, ok := configs[id]
			if !ok && id != "postern-email" {
				t.Fatalf("%s is not in the table of this test", id)
			}
			if !ok {
				continue // it reaches nobody
			}
			m := connectortest.Sample()
			_, err := connectortest.Open(t, f, json.RawMessage(config), host).Send(t.Context(), m)
			e := connectortest.CheckError(t, err, "secret-key", m.Payload["code"].(string))
			if e.Class != connector.ConfigFault || !strings.Contains(e.Message, "private or local network") {
				t.Errorf("%s to %s: %s, %v", id, inside, e.Class, e)
			}
		}
	}
	select {
	case <-reached:
		t.Error("a connection came through")
	default:
	}
}

// TestAProxyLeadsNowhereInside: a proxy of the settings must be public itself,
// and is not asked for private addresses.
func TestAProxyLeadsNowhereInside(t *testing.T) {
	t.Parallel()
	dial := newDialer(false)
	for _, address := range []string{"10.0.0.1:443", "127.0.0.1:25", "localhost:443", "[::ffff:10.0.0.1]:443", "[::1]:25", "169.254.169.254:80", "x"} {
		via := connector.WithProxy(t.Context(), &url.URL{Scheme: "http", Host: "192.0.2.1:3128"})
		refusedAsPrivate(t, dial, via, address)
	}
	for _, proxy := range []string{"http://127.0.0.1:1", "socks5://10.0.0.1:1080", "https://localhost:1"} {
		u, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		refusedAsPrivate(t, dial, connector.WithProxy(t.Context(), u), "8.8.8.8:443")
	}
}

func refusedAsPrivate(
	t *testing.T, dial func(context.Context, string, string) (net.Conn, error), ctx context.Context, address string, //nolint:revive // after t
) {
	t.Helper()
	conn, err := dial(ctx, "tcp", address)
	if err == nil {
		conn.Close()
	}
	if e, ok := errors.AsType[*connector.Error](err); !ok || e.Class != connector.ConfigFault || !errors.Is(err, errPrivate) {
		t.Errorf("%s: %v", address, err)
	}
}

// TestTheOperatorsProxy: requests go through HTTPS_PROXY, which may be in a
// private network, and still not to private addresses.
func TestTheOperatorsProxy(t *testing.T) {
	asked := make(chan string, 10)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				asked <- r.Method + " " + r.Host
			}
			c.Close()
		}
	}()
	t.Setenv("HTTPS_PROXY", "http://"+l.Addr().String())
	t.Setenv("NO_PROXY", "")
	client := &http.Client{Transport: newHTTP(newDialer(false))}
	get := func(url string) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	if err := get("https://198.41.0.4/"); err == nil {
		t.Error("an answer out of nowhere")
	}
	if got := <-asked; got != "CONNECT 198.41.0.4:443" {
		t.Errorf("the proxy was asked %q", got)
	}
	if err := get("https://10.0.0.1/"); !errors.Is(err, errPrivate) || len(asked) > 0 {
		t.Errorf("a private address: %v, the proxy was asked %d times", err, len(asked))
	}
}
