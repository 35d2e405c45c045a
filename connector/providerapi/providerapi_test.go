package providerapi

import (
	"errors"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/connector"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-7": 0, "7.5": 0, "soon": 0,
		"99999999999999": 0, "86401": maxRetryAfter,
		"Tue, 03 Feb 2026 04:05:36 GMT":   30 * time.Second,
		"Tuesday, 03-Feb-26 04:05:36 GMT": 30 * time.Second,
		"Tue, 03 Feb 2026 04:05:00 GMT":   0,
		"Tue, 03 Feb 2099 04:05:00 GMT":   maxRetryAfter,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestEnhancedStatus(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"550 5.1.1 user unknown": "5.1.1", "smtp;550 5.7.26 rejected": "5.7.26", "5.1.10": "5.1.10", "(4.2.2)": "4.2.2",
		"5.1.1.": "5.1.1", "status 5.1.1. Go away": "5.1.1", "Error: 5.1.1, gone": "5.1.1",
		"": "", "550 no such user": "", "from 10.5.1.1": "", "at 5.1.1.7": "", "v15.1.1": "", "3.1.1": "", "5.1": "", "5.1.1111": "",
	} {
		if got := EnhancedStatus(words); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for id, kept := range map[string]bool{
		"0193a1b2-0000-7000-8000-000000000001": true, "a.b_c": true,
		"a b": false, "a\r\nX: y": false, strings.Repeat("x", 65): false, "ä": false,
	} {
		got := Key(id)
		if (got == id) != kept || got != Key(id) || strings.ContainsAny(got, " \r\n") || len(got) > 64 {
			t.Errorf("%q: %q", id, got)
		}
	}
	if Key("a b") == Key("a c") {
		t.Error("two messages have one key")
	}
}

func TestJSONWords(t *testing.T) {
	t.Parallel()
	const body = `{"code": 7, "error": {"message": "no", "deep": [{"x": "y"}]}, "errors": ["a", {"m": "b"}], "null": null}`
	for paths, want := range map[string]string{
		"error.message": "no", "code": "7", "errors.0": "a", "errors.1.m": "b", "error.deep.0.x": "y", "code error.message": "7: no",
		"errors.2": "", "errors.-1": "", "errors.x": "", "none": "", "error": "", "null": "", "code.x": "",
	} {
		if got := JSONWords([]byte(body), strings.Fields(paths)...); got != want {
			t.Errorf("%s: %q, want %q", paths, got, want)
		}
	}
	if got := JSONWords([]byte("<html>"), "x"); got != "" {
		t.Errorf("no JSON: %q", got)
	}
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	both := BasicAuth{WebhookUser: "user", WebhookPassword: "pass"}
	header := func(user, password string) connector.Callback {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		return connector.Callback{Header: r.Header}
	}
	for name, tt := range map[string]struct {
		auth    BasicAuth
		c       connector.Callback
		genuine bool
	}{
		"right":                     {both, header("user", "pass"), true},
		"wrong user":                {both, header("User", "pass"), false},
		"wrong password":            {both, header("user", "pass "), false},
		"none given":                {both, connector.Callback{Header: http.Header{}}, false},
		"none wanted":               {BasicAuth{}, connector.Callback{Header: http.Header{}}, true},
		"a password alone":          {BasicAuth{WebhookPassword: "pass"}, header("", "pass"), true},
		"a password alone, missing": {BasicAuth{WebhookPassword: "pass"}, header("", ""), false},
	} {
		if err := tt.auth.Verify(tt.c); (err == nil) != tt.genuine || err != nil && !errors.Is(err, connector.ErrNotGenuine) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_760_000_000, 0)
	for age, want := range map[time.Duration]bool{0: true, MaxAge: true, -MaxAge: true, MaxAge + 1: false, -MaxAge - 1: false} {
		if got := Fresh(now.Add(-age), now); got != want {
			t.Errorf("%v old: %v", age, got)
		}
	}
}

// TestMailIsSafe: whatever a message holds, what goes out has valid addresses
// and single lines, or is refused for good; and a mailbox reads back as it was.
func TestMailIsSafe(t *testing.T) {
	t.Parallel()
	sender := Sender{From: connector.Mailbox{Name: "Acme", Address: "no-reply@example.com"}}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"", "ann@example.com", "ann@bücher.example", "a@b\r\nBcc: c@d.example", "Ann <a@b.example>", "a@b.example,c@d.example", `"q" \ <x>`,
		}))
		m := connector.Message{
			ID: text.Draw(t, "id"), To: text.Draw(t, "to"), Subject: text.Draw(t, "subject"),
			From:    connector.Mailbox{Name: text.Draw(t, "name"), Address: text.Draw(t, "from")},
			ReplyTo: connector.Mailbox{Name: text.Draw(t, "reply name"), Address: text.Draw(t, "reply to")},
		}
		out, err := sender.Mail(m)
		if err != nil {
			if connector.ClassOf(err) != connector.Permanent || len(m.To) > 12 && strings.Contains(err.Error(), m.To) {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, line := range []string{out.Subject, out.From.Name, out.ReplyTo.Name, out.To, out.From.Address, out.ReplyTo.Address} {
			if strings.ContainsAny(line, "\r\n\x00\u2028") {
				t.Fatalf("%q breaks a line", line)
			}
		}
		got, err := mail.ParseAddress(Header(out.From))
		if err != nil || got.Address != out.From.Address || got.Name != out.From.Name && !strings.Contains(out.From.Name, "=?") {
			t.Fatalf("%q reads as %+v, %v; want %+v", Header(out.From), got, err, out.From)
		}
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for endpoint, valid := range map[string]bool{
		"https://api.example.com": true, "https://api.example.com/v2/": true, "https://api.example.com:8443": true,
		"http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost": true, "": true,
		"http://api.example.com": false, "http://127.0.0.1.example.com": false, "ftp://api.example.com": false, "api.example.com": false,
		"https://": false, "https://u@api.example.com": false, "https://api.example.com?x=y": false, "https://api.example.com#x": false,
		"https://api.example.com/\r\nX: y": false, "https://api. example.com": false, "https:api.example.com": false,
	} {
		if issues := (Server{Endpoint: endpoint}).Validate(); (len(issues) == 0) != valid {
			t.Errorf("%q: %v", endpoint, issues)
		}
	}
	if got := (Server{Endpoint: "https://api.example.com/v2/"}).URL("/emails"); got != "https://api.example.com/v2/emails" {
		t.Errorf("URL %s", got)
	}
	for _, bad := range []Headers{{"Bcc": "x"}, {"X-A": "a\r\nb"}, {"": "x"}, {"Content-Type": "x"}} {
		if len(bad.Validate()) != 1 {
			t.Errorf("%v is accepted", bad)
		}
	}
}
