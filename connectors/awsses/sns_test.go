package awsses

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // signature version 1 is made of it
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
	ct "github.com/postern-mail/postern/connector/connectortest"
)

const (
	snsHost   = "sns.eu-central-1.amazonaws.com"
	certURL   = "https://" + snsHost + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
	issuerURL = "http://crt.example.com/issuer.cer"
	confirm   = "https://" + snsHost + "/?Action=ConfirmSubscription&TopicArn=" + topic + "&Token=2336412f37"
)

// sns is a double of Amazon SNS: a root, an authority that only its URL leads
// to, and a certificate that is served alone, as there.
type sns struct {
	roots *x509.CertPool
	key   *rsa.PrivateKey
	net   *internet
}

func newSNS(t *testing.T, names ...string) *sns {
	t.Helper()
	rootKey, issuerKey, key := newKey(t), newKey(t), newKey(t)
	root := certify(t, &x509.Certificate{IsCA: true, Subject: pkix.Name{CommonName: "root"}}, nil, rootKey, rootKey)
	issuer := certify(t, &x509.Certificate{IsCA: true, Subject: pkix.Name{CommonName: "issuer"}}, root, issuerKey, rootKey)
	leaf := certify(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, IssuingCertificateURL: []string{issuerURL},
	}, issuer, key, issuerKey)
	s := &sns{roots: x509.NewCertPool(), key: key}
	s.roots.AddCert(root)
	s.net = &internet{hosts: map[string]func(ct.Request) ct.Answer{
		snsHost: func(r ct.Request) ct.Answer {
			switch {
			case strings.HasSuffix(certURL, r.Path):
				return ct.Answer{Body: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))}
			case strings.HasSuffix(confirm, r.Path):
				return ct.Answer{Body: "<ConfirmSubscriptionResponse/>"}
			default:
				return ct.Answer{Status: http.StatusForbidden}
			}
		},
		"crt.example.com": func(ct.Request) ct.Answer { return ct.Answer{Body: string(issuer.Raw)} },
	}}
	return s
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certify signs a certificate for key; a nil parent makes a root.
func certify(t *testing.T, c, parent *x509.Certificate, key, signer *rsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c.SerialNumber, c.BasicConstraintsValid = big.NewInt(time.Now().UnixNano()), true
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	if c.IsCA {
		c.KeyUsage = x509.KeyUsageCertSign
	}
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *sns) factory() connector.Factory { return newFactory(surroundings{roots: s.roots}) }

func (s *sns) opened(t *testing.T) connector.EventReader {
	t.Helper()
	reader, ok := ct.Open(t, s.factory(), config("https://"+sesHost), connector.Host{HTTP: s.net}).(connector.EventReader)
	if !ok {
		t.Fatal("reads no events")
	}
	return reader
}

// notify wraps a message as Amazon SNS does.
func (s *sns) notify(t testing.TB, message string, at time.Time) map[string]string {
	t.Helper()
	return map[string]string{
		"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": topic,
		"Subject": "Amazon SES Email Event Notification", "Message": message,
		"Timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1", "SigningCertURL": certURL,
		"UnsubscribeURL": "https://" + snsHost + "/?Action=Unsubscribe&SubscriptionArn=x",
	}
}

// sign signs a message with its version, over the lines that
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
// lists.
func (s *sns) sign(t testing.TB, m map[string]string) []byte {
	t.Helper()
	keys := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if m["Type"] != "Notification" {
		keys = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var text strings.Builder
	for _, key := range keys {
		if value, ok := m[key]; ok {
			text.WriteString(key + "\n" + value + "\n")
		}
	}
	algorithm, digest := crypto.SHA1, sha1.Sum([]byte(text.String())) //nolint:gosec // see above
	sum := digest[:]
	if m["SignatureVersion"] == "2" {
		stronger := sha256.Sum256([]byte(text.String()))
		algorithm, sum = crypto.SHA256, stronger[:]
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, algorithm, sum)
	if err != nil {
		t.Fatal(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	return encode(t, m)
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// rewritten changes a signed callback without signing it again.
func rewritten(t *testing.T, c *connector.Callback, change func(m map[string]string)) {
	t.Helper()
	var m map[string]string
	if err := json.Unmarshal(c.Body, &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	c.Body = encode(t, m)
}

// TestConfirmation proves that a subscription is confirmed for listed topics
// only, and at Amazon SNS only.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(m map[string]string)
		want   error
		asked  int // besides the certificate
	}{
		"listed":        {func(map[string]string) {}, nil, 1},
		"another topic": {func(m map[string]string) { m["TopicArn"] = topic + "x" }, connector.ErrNotGenuine, 0},
		"another host":  {func(m map[string]string) { m["SubscribeURL"] = "https://169.254.169.254/?Action=ConfirmSubscription&x" }, connector.ErrNotGenuine, 0},
		"a host like it": {func(m map[string]string) {
			m["SubscribeURL"] = strings.Replace(confirm, ".com/", ".com.evil.example/", 1)
		}, connector.ErrNotGenuine, 0},
		"another action": {func(m map[string]string) { m["SubscribeURL"] = "https://" + snsHost + "/?Action=Unsubscribe&x" }, connector.ErrNotGenuine, 0},
		"an end":         {func(m map[string]string) { m["Type"] = "UnsubscribeConfirmation" }, nil, 0},
		"another type":   {func(m map[string]string) { m["Type"] = "Other" }, connector.ErrNotGenuine, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSNS(t, snsHost)
			m := s.notify(t, "You have chosen to subscribe to the topic.", time.Now())
			delete(m, "Subject")
			m["Type"], m["Token"], m["SubscribeURL"] = "SubscriptionConfirmation", "2336412f37", confirm
			tt.change(m)
			report, err := s.opened(t).ReadEvents(t.Context(), connector.Callback{Body: s.sign(t, m), At: time.Now()})
			if !errors.Is(err, tt.want) || len(report.Events) > 0 {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if n := max(0, s.net.requests(snsHost)-1); n != tt.asked {
				t.Errorf("%d confirmations, want %d", n, tt.asked)
			}
		})
	}
	t.Run("Amazon SNS is out of order", func(t *testing.T) {
		t.Parallel()
		s := newSNS(t, snsHost)
		m := s.notify(t, "", time.Now())
		m["Type"], m["Token"], m["SubscribeURL"] = "SubscriptionConfirmation", "t", confirm+"-other"
		_, err := s.opened(t).ReadEvents(t.Context(), connector.Callback{Body: s.sign(t, m), At: time.Now()})
		if err == nil || errors.Is(err, connector.ErrNotGenuine) || errors.Is(err, connector.ErrBadCallback) {
			t.Errorf("%v, want an error that passes", err)
		}
	})
}

// TestCertificates proves which certificates are believed.
func TestCertificates(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, s *sns, reader connector.EventReader) error {
		t.Helper()
		_, err := reader.ReadEvents(t.Context(), connector.Callback{Body: s.sign(t, s.notify(t, "{}", time.Now())), At: time.Now()})
		return err
	}
	t.Run("fetched once", func(t *testing.T) {
		t.Parallel()
		s := newSNS(t, "sns.amazonaws.com")
		reader := s.opened(t)
		for range 3 {
			if err := read(t, s, reader); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.net.seen); n != 2 { // and its issuer
			t.Errorf("%d requests %s for 3 messages", n, s.net.seen)
		}
	})
	for name, change := range map[string]func(s *sns){
		"of another name":  func(*sns) {},
		"of another root":  func(s *sns) { *s.roots = *x509.NewCertPool() },
		"without issuer":   func(s *sns) { s.net.hosts["crt.example.com"] = always(ct.Answer{Status: 404}) },
		"with a wrong one": func(s *sns) { s.net.hosts["crt.example.com"] = s.net.hosts[snsHost] },
		"that is not there": func(s *sns) {
			s.net.hosts[snsHost] = always(ct.Answer{Status: http.StatusForbidden})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := []string{snsHost}
			if name == "of another name" {
				names = []string{"sns.eu-central-1.amazonaws.com.evil.example", "s3.amazonaws.com"}
			}
			s := newSNS(t, names...)
			change(s)
			err := read(t, s, s.opened(t))
			if name == "with a wrong one" {
				if err == nil { // its answer to another path is no certificate
					t.Error("believed")
				}
				return
			}
			if !errors.Is(err, connector.ErrNotGenuine) {
				t.Errorf("%v, want ErrNotGenuine", err)
			}
		})
	}
	for name, answer := range map[string]ct.Answer{"down": {Status: 503}, "garbage": {Body: "<html>"}, "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSNS(t, snsHost)
			s.net.hosts[snsHost] = always(answer)
			if err := read(t, s, s.opened(t)); err == nil || errors.Is(err, connector.ErrNotGenuine) {
				t.Errorf("%v, want an error that passes", err)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		s := newSNS(t, snsHost)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.opened(t).ReadEvents(ctx, connector.Callback{Body: s.sign(t, s.notify(t, "{}", time.Now())), At: time.Now()})
		if err == nil {
			t.Error("no error")
		}
	})
}

func always(a ct.Answer) func(ct.Request) ct.Answer { return func(ct.Request) ct.Answer { return a } }
