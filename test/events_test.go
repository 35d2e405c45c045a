//go:build unix

package test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector/connectortest"
)

// sendgrid is a double of SendGrid: it takes every mail, and signs what it
// reports.
type sendgrid struct {
	*connectortest.Provider

	key *ecdsa.PrivateKey
}

func startSendGrid(t *testing.T) *sendgrid {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &sendgrid{key: key, Provider: connectortest.NewProvider(t, func(connectortest.Request) connectortest.Answer {
		return connectortest.Answer{Status: http.StatusAccepted, Header: map[string]string{"X-Message-Id": "14c5d75ce93"}}
	})}
}

// use makes SendGrid the connector in use, and returns where it reports to.
func (s *sendgrid) use(t *testing.T, n *node) (callbackPath string) {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	a := n.call(t, http.MethodPost, "/api/connectors", map[string]any{
		"connectorId": "sendgrid-email-service",
		"config": map[string]any{
			"apiKey": "SG.key-of-the-test", "fromEmail": "no-reply@example.com", "endpoint": s.URL,
			"webhookPublicKey": base64.StdEncoding.EncodeToString(public),
		},
	}, http.StatusOK)
	var set struct{ CallbackPath string }
	if err := json.Unmarshal(a.body, &set); err != nil || set.CallbackPath == "" {
		t.Fatalf("the connector has no callback path: %s, %v", a.body, err)
	}
	return set.CallbackPath
}

// report posts an event on a message, signed as at a time, and returns the
// status of the answer.
func (s *sendgrid) report(t *testing.T, url, id, event, more string, at time.Time) int {
	t.Helper()
	body := fmt.Appendf(nil, `[{"event":%q,"email":"ann@example.com","timestamp":%d,"sg_event_id":%q,"message_id":%q%s}]`,
		event, at.Unix(), event+id, id, more)
	stamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256(slices.Concat([]byte(stamp), body))
	signature, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Twilio-Email-Event-Webhook-Timestamp", stamp)
	r.Header.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// A mail goes out through a provider's API; the provider reports that there is
// no such address; no further mail goes there until somebody lifts that. The
// reports still count after another connector took the place of this one.
func TestProviderEvents(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			provider := startSendGrid(t)
			n := startNode(t, nodeOptions{data: t.TempDir(), database: db.create(t)})
			url := n.base + provider.use(t, n)
			id := n.askCode(t, "ann@example.com")
			n.awaitStatus(t, id, "sent")
			if got := len(provider.Requests()); got != 1 {
				t.Fatalf("%d requests, want 1", got)
			}

			now := time.Now()
			if status := provider.report(t, url, id, "delivered", "", now.Add(-time.Hour)); status != http.StatusUnauthorized {
				t.Errorf("a stale report: status %d", status)
			}
			if status := provider.report(t, url[:len(url)-2]+"xx", id, "delivered", "", now); status != http.StatusNotFound {
				t.Errorf("a wrong secret: status %d", status)
			}
			n.useSMTP(t, startSink(t).config())
			bounce := `,"type":"bounce","status":"5.1.1","bounce_classification":"Invalid Address","reason":"550 5.1.1 no such user ann@example.com"`
			for range 2 { // it reports again, and that counts once
				if status := provider.report(t, url, id, "bounce", bounce, now); status/100 != 2 {
					t.Fatalf("a genuine report: status %d", status)
				}
			}
			var story struct {
				Delivery string
				Events   []struct{ Kind, Bounce, Source, Detail string }
			}
			n.get(t, "/api/messages/"+id, &story)
			last := story.Events[len(story.Events)-1]
			if story.Delivery != "bounced" || len(story.Events) != 3 || last.Bounce != "hard" || last.Source != "sendgrid-email-service" ||
				last.Detail != "550 5.1.1 no such user a***@example.com" {
				t.Errorf("story %+v", story)
			}

			n.awaitStatus(t, n.askCode(t, "ann@example.com"), "suppressed")
			n.call(t, http.MethodDelete, "/api/suppressions/ann@example.com", nil, http.StatusNoContent)
			n.awaitStatus(t, n.askCode(t, "ann@example.com"), "sent")
			if n.log.contains(url[len(url)-20:]) {
				t.Error("the callback's secret is in the log")
			}
		})
	}
}
