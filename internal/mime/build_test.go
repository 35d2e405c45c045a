package mime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	gomail "github.com/emersion/go-message/mail"
	"pgregory.net/rapid"

	"github.com/postern-mail/postern/connector"
)

func exampleMail() (connector.Message, Options) {
	return connector.Message{
			ID: "0198c9c3-3f4e-7a51-9d0f-0a4cf3f0d0ce", To: "ann@example.com",
			Subject: "123456 ist Ihr Code für Müllers Bäckerei – gültig für die nächsten zehn Minuten",
			HTML:    "<!doctype html>\n<p style=\"color: #333\">Ihr Code: <b>123456</b></p>\n",
			Text:    "Ihr Code: 123456\n.\nFrom now on it is valid. \n",
		}, Options{
			From:    connector.Mailbox{Name: "Bäckerei, Müller & Söhne", Address: "no-reply@müller.example"},
			ReplyTo: connector.Mailbox{Name: `Help "Desk"`, Address: "help@example.com"},
			Headers: map[string]string{"X-Campaign": "codes", "X-Note": "grün"},
			Date:    time.Date(2025, 8, 14, 9, 30, 0, 0, time.UTC),
		}
}

// TestGolden shows whole mails. After a wanted change, run it with
// UPDATE_GOLDEN=1 and read the difference.
func TestGolden(t *testing.T) {
	t.Parallel()
	both, o := exampleMail()
	plain := both
	plain.HTML, plain.Subject, plain.Text = "", "Your code", "你的验证码是 123456。\n"
	for name, m := range map[string]connector.Message{"alternative": both, "plain": plain} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := build(t, m, o)
			path := filepath.Join("testdata", name+".eml")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(path, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func build(t *testing.T, m connector.Message, o Options) []byte {
	t.Helper()
	raw, err := Build(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestBuildIsTheSameTwice(t *testing.T) {
	t.Parallel()
	m, o := exampleMail()
	o.Headers["X-A"], o.Headers["X-B"], o.Headers["X-C"] = "1", "2", "3"
	first := build(t, m, o)
	for range 20 {
		if !bytes.Equal(first, build(t, m, o)) {
			t.Fatal("two builds of one message differ")
		}
	}
	m.ID = "another"
	if other := build(t, m, o); bytes.Contains(other, []byte(boundaryOf("0198c9c3-3f4e-7a51-9d0f-0a4cf3f0d0ce"))) {
		t.Error("another message has the same boundary")
	}
}

func TestBuildTakesTheTimeItself(t *testing.T) {
	t.Parallel()
	m, o := exampleMail()
	o.Date = time.Time{}
	before := time.Now().Truncate(time.Second)
	date, err := read(t, build(t, m, o)).head.Date()
	if err != nil || date.Before(before) || date.After(time.Now()) {
		t.Errorf("Date is %v (%v)", date, err)
	}
}

func TestBuildMessageID(t *testing.T) {
	t.Parallel()
	tests := []struct{ id, from, want string }{
		{"0198-a_b.c", "x@example.com", "<0198-a_b.c@example.com>"},
		{"0198", "x@müller.example", "<0198@xn--mller-kva.example>"},
		{"a b>\r\n", "x@example.com", "<7cecd23c7f9fa3b4100a9a9c5e968d5c@example.com>"},
	}
	for _, tt := range tests {
		m, o := exampleMail()
		m.ID, o.From.Address = tt.id, tt.from
		if got := read(t, build(t, m, o)).head.Get("Message-ID"); got != tt.want {
			t.Errorf("id %q from %s: got %s, want %s", tt.id, tt.from, got, tt.want)
		}
	}
	if _, err := Build(connector.Message{To: "a@example.com"}, Options{From: connector.Mailbox{Address: "b@example.com"}}); err == nil {
		t.Error("a message without id was built")
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*connector.Message, *Options)
		want   error
	}{
		{"no recipient", func(m *connector.Message, _ *Options) { m.To = "" }, ErrAddress},
		{"two recipients", func(m *connector.Message, _ *Options) { m.To = "a@example.com,b@example.com" }, ErrAddress},
		{"recipient with name", func(m *connector.Message, _ *Options) { m.To = "A <a@example.com>" }, ErrAddress},
		{"newline in recipient", func(m *connector.Message, _ *Options) { m.To = "a@example.com\r\nBcc: b@example.com" }, ErrAddress},
		{"NUL in recipient", func(m *connector.Message, _ *Options) { m.To = "a\x00@example.com" }, ErrAddress},
		{"no sender", func(_ *connector.Message, o *Options) { o.From.Address = "" }, ErrAddress},
		{"newline in sender", func(_ *connector.Message, o *Options) { o.From.Address = "a@example.com\nX: y" }, ErrAddress},
		{"newline in reply-to", func(_ *connector.Message, o *Options) { o.ReplyTo.Address = "a@example.com\rX: y" }, ErrAddress},
		{"UTF-8 recipient", func(m *connector.Message, _ *Options) { m.To = "änn@example.com" }, ErrNeedsUTF8},
		{"UTF-8 sender", func(_ *connector.Message, o *Options) { o.From.Address = "änn@example.com" }, ErrNeedsUTF8},
		{"UTF-8 reply-to", func(_ *connector.Message, o *Options) { o.ReplyTo.Address = "änn@example.com" }, ErrNeedsUTF8},
		{"newline in header", func(_ *connector.Message, o *Options) { o.Headers["X-A"] = "1\r\nBcc: b@example.com" }, ErrHeader},
		{"newline in header name", func(_ *connector.Message, o *Options) { o.Headers["X-A: 1\r\nBcc"] = "b@example.com" }, ErrHeader},
		{"own header", func(_ *connector.Message, o *Options) { o.Headers["bCC"] = "b@example.com" }, ErrHeader},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, o := exampleMail()
			tt.change(&m, &o)
			if raw, err := Build(m, o); !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v\n%s", err, tt.want, raw)
			}
		})
	}
}

func TestBuildStrips(t *testing.T) {
	t.Parallel()
	m, o := exampleMail()
	m.Subject = "Code\r\nBcc: eve@example.com\u2028\x00\u0085 1"
	o.From.Name = "Acme\r\nBcc: eve@example.com"
	o.ReplyTo.Name = "Help\n\r\nBcc: eve@example.com\t"
	raw := build(t, m, o)
	got := read(t, raw)
	if subject, _ := got.head.Subject(); subject != "CodeBcc: eve@example.com 1" {
		t.Errorf("subject is %q", subject)
	}
	if from := got.address(t, "From"); from.Name != "AcmeBcc: eve@example.com" {
		t.Errorf("From is %v", from)
	}
	if reply := got.address(t, "Reply-To"); reply.Name != "HelpBcc: eve@example.com" {
		t.Errorf("Reply-To is %v", reply)
	}
	if got.head.Has("Bcc") {
		t.Errorf("there is a Bcc header:\n%s", raw)
	}
}

func TestBuildAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		to, want string
		utf8OK   bool
	}{
		{"ann@bücher.example", "ann@xn--bcher-kva.example", false},
		{"ann@bücher.example", "ann@bücher.example", true},
		{"änn@bücher.example", "änn@bücher.example", true},
		{"ann+tag@example.com", "ann+tag@example.com", false},
		{"ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example", false},
		{"ann@localhost", "ann@localhost", false},
	}
	for _, tt := range tests {
		m, o := exampleMail()
		m.To, o.UTF8 = tt.to, tt.utf8OK
		if got := read(t, build(t, m, o)).head.Get("To"); got != tt.want {
			t.Errorf("%s with UTF8=%t: got %s, want %s", tt.to, tt.utf8OK, got, tt.want)
		}
	}
}

func TestNeedsUTF8(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{"ann@example.com": false, "ann@bücher.example": false, "änn@example.com": true, "ä": true, "": false} {
		if got := NeedsUTF8(addr); got != want {
			t.Errorf("NeedsUTF8(%q) = %t", addr, got)
		}
	}
}

func TestASCII(t *testing.T) {
	t.Parallel()
	tests := []struct {
		addr, want string
		err        error
	}{
		{"ann@bücher.example", "ann@xn--bcher-kva.example", nil},
		{"ann@example.com", "ann@example.com", nil},
		{"änn@example.com", "", ErrNeedsUTF8},
		{"ann", "", ErrAddress},
		{"@example.com", "", ErrAddress},
		{"ann@", "", ErrAddress},
		{"ann@" + strings.Repeat("ü", 64) + ".example", "", ErrAddress},
	}
	for _, tt := range tests {
		got, err := ASCII(tt.addr)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ASCII(%q) = %q, %v; want %q, %v", tt.addr, got, err, tt.want, tt.err)
		}
	}
}

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"From", "to", "CC", "Bcc", "Sender", "reply-to", "Subject", "DATE", "message-id", "MIME-Version", "Content-Type",
		"content-transfer-encoding", "Content-X", "DKIM-Signature", "Return-Path", "Received", "Resent-To", "resent-from",
		"Auto-Submitted", "X-Auto-Response-Suppress", "", "X A", "X:A", "X\r\nA", "Ü", strings.Repeat("x", 77),
	} {
		if err := CheckHeader(name, "x"); !errors.Is(err, ErrHeader) {
			t.Errorf("the header %q is allowed", name)
		}
	}
	for _, value := range []string{"a\r\nb", "a\nb", "a\rb", "a\x00b", "a\x7fb", "a\tb", "a\u2028b", "a\u0085b", "a\xffb"} {
		if err := CheckHeader("X-A", value); !errors.Is(err, ErrHeader) {
			t.Errorf("the value %q is allowed", value)
		} else if strings.Contains(err.Error(), value) {
			t.Errorf("the error repeats the value: %v", err)
		}
	}
	for name, value := range map[string]string{"X-SES-CONFIGURATION-SET": "codes", "List-Id": "<a.example.com>", "X-Empty": "", "Precedence": "grün"} {
		if err := CheckHeader(name, value); err != nil {
			t.Errorf("%s: %s is refused: %v", name, value, err)
		}
	}
}

// TestBuildRoundTrip reads mails with another implementation: what was put in
// comes out, and every line keeps the rules.
func TestBuildRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := connector.Message{
			ID: rapid.StringMatching(`[0-9a-f]{8}|.+`).Draw(t, "id"), To: "ann@example.com",
			Subject: oddText().Draw(t, "subject"),
			HTML:    oddText().Draw(t, "html"),
			Text:    oddText().Draw(t, "text"),
		}
		name, note := oddText().Draw(t, "name"), strip(oddText().Draw(t, "note"))
		raw, err := Build(m, Options{
			From: connector.Mailbox{Name: name, Address: "no-reply@example.com"}, Date: time.Unix(1e9, 0),
			Headers: map[string]string{"X-Note-That-Has-A-Very-Long-Name-And-Takes-Most-Of-The-Line": note},
		})
		if err != nil {
			t.Fatal(err)
		}
		checkLines(t, raw)
		got := read(t, raw)
		if subject, err := got.head.Subject(); err != nil || subject != strip(m.Subject) {
			t.Errorf("subject %q came out as %q (%v)", strip(m.Subject), subject, err)
		}
		if from := got.address(t, "From"); from.Name != strip(name) || from.Address != "no-reply@example.com" {
			t.Errorf("name %q came out as %q", strip(name), from)
		}
		if text, err := got.head.Text("X-Note-That-Has-A-Very-Long-Name-And-Takes-Most-Of-The-Line"); err != nil || text != note {
			t.Errorf("header %q came out as %q (%v)", note, text, err)
		}
		got.expect(t, m)
	})
}

// oddText draws what mails should not hold, and do.
func oddText() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[ -~]{0,100}`),
		rapid.SampledFrom([]string{
			"\r\n", "\n", "\r", "\n\n", " \n", "\t\n", ".\n", "\n.", "\nFrom me", "From ", "=", "=?UTF-8?Q?x?=", "?=", "\"", "\\",
			"  ", " ", ",", "<a@b.c>", "😀", "👩‍👩‍👧", "ä", "中文", "العربية", "\x00", "\xff", "\u0085", "\u2028", "--=_", "é",
			strings.Repeat("x", 5000), strings.Repeat("ü", 999), strings.Repeat("😀", 40), strings.Repeat(".", 80), strings.Repeat(" ", 80),
			strings.Repeat("word ", 40), strings.Repeat("x", 76), strings.Repeat("x", 75) + "\n",
		}),
	)
	return rapid.Map(rapid.SliceOfN(piece, 0, 8), func(pieces []string) string { return strings.Join(pieces, "") })
}

func FuzzBuild(f *testing.F) {
	f.Add("id", "ann@example.com", "Subject", "<p>HTML</p>", "text", "Name", "a@example.com", "X-A", "value", false)
	f.Add("\r\n", "änn@bücher.example", "=?", "\r.\nFrom ", "\xff", "\"\\\r\n", "a@b", "X", "\u2028", true)
	f.Fuzz(func(t *testing.T, id, to, subject, html, text, name, from, header, value string, utf8OK bool) {
		m := connector.Message{ID: id, To: to, Subject: subject, HTML: html, Text: text}
		o := Options{
			From: connector.Mailbox{Name: name, Address: from}, ReplyTo: connector.Mailbox{Name: name, Address: to},
			Headers: map[string]string{header: value}, Date: time.Unix(1e9, 0), UTF8: utf8OK,
		}
		raw, err := Build(m, o)
		if err != nil {
			return
		}
		checkLines(t, raw)
		head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		if len(text) > 0 || len(html) > 0 {
			read(t, raw).expect(t, m)
		}
		if !utf8OK && !isASCII(string(head)) {
			t.Errorf("the head is not ASCII:\n%q", head)
		}
		if n := strings.Count("\r\n"+strings.ToLower(string(head)), "\r\nto:"); n != 1 {
			t.Errorf("%d To headers:\n%s", n, head)
		}
		const fields = 12 // ten of our own, one further, Content-Transfer-Encoding at most
		if n := strings.Count(string(head), "\r\n") + 1 - strings.Count(string(head), "\r\n "); n > fields {
			t.Errorf("%d headers:\n%s", n, head)
		}
	})
}

// checkLines checks what RFC 5322 section 2.1.1 asks of every line.
func checkLines(t rapid.TB, raw []byte) {
	t.Helper()
	lines := strings.Split(string(raw), "\r\n")
	if last := lines[len(lines)-1]; last != "" {
		t.Errorf("the last line does not end: %q", last)
	}
	head := true
	for i, line := range lines {
		head = head && line != ""
		switch {
		case strings.ContainsAny(line, "\r\n\x00"):
			t.Errorf("line %d holds a control character: %q", i, line)
		case len(line) > 998, !head && len(line) > 76:
			t.Errorf("line %d has %d characters", i, len(line))
		case head && len(line) > 76 && strings.Contains(line, "=?UTF-8?"):
			t.Errorf("line %d has %d characters: %q", i, len(line), line)
		case strings.TrimSpace(line) == "" && line != "":
			t.Errorf("line %d is only white space", i)
		case strings.HasPrefix(line, ".") || strings.HasPrefix(line, "From "):
			t.Errorf("line %d is in danger on its way: %q", i, line)
		}
	}
}

// readMail is a mail as go-message reads it.
type readMail struct {
	head  *gomail.Header
	types []string
	parts []string
}

func read(t rapid.TB, raw []byte) readMail {
	t.Helper()
	r, err := gomail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("read the mail: %v\n%s", err, raw)
	}
	got := readMail{head: &r.Header}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatalf("read a part: %v\n%s", err, raw)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatalf("read a body: %v\n%s", err, raw)
		}
		got.types = append(got.types, part.Header.Get("Content-Type"))
		got.parts = append(got.parts, string(body))
	}
}

func (r readMail) address(t rapid.TB, name string) *mail.Address {
	t.Helper()
	list, err := r.head.AddressList(name)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s is %v (%v)", name, list, err)
	}
	return list[0]
}

// expect compares the bodies, text first. A single part may have got a line end.
func (r readMail) expect(t rapid.TB, m connector.Message) {
	t.Helper()
	var want, types []string
	if m.Text != "" || m.HTML == "" {
		want, types = append(want, m.Text), append(types, "text/plain; charset=utf-8")
	}
	if m.HTML != "" {
		want, types = append(want, m.HTML), append(types, "text/html; charset=utf-8")
	}
	if fmt.Sprint(types) != fmt.Sprint(r.types) {
		t.Fatalf("parts are %q, want %q", r.types, types)
	}
	for i, got := range r.parts {
		want := crlf(strings.ToValidUTF8(want[i], "\uFFFD"))
		if len(types) == 1 {
			got, want = strings.TrimSuffix(got, "\r\n"), strings.TrimSuffix(want, "\r\n")
		}
		if got != want || !utf8.ValidString(got) {
			t.Errorf("part %d: %q came out as %q", i, want, got)
		}
	}
}
