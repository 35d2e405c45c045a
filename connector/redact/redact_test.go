package redact

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/connector"
)

func TestWords(t *testing.T) {
	t.Parallel()
	m := connector.Message{
		To: "jane.doe@example.com", Payload: map[string]any{"code": "428571", "link": "https://app.example.com/i?t=abcdef"},
		Text: "Hello Jane,\nthe secret sauce is basil and patience.\n",
		HTML: "<p>Hello <b>Jane</b>, welcome to the very private club.</p>",
	}
	r := New("hunter22").Of(m).Quoting(m)
	b64 := base64.StdEncoding.EncodeToString
	for in, want := range map[string]string{
		"no such user":                                               "no such user",
		"line one\r\nline\ttwo\x00\x07  three":                       "line one line two three",
		"<jane.doe@example.com>: user unknown":                       "<***@example.com>: user unknown",
		"JANE.DOE@EXAMPLE.COM unknown":                               "***@EXAMPLE.COM unknown",
		"user jane.doe is unknown":                                   "user *** is unknown",
		"xjane.doey is somebody else":                                "xjane.doey is somebody else",
		"your code 428571 looks like spam":                           "your code *** looks like spam",
		"code:428571.":                                               "code:***.",
		"4285\u200b71 with a hidden joint":                           "*** with a hidden joint",
		"bad link https://app.example.com/i?t=abcdef":                "bad link ***",
		"password hunter22 is wrong":                                 "password *** is wrong",
		"AUTH PLAIN " + b64([]byte("\x00u\x00hunter22")) + " failed": "AUTH PLAIN *** failed",
		"line " + b64([]byte("your code: 428571 now")):               "line ***",
		"found: the secret sauce is basil and patience. in the body": "found:[…] in the body",
		"phrase: welcome to the very private club!":                  "phrase:[…]!",
		"blocked \u202etxet esrever":                                 "blocked txet esrever",
		"bad bytes \xff\xfe":                                         "bad bytes \uFFFD\uFFFD",
		"":                                                           "",
	} {
		if got := r.Words(in, MaxWords); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestVariables: where the provider renders, it can quote the variables only.
func TestVariables(t *testing.T) {
	t.Parallel()
	m := connector.Message{To: "jane.doe@example.com", Payload: map[string]any{
		"code": "428571", "locale": "de", "organization": map[string]any{"name": "Basil & <Patience> Club"},
		"inviters": []any{map[string]any{"primaryEmail": "bob.example@example.org"}, 7, nil},
	}}
	r := New().Of(m).Quoting(m)
	for in, want := range map[string]string{
		`bad model {"name":"Basil & <Patience> Club","code":"428571"}`: `bad model {"name":"[…]","code":"***"}`,
		"bob.example@example.org is no variable":                       "[…] is no variable",
		"no template for de":                                           "no template for de",
	} {
		if got := r.Words(in, MaxWords); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	m.Text = "rendered here"
	if got := New().Of(m).Quoting(m).Words("bob.example@example.org is no variable", MaxWords); got != "bob.example@example.org is no variable" {
		t.Errorf("a rendered mail hides variables: %q", got)
	}
}

// TestWordsProperties: whatever a server says, what is passed on is one short
// line of UTF-8 without code, password and recipient.
func TestWordsProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[0-9]{6}`).Draw(t, "code")
		pass := rapid.StringMatching(`[A-Za-z0-9+/!?]{6,20}`).Draw(t, "pass")
		local := rapid.StringMatching(`[a-z][a-z0-9.+_-]{4,20}[a-z0-9]`).Draw(t, "local")
		r := New(pass).Of(connector.Message{
			To: local + "@example.com", Payload: map[string]any{"code": code},
		})
		piece := rapid.OneOf(
			rapid.Just(code), rapid.Just(pass), rapid.Just(local+"@example.com"), rapid.Just(" "),
			rapid.Just(base64.StdEncoding.EncodeToString([]byte("\x00user\x00"+pass))),
			rapid.String(), rapid.Just("\r\n"),
		)
		said := strings.Join(rapid.SliceOfN(piece, 0, 30).Draw(t, "said"), " ")
		got := r.Words(said, MaxWords)
		if len(got) > MaxWords || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
		for _, hidden := range []string{code, pass, local + "@"} {
			if strings.Contains(got, hidden) {
				t.Fatalf("%q is in %q", hidden, got)
			}
		}
	})
}

func FuzzWords(f *testing.F) {
	f.Add("550 5.1.1 <jane.doe@example.com> 428571", "428571")
	f.Add("\xff\xe2\x80\x8b\r\n.", "42")
	f.Fuzz(func(t *testing.T, said, code string) {
		m := connector.Message{To: "jane.doe@example.com", Payload: map[string]any{"code": code}, Text: said}
		got := New("hunter22").Of(m).Quoting(m).Words(said, MaxWords)
		if len(got) > MaxWords || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) ||
			strings.Contains(got, "hunter22") {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	})
}
