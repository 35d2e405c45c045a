package api_test

import (
	"fmt"
	"strings"
	"testing"
)

type shownMail struct {
	ID, MessageID, To, Subject, From, HTML, Text string
	ReceivedAt                                   int64
	Size                                         int
	Headers                                      []struct{ Name, Value string }
}

func TestInbox(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.post("/api/connectors", `{"connectorId":"postern-email","config":{"senderName":"Grüße aus Köln"}}`).is(200)
	for i := range 3 {
		id := s.sendCode(fmt.Sprintf(`{"email":"Ann%d@example.com"}`, i)).is(204).header.Get("Postern-Message-Id")
		newest := read[[]shownMail](s.doSecretly(request{method: "GET", path: "/api/inbox", key: s.admin}).is(200))[0]
		if newest.MessageID != id || newest.To != fmt.Sprintf("Ann%d@example.com", i) || newest.Subject == "" || newest.Size == 0 || newest.ReceivedAt == 0 {
			t.Errorf("mail %+v of message %s", newest, id)
		}
	}
	list := read[[]shownMail](s.doSecretly(request{method: "GET", path: "/api/inbox?to=ANN1@example.com", key: s.admin}).is(200))
	if len(list) != 1 {
		t.Fatalf("mails %+v", list)
	}
	page := s.doSecretly(request{method: "GET", path: "/api/inbox?page=2&page_size=2", key: s.admin}).is(200)
	if got := read[[]shownMail](page); len(got) != 1 || got[0].To != "Ann0@example.com" || page.header.Get("Total-Number") != "3" {
		t.Errorf("page %+v %v", got, page.header)
	}

	path := "/api/inbox/" + list[0].ID
	mail := read[shownMail](s.doSecretly(request{method: "GET", path: path, key: s.admin}).is(200))
	if mail.From != "Grüße aus Köln <no-reply@postern.localhost>" || mail.Subject != list[0].Subject ||
		!strings.Contains(mail.HTML, "<html") || mail.Text == "" || strings.Contains(mail.Text, "=3D") || strings.Contains(mail.Text, "\r") {
		t.Errorf("mail %+v", mail)
	}
	named := map[string]string{}
	for _, h := range mail.Headers {
		named[h.Name] = h.Value
	}
	if named["To"] == "" || named["Message-ID"] == "" || named["Auto-Submitted"] != "auto-generated" || named["Subject"] != mail.Subject {
		t.Errorf("headers %v", named)
	}

	for _, r := range []request{
		{method: "GET", path: path + ".eml", key: s.admin},
		{method: "GET", path: path, key: s.admin, header: map[string]string{"Accept": "message/rfc822"}},
		{method: "GET", path: path, key: s.admin, header: map[string]string{"Accept": "application/json;q=0.5, message/rfc822"}},
	} {
		a := s.doSecretly(r).is(200)
		if a.header.Get("Content-Type") != "message/rfc822" || len(a.body) != mail.Size || !strings.Contains(a.body, "\r\nSubject: ") ||
			a.header.Get("Content-Disposition") != `attachment; filename="`+mail.ID+`.eml"` {
			t.Errorf("%v: %v %d bytes", r, a.header, len(a.body))
		}
	}
	for _, accept := range []string{"", "*/*", "application/json", "application/json, message/rfc822", "text/html"} {
		a := s.doSecretly(request{method: "GET", path: path, key: s.admin, header: map[string]string{"Accept": accept}}).is(200)
		if a.header.Get("Content-Type") != "application/json" {
			t.Errorf("Accept: %s got %s", accept, a.header.Get("Content-Type"))
		}
	}

	s.do(request{method: "DELETE", path: "/api/inbox", key: s.admin}).is(204)
	if body := s.get("/api/inbox").is(200).body; body != "[]\n" {
		t.Errorf("after deleting all: %s", body)
	}
	s.get(path).refuses(404, "entity.not_found")
}
