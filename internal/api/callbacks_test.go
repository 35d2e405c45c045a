package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
)

// sent sends a mail to ann and returns the message's id.
func (s *service) sent(code string) string {
	s.t.Helper()
	return read[message](s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"` + code + `"}}`).is(202)).ID
}

func (s *service) story(id string) message {
	s.t.Helper()
	return read[message](s.get("/api/messages/" + id).is(200))
}

// A mail is sent, delivered, comes back, and the next one is not sent until
// the address is lifted.
func TestFromSentToLifted(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	id := s.sent("864209")
	if got := s.story(id); got.Delivery != nil {
		t.Errorf("delivery %s before a report", *got.Delivery)
	}
	now := time.Now()
	s.report(path, connector.Event{ID: "e1", Kind: connector.EventDelivered, MessageID: id, Recipient: "Ann@Example.com", At: now, Detail: "250 ok"}).is(204)
	if got := s.story(id); got.Status != "sent" || got.Delivery == nil || *got.Delivery != "delivered" {
		t.Errorf("story %+v", got)
	}
	s.sent("864210")
	s.report(path, connector.Event{
		ID: "e2", Kind: connector.EventBounced, Hard: true, MessageID: id, Recipient: "ann@example.com", At: now.Add(time.Millisecond),
		Enhanced: "5.1.1", Detail: "550 <ann@example.com>:\r\nuser unknown",
	}).is(204)
	got := s.story(id)
	last := got.Events[len(got.Events)-1]
	if *got.Delivery != "bounced" || last.Kind != "bounced" || last.Bounce != "hard" || last.Source != "report-email" ||
		last.Detail != "5.1.1 550 <a***@example.com>: user unknown" {
		t.Errorf("story %+v", got)
	}

	p := s.sendMessage(`{"to":"ann@example.com","type":"Generic","payload":{"code":"864211"}}`).refuses(400, "connector.general").problem()
	if !strings.Contains(p.Message, "user unknown") || strings.Contains(p.Message, "ann@") {
		t.Errorf("refused with %s", p.Message)
	}
	list := read[[]suppressed](s.get("/api/suppressions").is(200))
	if len(list) != 1 || list[0].Email != "ann@example.com" || list[0].Scope != "all" || list[0].Reason != "bounced" || *list[0].MessageID != id {
		t.Errorf("suppressions %+v", list)
	}
	s.lift("ann@example.com").is(204)
	// The provider repeats itself, which does not suppress the address again.
	s.report(path, connector.Event{ID: "e2", Kind: connector.EventBounced, Hard: true, MessageID: id, Recipient: "ann@example.com", NoAddress: true}).is(204)
	s.sent("864212")
	metrics := s.do(request{method: "GET", path: "/metrics"}).body
	for _, want := range []string{
		`{connector="report-email",kind="delivered",outcome="stored"} 1`, `{connector="report-email",kind="bounced",outcome="suppressed"} 1`,
		`{connector="report-email",kind="bounced",outcome="repeated"} 1`, `route="/callbacks/{connectorId}/{secret}",status="204"} 3`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the figures lack %s", want)
		}
	}
}

// other is a character that is not c.
func other(c string) string {
	if c == "x" {
		return "y"
	}
	return "x"
}

// Whoever does not know the path learns nothing, and the path is in no log,
// figure or answer of a lesser call.
func TestCallbackPathIsSecret(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	_, rest, _ := strings.Cut(path, "/callbacks/")
	id, secret, _ := strings.Cut(rest, "/")
	if len(secret) < 43 || url.PathEscape(secret) != secret {
		t.Fatalf("path %s", path)
	}
	shown := s.rawCallback("/callbacks/"+id+"/wrong", `{}`).refuses(404, "entity.not_found").problem()
	for name, at := range map[string]string{
		"unknown id": "/callbacks/" + other(id[:1]) + id[1:] + "/" + secret, "empty-ish secret": "/callbacks/" + id + "/=",
		"one character off": path[:len(path)-2] + other(path[len(path)-2:len(path)-1]) + path[len(path)-1:], "longer": path + "A", "no id": "/callbacks/a%00b/" + secret,
		"another id's": "/callbacks/" + id + "x/" + secret, "slash": "/callbacks/" + id + "/" + secret + "%2f",
	} {
		if got := s.rawCallback(at, `{}`).refuses(404, "entity.not_found").problem(); got.Message != shown.Message {
			t.Errorf("%s: %q, not %q", name, got.Message, shown.Message)
		}
	}
	if len(s.provider.bodies) != 0 {
		t.Error("a callback by a wrong path was read")
	}
	s.rawCallback(path, `{}`).is(204)
	s.do(request{method: "PUT", path: path}).refuses(405, "request.method_not_allowed")
	s.do(request{method: "POST", path: path + "/more", body: "{}"}).refuses(404, "entity.not_found")
	s.rawCallback(path, `{}`, "X-Broken", "1").is(503)
	if text := s.log.String() + s.shown.String(); strings.Contains(text, secret) {
		t.Error("the secret is in the log or in an answer")
	}
	if !strings.Contains(s.log.String(), "route=/callbacks/{connectorId}/{secret} status=204") {
		t.Error("the log lacks the callback")
	}
	// A connector whose reports nobody reads has no path.
	s.useProvider()
	others := s.get("/api/connectors").is(200)
	if strings.Contains(others.body, "callbackPath") {
		t.Error("a path for a connector that reads no callbacks")
	}
	same := read[[]struct{ CallbackPath string }](others)
	if len(same) != 1 {
		t.Errorf("%d connectors", len(same))
	}
}

func TestCallbacksAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	s.rawCallback(path, `{}`, "X-Signature", "another").refuses(401, "callback.not_genuine")
	for name, body := range map[string]string{"garbage": "\x00\xff{", "a list": `[]`, "cut off": `{"Events":[{`} {
		a := s.rawCallback(path, body).refuses(400, "callback.invalid")
		if strings.Contains(a.body, "Events") {
			t.Errorf("%s: the answer repeats the callback: %s", name, a.body)
		}
	}
	s.rawCallback(path, ``).is(400)
	a := s.rawCallback(path, `{}`, "X-Broken", "1").refuses(503, "callback.unavailable")
	if a.header.Get("Retry-After") != "10" || strings.Contains(a.body, "certificate") {
		t.Errorf("answer %v %s", a.header, a.body)
	}
	if !strings.Contains(s.log.String(), "fetch the certificate") {
		t.Error("the log does not say what went wrong")
	}
	largest := `{"Nonce":"","x":"` + strings.Repeat("x", 1<<20-19) + `"}`
	s.rawCallback(path, largest, "Content-Type", "text/plain").is(204)
	s.rawCallback(path, largest+" ").refuses(413, "request.body_too_large")

	many := `{"Events":[` + strings.TrimSuffix(strings.Repeat("{},", 10_001), ",") + `]}`
	s.rawCallback(path, many).refuses(400, "callback.invalid")
	// Idempotency-Key belongs to API keys.
	s.rawCallback(path, `{}`, "Idempotency-Key", "k").is(204)
	if a := s.rawCallback(path, `{"Answer":"eyJhIjoxfQ=="}`, "Idempotency-Key", "k").is(200); a.header.Get("Idempotent-Replayed") != "" {
		t.Error("a kept answer")
	}

	set := s.doSecretly(request{method: "POST", path: "/api/connectors", key: s.admin, body: `{"connectorId":"report-email"}`}).is(200)
	unset := read[struct{ CallbackPath string }](set).CallbackPath
	s.rawCallback(unset, `{}`).refuses(401, "callback.not_set_up")
}

// The raw body reaches the connector, and its answer the provider.
func TestCallbackIsPassedOn(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	const body = "{\r\n \"Answer\" : \"eyJvayI6dHJ1ZX0=\" }\n"
	a := s.rawCallback(path, body, "Content-Type", "application/x-www-form-urlencoded").is(200)
	if a.body != `{"ok":true}` || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("answer %v %s", a.header, a.body)
	}
	if got := s.provider.bodies; len(got) != 1 || got[0] != body {
		t.Errorf("read %q", got)
	}
}

// A signature serves one callback, which may be repeated.
func TestReplayedCallback(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	id := s.sent("864209")
	first := connector.Report{Nonce: "n1", Events: []connector.Event{
		{Kind: connector.EventDelivered, MessageID: id, Recipient: "ann@example.com", At: time.UnixMilli(1)},
	}}
	s.callback(path, first).is(204)
	s.callback(path, first).is(204)
	forged := first
	forged.Events = []connector.Event{{ID: "x", Kind: connector.EventComplained, MessageID: id, Recipient: "ann@example.com"}}
	s.callback(path, forged).refuses(401, "callback.replayed")
	forged.Nonce = "n2"
	s.callback(path, forged).is(204)
	got := s.story(id)
	if n := len(got.Events); n != 4 || *got.Delivery != "complained" {
		t.Errorf("%d events, %s", n, *got.Delivery)
	}
}

// What is not about a mail of this tenant to this recipient is not believed.
func TestForeignEvents(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	id := s.sent("864209")
	old := time.Now().Add(-time.Hour)
	for name, e := range map[string]connector.Event{
		"another recipient":    {MessageID: id, Recipient: "bob@example.com"},
		"no recipient":         {MessageID: id},
		"no address":           {MessageID: id, Recipient: "ann\x00@example.com"},
		"no id":                {Recipient: "ann@example.com"},
		"unknown id":           {MessageID: "01939d1f-8b7a-7c3e-9a57-0f4f7a5e6b21", Recipient: "ann@example.com"},
		"NUL in the id":        {MessageID: "a\x00", ProviderID: "b\x00", Recipient: "ann@example.com"},
		"unknown provider id":  {ProviderID: "provider-2", Recipient: "ann@example.com"},
		"provider's id, bob's": {ProviderID: "provider-1", Recipient: "bob@example.com"},
	} {
		e.Kind, e.Hard, e.NoAddress, e.At, e.ID = connector.EventBounced, true, true, old, name
		s.report(path, e).is(204)
		if n := len(s.story(id).Events); n != 2 {
			t.Errorf("%s: %d events", name, n)
		}
	}
	if list := s.get("/api/suppressions").body; list != "[]\n" {
		t.Errorf("suppressed: %s", list)
	}
	if !strings.Contains(s.do(request{method: "GET", path: "/metrics"}).body, `kind="bounced",outcome="unmatched"} 8`) {
		t.Error("the figures lack the events that were dropped")
	}
	// By the provider's id it is found, with our id unknown to the provider too.
	s.report(path, connector.Event{Kind: "opened <b>", MessageID: "lost", ProviderID: "provider-1", Recipient: "<ANN@example.com>", Detail: "in Tunis"}).is(204)
	got := s.story(id)
	last := got.Events[len(got.Events)-1]
	if len(got.Events) != 3 || last.Kind != "other" || last.Detail != "opened <b> in Tunis" || got.Delivery != nil {
		t.Errorf("story %+v", got)
	}
}

// The old provider's bounces count for a week, those of a deleted connector
// do not.
func TestRetiredConnectorReports(t *testing.T) {
	t.Parallel()
	s := start(t)
	old := s.useReporting()
	id := s.sent("864209")
	s.useProvider()
	event := connector.Event{ID: "1", Kind: connector.EventDelivered, MessageID: id, Recipient: "ann@example.com"}
	s.report(old, event).is(204)
	if got := s.story(id); got.Delivery == nil || *got.Delivery != "delivered" {
		t.Errorf("story %+v", got)
	}
	s.clock.advance(7*24*time.Hour - time.Hour)
	s.prune()
	s.report(old, event).is(204)
	s.clock.advance(2 * time.Hour)
	s.prune()
	s.report(old, event).refuses(404, "entity.not_found")

	gone := s.useReporting()
	s.report(gone).is(204)
	s.delete("/api/connectors/" + strings.Split(gone, "/")[2]).is(204)
	s.report(gone).refuses(404, "entity.not_found")
}

func (s *service) prune() {
	s.t.Helper()
	if _, err := s.store.Prune(s.t.Context(), s.clock.now()); err != nil {
		s.t.Fatal(err)
	}
}

// Another key in the config counts for the next callback.
func TestCallbackKeyIsChanged(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	s.report(path).is(204)
	id := strings.Split(path, "/")[2]
	changed := s.doSecretly(request{
		method: "PATCH", path: "/api/connectors/" + id, key: s.admin, body: `{"config":{"key":"another"}}`,
	}).is(200)
	if got := read[struct{ CallbackPath string }](changed).CallbackPath; got != path {
		t.Error("the path is another one")
	}
	s.report(path).refuses(401, "callback.not_genuine")
	s.callback(path, connector.Report{}, "X-Signature", "another").is(204)
}

// An event may come before we know the provider's id of its mail: then the
// provider is to come again, and what else it brought counts once.
func TestEventBeforeTheOutcome(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	known := s.sent("864209")
	s.provider.fails(connector.Error{Class: connector.Temporary, Message: "not now"})
	s.do(request{method: "POST", path: "/api/messages", key: s.sender, body: `{"to":"ann@example.com","type":"BindMfa","payload":{"code":"864210"}}`}).is(202)
	early := connector.Event{ID: "2", Kind: connector.EventDelivered, ProviderID: "provider-x", Recipient: "ann@example.com", At: time.Now().Add(time.Hour)}
	both := []connector.Event{early, {ID: "1", Kind: connector.EventSent, MessageID: known, Recipient: "ann@example.com", At: time.Now()}}
	for range 2 {
		s.report(path, both...).refuses(503, "callback.unavailable")
	}
	if n := len(s.story(known).Events); n != 3 {
		t.Errorf("%d events of the mail that is known", n)
	}
	both[0].At = time.Now().Add(-2 * time.Minute) // by now it would be known
	s.report(path, both...).is(204)
}

// A large batch comes through, and what was in it before counts once.
func TestBatch(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.useReporting()
	id := s.sent("864209")
	var events []connector.Event
	for i := range 1000 {
		events = append(events, connector.Event{ID: fmt.Sprint(i), Kind: connector.EventOther, MessageID: id, Recipient: "ann@example.com", Detail: "open"})
	}
	events = append(events, connector.Event{Kind: connector.EventComplained, MessageID: id, Recipient: "ann@example.com"})
	for range 2 {
		s.report(path, events...).is(204)
	}
	got := s.story(id)
	if len(got.Events) != 102 || got.Delivery == nil || *got.Delivery != "complained" {
		t.Errorf("%d events, delivery %v", len(got.Events), got.Delivery)
	}
}
