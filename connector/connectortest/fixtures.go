package connectortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
)

// Fixtures are the messages whose requests are kept in testdata, by the name
// of their file.
func Fixtures() map[string]connector.Message {
	base := connector.Message{
		ID: "0193a1b2-0000-7000-8000-000000000001", Type: connector.SignIn, To: "ann@example.com",
		Subject: "Your sign-in code: 135790",
		HTML:    `<p>Your code: <b>135790</b> & nothing else</p>`,
		Text:    "Your code: 135790",
		Locale:  "de",
		Payload: map[string]any{
			"code": "135790", "locale": "de", "uiLocales": "de-CH de",
			"application": map[string]any{"id": "app1", "name": "Acme"},
		},
		IP: "203.0.113.7",
	}
	text, unicode, replyTo, sendFrom, link := base, base, base, base, base
	text.HTML = ""
	unicode.Subject = "Ваш код — 您的验证码 🔑"
	unicode.From.Name = "Zoë “Søren” 株式会社"
	unicode.HTML, unicode.Text = "<p>Žluťoučký kůň — 漢字 🔑</p>", "Žluťoučký kůň — 漢字 🔑"
	unicode.To = "ann@bücher.example"
	replyTo.ReplyTo = connector.Mailbox{Name: "Support, please", Address: "support@example.org"}
	sendFrom.From = connector.Mailbox{Name: "Other Name", Address: "other@example.org"}
	link.Type, link.Subject = connector.OrganizationInvitation, "You are invited"
	link.HTML, link.Text = `<a href="https://app.example.com/i?t=1&amp;u=2">Join</a>`, "Join: https://app.example.com/i?t=1&u=2"
	link.Payload = map[string]any{"link": "https://app.example.com/i?t=1&u=2", "locale": "de"}
	return map[string]connector.Message{
		"html": base, "text": text, "unicode": unicode, "reply-to": replyTo, "send-from": sendFrom, "invitation": link,
	}
}

// unrendered are the messages whose requests are kept where the provider
// renders.
func unrendered() map[string]connector.Message {
	out := map[string]connector.Message{}
	for name, m := range Fixtures() {
		m.Subject, m.HTML, m.Text = "", "", ""
		switch name {
		case "text": // would be as html
		case "html":
			out["payload"] = m
		case "unicode":
			m.Payload = maps.Clone(m.Payload)
			m.Payload["organization"] = map[string]any{"name": "株式会社 <Søren & Zoë> 🔑"}
			out["payload-unicode"] = m
		default:
			out["payload-"+name] = m
		}
	}
	return out
}

// fixtures proves that requests are those that the provider documents.
func (c HTTPCase) fixtures(t *testing.T) {
	t.Parallel()
	messages := Fixtures()
	if (Case{Factory: c.Factory, Lacks: c.Lacks}).lacks(Wording) {
		messages = unrendered()
	}
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, p := c.opened(t, c.Accept)
			_, err := opened.Send(t.Context(), m)
			must(t, err)
			path := filepath.Join("testdata", name+".http")
			want, err := os.ReadFile(path) // a fixture that is missing is an empty one
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			sent := p.mails(c)
			if len(sent) != 1 {
				t.Fatalf("%d requests", len(sent))
			}
			if got := c.written(t, sent[0], p.URL); got != string(want) {
				t.Errorf("%s holds\n%s\nbut the request is\n%s(end of request)", path, want, got)
				keep(t, name+".http", got)
			}
		})
	}
}

// keep writes a request that is no fixture to where go test -artifacts keeps
// files, to be read against the documentation and moved to testdata.
func keep(t *testing.T, name, request string) {
	t.Helper()
	path := filepath.Join(t.ArtifactDir(), name)
	must(t, os.WriteFile(path, []byte(request), 0o600))
	t.Logf("the request is in %s, if the test was run with -artifacts", path)
}

// written writes a request for people: the headers that matter in their
// order, JSON indented, a form line by line.
func (c HTTPCase) written(t *testing.T, r Request, endpoint string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(r.Method + " " + r.Path + "\n")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch name {
		case "Accept-Encoding", "User-Agent", "Content-Length", "Connection":
			continue
		}
		b.WriteString(name + ": " + c.shown(name, strings.Join(r.Header[name], ", ")) + "\n")
	}
	b.WriteString("\n")
	switch kind := r.Header.Get("Content-Type"); {
	case c.Shown != nil:
		b.WriteString(c.Shown(r))
	case strings.HasPrefix(kind, "application/json"):
		var out bytes.Buffer
		must(t, json.Indent(&out, r.Body, "", "  "))
		b.Write(out.Bytes())
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		form, err := url.ParseQuery(string(r.Body))
		must(t, err)
		for _, name := range slices.Sorted(maps.Keys(form)) {
			for _, value := range form[name] {
				b.WriteString(name + "=" + c.shown(name, value) + "\n")
			}
		}
	default:
		b.Write(r.Body)
	}
	host := strings.TrimPrefix(endpoint, "http://")
	return strings.TrimRight(strings.ReplaceAll(b.String(), host, "HOST"), "\n") + "\n"
}

// shown replaces what differs in each request.
func (c HTTPCase) shown(name, value string) string {
	if slices.Contains(c.Unsigned, name) {
		return "…"
	}
	return value
}
