package api_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
)

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type message struct {
	ID, Type, To, IP, Status string
	AttemptCount             int
	CreatedAt, Deadline      int64
	EndedAt                  *int64
	Delivery                 *string
	Attempts                 []struct {
		Number                                  int
		ConnectorID, FactoryID, Outcome, Answer string
		ProviderID, EnhancedStatus              string
		Status                                  int
		StartedAt, Duration                     int64
	}
	Events []struct {
		Kind, Detail, Bounce, Source string
		At                           int64
	}
}

func (s *service) sendMessage(body string) answer {
	s.t.Helper()
	return s.do(request{
		method: "POST", path: "/api/messages", key: s.sender, body: body, header: map[string]string{"Prefer": "wait=10"},
	})
}

// The JSON is what Logto's HTTP e-mail connector posts.
func TestMessageIsSent(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	a := s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"864209","locale":"en",
		"application":{"name":"Shop"}},"ip":"::ffff:203.0.113.7","unknown":true}`).is(202)
	accepted := read[struct{ ID, Status string }](a)
	if accepted.Status != "sent" || accepted.ID != a.header.Get("Postern-Message-Id") {
		t.Fatalf("answer %v %s", a.header, a.body)
	}
	mails := s.provider.mails()
	if len(mails) != 1 || mails[0].To != "ann@example.com" || mails[0].IP != "203.0.113.7" || !strings.Contains(mails[0].Text, "864209") {
		t.Fatalf("mails %+v", mails)
	}

	story := read[message](s.get("/api/messages/" + accepted.ID).is(200))
	if story.Status != "sent" || story.To != "ann@example.com" || story.Type != "SignIn" || story.AttemptCount != 1 ||
		story.EndedAt == nil || story.Deadline-story.CreatedAt != (10*time.Minute).Milliseconds() {
		t.Errorf("story %+v", story)
	}
	if len(story.Attempts) != 1 || story.Attempts[0].Outcome != "sent" || story.Attempts[0].ProviderID != "provider-1" ||
		story.Attempts[0].Answer != "250 2.0.0 queued" || story.Attempts[0].FactoryID != "test-email" || story.Attempts[0].Number != 1 {
		t.Errorf("attempts %+v", story.Attempts)
	}
	var kinds []string
	for _, e := range story.Events {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Equal(kinds, []string{"accepted", "sent"}) || story.Events[0].At != story.CreatedAt {
		t.Errorf("events %+v", story.Events)
	}
}

func TestRepeatsAreOneMessage(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	const body = `{"to":"ann@example.com","type":"SignIn","payload":{"code":"112358"}}`
	first := read[message](s.sendMessage(body).is(202))
	second := read[message](s.sendMessage(body).is(202))
	if first.ID != second.ID || len(s.provider.mails()) != 1 {
		t.Errorf("%s and %s, %d mails", first.ID, second.ID, len(s.provider.mails()))
	}
	// Without waiting too, a repeat tells where the message stands by now.
	third := read[message](s.do(request{method: "POST", path: "/api/messages", key: s.sender, body: body}).is(202))
	if third.ID != first.ID || third.Status != "sent" {
		t.Errorf("third answer %+v", third)
	}
	if figures := s.do(request{method: "GET", path: "/metrics"}).body; !strings.Contains(figures,
		`postern_messages_total{status="accepted",type="SignIn"} 1`+"\n") {
		t.Error("repeats are counted as messages")
	}
}

func TestIPIsReadAsItComes(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	for given, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "203.0.113.7:5123": "203.0.113.7", "2001:db8::1": "2001:db8::1",
		"[2001:db8::1]:443": "2001:db8::1", "unknown": "", "": "",
	} {
		id := read[message](s.sendMessage(`{"to":"ann@example.com","type":"OrganizationInvitation","payload":{"link":"https://example.com/` +
			strings.Trim(strings.ReplaceAll(given, ":", "-"), "[]") + `"},"ip":"` + given + `"}`).is(202)).ID
		if got := read[message](s.get("/api/messages/" + id)).IP; got != want {
			t.Errorf("%q was read as %q, want %q", given, got, want)
		}
	}
}

func TestFailureIsTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.provider.fails(connector.Error{Class: connector.Recipient, Status: 550, Enhanced: "5.1.1", Message: "no such user"})
	id := s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{"code":"314159"}}`).
		refuses(400, "connector.general").header.Get("Postern-Message-Id")
	story := read[message](s.get("/api/messages/" + id).is(200))
	if story.Status != "failed" || len(story.Attempts) != 1 {
		t.Fatalf("story %+v", story)
	}
	if a := story.Attempts[0]; a.Outcome != "recipient" || a.Status != 550 || a.EnhancedStatus != "5.1.1" || a.Answer != "no such user" {
		t.Errorf("attempt %+v", a)
	}
}

// A mail whose template cannot be filled fails for good at its first attempt.
func TestPayloadWithoutCode(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.sendMessage(`{"to":"ann@example.com","type":"SignIn","payload":{}}`).refuses(400, "connector.general")
}

func TestMessagesAreListed(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	var ids []string // newest first
	for i, to := range []string{"ann@example.com", "bob@example.com", "ann@example.com", "bob@example.com", "Ann@Example.com"} {
		code := "77770" + string(rune('0'+i))
		kind := []string{"SignIn", "Generic"}[i%2]
		ids = slices.Insert(ids, 0, read[message](s.sendMessage(`{"to":"`+to+`","type":"`+kind+`","payload":{"code":"`+code+`"}}`).is(202)).ID)
	}
	for query, want := range map[string][]string{
		"":                                ids,
		"?to=ANN@example.com":             {ids[0], ids[2], ids[4]},
		"?type=Generic":                   {ids[1], ids[3]},
		"?status=sent&to=bob@example.com": {ids[1], ids[3]},
		"?status=failed":                  {},
		"?before=" + ids[2]:               {ids[3], ids[4]},
		"?page=1&page_size=2":             {ids[0], ids[1]},
		"?page=3&page_size=2":             {ids[4]},
		"?page=4&page_size=2":             {},
		"?page_size=4":                    {ids[0], ids[1], ids[2], ids[3]},
	} {
		a := s.get("/api/messages" + query).is(200)
		got := []string{}
		for _, m := range read[[]message](a) {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
		if paged := strings.Contains(query, "page"); paged != (a.header.Get("Total-Number") == "5") || paged != (a.header.Get("Link") != "") {
			t.Errorf("%s: headers %v", query, a.header)
		}
	}
	link := s.get("/api/messages?page=2&page_size=2&type=SignIn").header.Get("Link")
	want := `</api/messages?page=1&page_size=2&type=SignIn>; rel="first", </api/messages?page=1&page_size=2&type=SignIn>; rel="prev", ` +
		`</api/messages?page=2&page_size=2&type=SignIn>; rel="last"`
	if link != want {
		t.Errorf("Link %s\nwant %s", link, want)
	}
}
