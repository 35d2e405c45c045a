package smtp

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/connectortest"
)

func pkcs8(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func ed25519PEM(t testing.TB) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pkcs8(t, key)
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// record is the DNS record of a key.
func record(t *testing.T, text connector.Secret) string {
	t.Helper()
	key, err := parseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	kind, public := "rsa", []byte(nil)
	switch p := key.Public().(type) {
	case ed25519.PublicKey:
		kind, public = "ed25519", p
	case crypto.PublicKey:
		if public, err = x509.MarshalPKIXPublicKey(p); err != nil {
			t.Fatal(err)
		}
	}
	return "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(public)
}

// verify checks the one signature of a mail against a record.
func verify(t *testing.T, raw []byte, record string) error {
	t.Helper()
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) {
			if name != "s1._domainkey.example.com" {
				return nil, errors.New("asked for " + name)
			}
			return []string{record}, nil
		},
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d signatures, %v; want one", len(found), err)
	}
	return found[0].Err
}

func TestDKIM(t *testing.T) {
	t.Parallel()
	rsa2048 := rsaKey(t, 2048)
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsa2048)}))
	for name, key := range map[string]string{
		"RSA in PKCS #8": pkcs8(t, rsa2048), "RSA in PKCS #1": pkcs1, "Ed25519": ed25519PEM(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := connectortest.NewSMTPServer(t, connectortest.SMTPOptions{UTF8: true})
			c := opened(t, server.Host, server.Port, object{"dkim": object{
				"domainName": "example.com", "keySelector": "s1", "privateKey": key,
			}})
			plain, wide := connectortest.Sample(), connectortest.Sample()
			wide.To, wide.Subject = "žluť@example.com", "Ваш код"
			wide.Text = ".\n..dots\n\n\ntrailing blanks   \n\n\n"
			for _, m := range []connector.Message{plain, wide} {
				if _, err := c.Send(t.Context(), m); err != nil {
					t.Fatalf("Send: %v", err)
				}
			}
			for _, m := range server.Mails() {
				checkSigned(t, m.Raw, record(t, connector.Secret(key)))
			}
		})
	}
}

// checkSigned proves that the signature holds, and breaks with every change
// that matters.
func checkSigned(t *testing.T, raw []byte, record string) {
	t.Helper()
	if err := verify(t, raw, record); err != nil {
		t.Fatalf("the signature does not hold: %v", err)
	}
	head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
	for what, changed := range map[string]string{
		"a changed body":     head + "\r\n\r\n" + body + "more\r\n",
		"a second From":      "From: someone@example.org\r\n" + string(raw),
		"a second Subject":   head + "\r\nSubject: other\r\n\r\n" + body,
		"an added Reply-To":  head + "\r\nReply-To: someone@example.org\r\n\r\n" + body,
		"an added Cc":        head + "\r\nCc: someone@example.org\r\n\r\n" + body,
		"another To":         strings.Replace(string(raw), "\nTo: ", "\nTo: x", 1),
		"another media type": head + "\r\nContent-Type: text/html\r\n\r\n" + body,
	} {
		if err := verify(t, []byte(changed), record); err == nil {
			t.Errorf("the signature holds with %s", what)
		}
	}
}

func TestDKIMSettings(t *testing.T) {
	t.Parallel()
	weak := pkcs8(t, rsaKey(t, 1024))
	good := ed25519PEM(t)
	for name, c := range map[string]struct {
		dkim object
		key  string
	}{
		"a short RSA key":     {object{"domainName": "example.com", "keySelector": "s1", "privateKey": weak}, "privateKey"},
		"no PEM":              {object{"domainName": "example.com", "keySelector": "s1", "privateKey": "AAAA"}, "privateKey"},
		"not a key":           {object{"domainName": "example.com", "keySelector": "s1", "privateKey": connectortest.NewCA(t).PEM}, "privateKey"},
		"no domain":           {object{"domainName": "exa mple.com", "keySelector": "s1", "privateKey": good}, "domainName"},
		"a selector with ;":   {object{"domainName": "example.com", "keySelector": "s1; d=x", "privateKey": good}, "keySelector"},
		"an unknown key":      {object{"domainName": "example.com", "keySelector": "s1", "privateKey": good, "x": 1}, "x"},
		"without private key": {object{"domainName": "example.com", "keySelector": "s1"}, "privateKey"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantIssue(t, object{"dkim": c.dkim}, "dkim", c.key)
		})
	}
}
