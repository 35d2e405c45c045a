//go:build unix

package test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The main job, with no configuration at all: a code asked for, read from the
// built-in inbox, checked once and not twice.
func TestMainJob(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "data") // the first start makes it
			n := startNode(t, nodeOptions{data: data, database: db.create(t)})

			id := n.askCode(t, "Ann@example.com")
			n.awaitStatus(t, id, "sent")
			code := codeIn(t, inboxMail(t, n, id, "Ann@example.com").text)

			n.wantRefused(t, "ann@example.com", wrong(code), "verification_code.code_mismatch")
			n.wantRefused(t, "someone@example.com", code, "verification_code.not_found")
			n.wantVerified(t, "ann@example.com", code)
			n.wantRefused(t, "ann@example.com", code, "verification_code.not_found")

			if n.log.contains(code) {
				t.Error("the code is in the log")
			}
			if n.log.contains("Ann@example.com") || n.log.contains("ann@example.com") {
				t.Error("the address is in the log")
			}
			n.stop(t)
			wantKeyset(t, data)
		})
	}
}

// What was accepted before a restart is there after it.
func TestRestartKeepsCodes(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			o := nodeOptions{data: t.TempDir(), database: db.create(t)}
			n := startNode(t, o)
			id := n.askCode(t, "ann@example.com")
			n.stop(t)

			n = startNode(t, o)
			n.awaitStatus(t, id, "sent")
			n.wantVerified(t, "ann@example.com", codeIn(t, inboxMail(t, n, id, "ann@example.com").text))
		})
	}
}

// inboxMail returns the mail of a message from the built-in inbox, read as
// .eml, after a look at how the list and the single resource show it.
func inboxMail(t *testing.T, n *node, messageID, to string) letter {
	t.Helper()
	type entry struct{ ID, MessageID, To, Subject string }
	var list []entry
	n.get(t, "/api/inbox", &list)
	for _, e := range list {
		if e.MessageID != messageID {
			continue
		}
		if e.To != to || e.Subject == "" {
			t.Errorf("inbox entry for %s: %+v", to, e)
		}
		path := "/api/inbox/" + url.PathEscape(e.ID)
		var one entry
		n.get(t, path, &one)
		if one != e {
			t.Errorf("one mail: %+v, in the list: %+v", one, e)
		}
		eml := n.call(t, http.MethodGet, path+".eml", nil, http.StatusOK)
		if kind := eml.header.Get("Content-Type"); !strings.HasPrefix(kind, "message/rfc822") {
			t.Errorf("content type of .eml: %q", kind)
		}
		return wantProperMail(t, eml.body, e.Subject, to)
	}
	t.Fatalf("no mail of message %s in the inbox: %+v", messageID, list)
	return letter{}
}

// wantProperMail checks a complete mail as any receiver would see it.
func wantProperMail(t *testing.T, raw []byte, subject, to string) letter {
	t.Helper()
	l, err := readLetter(raw)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, raw)
	}
	if got, err := l.header.Subject(); err != nil || subject != "" && got != subject {
		t.Errorf("subject %q, %v, want %q", got, err, subject)
	}
	if list, err := l.header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != to {
		t.Errorf("To: %v, %v", list, err)
	}
	if list, err := l.header.AddressList("From"); err != nil || len(list) != 1 {
		t.Errorf("From: %v, %v", list, err)
	}
	wantProperHeader(t, l)
	if l.text == "" || l.html == "" {
		t.Errorf("%d bytes of text, %d of HTML", len(l.text), len(l.html))
	}
	return l
}

// wantProperHeader checks the fields that are the same in every mail.
func wantProperHeader(t *testing.T, l letter) {
	t.Helper()
	if id, err := l.header.MessageID(); err != nil || id == "" {
		t.Errorf("Message-ID: %q, %v", id, err)
	}
	if date, err := l.header.Date(); err != nil || date.IsZero() {
		t.Errorf("Date: %v, %v", date, err)
	}
	if got := l.header.Get("Auto-Submitted"); got != "auto-generated" {
		t.Errorf("Auto-Submitted: %q", got)
	}
	if got := l.header.Get("X-Auto-Response-Suppress"); got != "OOF, AutoReply" {
		t.Errorf("X-Auto-Response-Suppress: %q", got)
	}
	if l.header.Has("List-Unsubscribe") {
		t.Error("List-Unsubscribe in a mail that cannot be subscribed to")
	}
}

// wantKeyset checks that the first start made the keyset, for nobody else to
// read.
func wantKeyset(t *testing.T, data string) {
	t.Helper()
	info, err := os.Stat(filepath.Join(data, "keyset.json"))
	if err != nil {
		t.Error(err)
		return
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode of the keyset: %v", mode)
	}
}
