package api

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/outbox"
)

func TestIssuePath(t *testing.T) {
	t.Parallel()
	for location, want := range map[string][]any{
		"body": {}, "body.email": {"email"}, "query.page": {"page"}, "path.id": {"id"},
		"body.templates[0].subject": {"templates", 0, "subject"}, "body.a[1][2]": {"a", 1, 2}, "body[3].x": {3, "x"},
		"": {},
	} {
		if got := issuePath(location); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", location, got, want)
		}
	}
}

func FuzzIssuePath(f *testing.F) {
	for _, seed := range []string{"body.templates[0].subject", "a[", "a]", "[[[]", "...", "a[999999999999999999999]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, location string) {
		for _, step := range issuePath(location) {
			switch step.(type) {
			case string, int:
			default:
				t.Errorf("step %v", step)
			}
		}
	})
}

func TestIssues(t *testing.T) {
	t.Parallel()
	secret := "hunter2"
	err := readError(&huma.ErrorModel{Status: 422, Errors: []*huma.ErrorDetail{
		{Location: "body", Message: "expected required property email to be present", Value: secret},
		{Location: "body.a", Message: "expected string", Value: secret},
		{Location: "body.b[1]", Message: "expected length <= 3", Value: secret},
		{Location: "body.c", Message: `expected value to be one of "x, y"`, Value: secret},
	}}, maxBody)
	f, ok := err.(*fault.Fault) //nolint:errorlint // it is this very type
	if !ok || f.Code != "guard.invalid_input" {
		t.Fatal(err)
	}
	want := []fault.Issue{
		{Path: []any{"email"}, Code: "required", Message: "is required"},
		{Path: []any{"a"}, Code: "invalid_type", Message: "expected string"},
		{Path: []any{"b", 1}, Code: "too_big", Message: "expected length <= 3"},
		{Path: []any{"c"}, Code: "invalid_value", Message: `expected value to be one of "x, y"`},
	}
	if !reflect.DeepEqual(f.Issues, want) {
		t.Errorf("issues %+v", f.Issues)
	}
	if got := details(f.Issues); got != "email: is required\na: expected string\nb[1]: expected length <= 3\n"+`c: expected value to be one of "x, y"` {
		t.Errorf("details %q", got)
	}
	if strings.Contains(fmt.Sprintf("%+v", f), secret) {
		t.Error("the value at fault came along")
	}
}

// Every kind of fault has a status, and none but Internal is a 500.
func TestStatuses(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.Invalid: 400, fault.Unprocessable: 422, fault.Unauthorized: 401, fault.Forbidden: 403,
		fault.NotFound: 404, fault.Conflict: 409, fault.TooLarge: 413, fault.TooMany: 429, fault.NotImplemented: 501,
		fault.Unavailable: 503,
	}
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		if statusOf(kind) != want[kind] {
			t.Errorf("kind %d: %d, want %d", kind, statusOf(kind), want[kind])
		}
	}
	if statusOf(fault.Unavailable+1) != 500 {
		t.Error("an unknown kind must be an internal error")
	}
}

func TestPreferredWait(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "wait=10": 10 * time.Second, "wait=30": 30 * time.Second, "wait=31": 30 * time.Second, "wait=0": 0, "wait=-1": 0,
		"wait": 0, "wait=": 0, "wait=x": 0, "wait=1.5": 0, "wait=99999999999999999999": 0, `wait="7"`: 7 * time.Second,
		"WAIT = 5": 5 * time.Second, "respond-async, wait=5": 5 * time.Second, "wait=5; foo=bar": 5 * time.Second,
		"handling=lenient; wait=9": 0, "wait=2, wait=9": 2 * time.Second, "await=9": 0, "respond-async|wait=3|wait=4": 3 * time.Second,
	} {
		if got := preferredWait(strings.Split(header, "|")); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func FuzzPreferredWait(f *testing.F) {
	f.Add("wait=10, respond-async")
	f.Fuzz(func(t *testing.T, header string) {
		if got := preferredWait([]string{header}); got < 0 || got > maxWait {
			t.Errorf("%q: %v", header, got)
		}
	})
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status outbox.Status
		last   *events.Attempt
		code   string
		kind   fault.Kind
	}{
		"sent":          {outbox.Sent, &events.Attempt{}, "", 0},
		"sent, perhaps": {outbox.Sent, &events.Attempt{Class: connector.InvalidResponse}, "", 0},
		"deferred":      {outbox.Accepted, &events.Attempt{Class: connector.Temporary}, "", 0},
		"superseded":    {outbox.Superseded, nil, "", 0},
		"refused":       {outbox.Failed, &events.Attempt{Class: connector.Permanent}, "connector.general", fault.Invalid},
		"no template": {
			outbox.Failed, &events.Attempt{Class: connector.Permanent, Answer: connector.ErrTemplateNotFound.Error()},
			"connector.template_not_found", fault.Invalid,
		},
		"no such user":   {outbox.Failed, &events.Attempt{Class: connector.Recipient}, "connector.general", fault.Invalid},
		"expired":        {outbox.Expired, nil, "connector.general", fault.Invalid},
		"expired, down":  {outbox.Expired, &events.Attempt{Class: connector.Temporary}, "connector.general", fault.Invalid},
		"asked to wait":  {outbox.Expired, &events.Attempt{Class: connector.Throttled}, "connector.rate_limit_exceeded", fault.TooMany},
		"wrong settings": {outbox.Expired, &events.Attempt{Class: connector.ConfigFault}, "connector.general", fault.Invalid},
	} {
		story := events.Story{Message: outbox.Message{Status: c.status}}
		if c.last != nil {
			story.Attempts = []events.Attempt{{}, *c.last}
		}
		err := refusal(story)
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		f, ok := err.(*fault.Fault) //nolint:errorlint // it is this very type
		if !ok || f.Code != c.code || f.Kind != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	at, err := url.Parse("/api/messages?to=a%40b.c&page=9")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in    PageInput
		total int
		rels  string
	}{
		"first of three": {PageInput{Page: 1, PageSize: 10}, 30, "first=1 next=2 last=3"},
		"second":         {PageInput{Page: 2, PageSize: 10}, 30, "first=1 prev=1 next=3 last=3"},
		"last":           {PageInput{Page: 3, PageSize: 10}, 21, "first=1 prev=2 last=3"},
		"beyond":         {PageInput{Page: 9, PageSize: 10}, 21, "first=1 prev=3 last=3"},
		"empty":          {PageInput{Page: 1}, 0, "first=1 last=1"},
		"size alone":     {PageInput{PageSize: 5}, 6, "first=1 next=2 last=2"},
	} {
		out := c.in.output(at, c.total)
		var rels []string
		for link := range strings.SplitSeq(out.Link, ", ") {
			target, rel, _ := strings.Cut(link, ">; rel=")
			u, err := url.Parse(strings.TrimPrefix(target, "<"))
			if err != nil || u.Path != "/api/messages" || u.Query().Get("to") != "a@b.c" {
				t.Fatalf("%s: link %s", name, link)
			}
			rels = append(rels, strings.Trim(rel, `"`)+"="+u.Query().Get("page"))
		}
		if got := strings.Join(rels, " "); got != c.rels || out.TotalNumber != fmt.Sprint(c.total) {
			t.Errorf("%s: %s of %s, want %s", name, got, out.TotalNumber, c.rels)
		}
	}
	if (PageInput{}).output(at, 5) != (PageOutput{}) {
		t.Error("headers without being asked for a page")
	}
}

// The pages of a list are the list.
func TestPagesAreTheList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Int(), 0, 60).Draw(t, "list")
		size := rapid.IntRange(1, 100).Draw(t, "size")
		var all []int
		for page := 1; page <= 62; page++ {
			part := cut(PageInput{Page: page, PageSize: size}, list)
			if len(part) > size {
				t.Fatalf("page of %d", len(part))
			}
			all = append(all, part...)
		}
		if len(all) != len(list) || len(list) > 0 && !reflect.DeepEqual(all, list) {
			t.Fatalf("%v, want %v", all, list)
		}
		if got := cut(PageInput{}, list); len(got) != len(list) {
			t.Fatalf("whole list of %d", len(got))
		}
	})
}

// In no minute does a key send more than its budget.
func TestTestBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newTestBudget()
		now := time.Unix(1_800_000_000, 0)
		var sent []time.Time
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 20_000), 1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(step) * time.Millisecond)
			wait := b.spend("key", now)
			if wait < 0 || wait > time.Minute {
				t.Fatalf("wait %v", wait)
			}
			if wait > 0 {
				continue
			}
			sent = append(sent, now)
			if n := len(sent); n > testsAMinute && now.Sub(sent[n-1-testsAMinute]) < time.Minute {
				t.Fatal("more than the budget in a minute")
			}
		}
		if b.spend("other", now) != 0 {
			t.Fatal("keys share a budget")
		}
	})
}

// Keys that send no more are forgotten.
func TestBudgetsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newTestBudget()
		for i := range maxBudgets {
			b.spend(fmt.Sprint(i), time.Now())
		}
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		b.spend("new", time.Now())
		if len(b.sent) != 1 {
			t.Errorf("%d budgets are kept", len(b.sent))
		}
	})
}

func TestReadMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ raw, from, text, html string }{
		"plain":            {"From: a@b.c\r\n\r\nhello\r\nworld\r\n", "a@b.c", "hello\nworld\n", ""},
		"folded, encoded":  {"From: =?utf-8?q?J=C3=BCrgen?=\r\n <j@b.c>\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aMO2PC9i\r\nPg==\r\n", "Jürgen <j@b.c>", "", "<b>hö</b>"},
		"quoted-printable": {"From: a@b.c\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx=3Dy=\r\nz\r\n", "a@b.c", "x=yz\n", ""},
		"alternative": {"From: a@b.c\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nt\r\n" +
			"--b\r\nContent-Type: text/html\r\n\r\n<p>h\r\n--b--\r\n", "a@b.c", "t", "<p>h"},
		"no mail":           {"nonsense", "", "", ""},
		"nothing":           {"", "", "", ""},
		"unknown charset":   {"From: =?x-unknown?q?a?= <a@b.c>\r\n\r\nt", "=?x-unknown?q?a?= <a@b.c>", "t", ""},
		"broken base64":     {"From: a@b.c\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=!!!", "a@b.c", "hi", ""},
		"multipart, no end": {"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nt", "a@b.c", "t", ""},
	} {
		m := readMail([]byte(c.raw))
		if m.From != c.from || m.Text != c.text || m.HTML != c.html || m.Headers == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// A mail of very many parts is not read to its end.
func TestPartsAreBounded(t *testing.T) {
	t.Parallel()
	mail := func(parts int) []byte {
		return []byte("From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
			strings.Repeat("--b\r\nContent-Type: image/png\r\n\r\n\r\n", parts) + "--b\r\n\r\ntext\r\n--b--\r\n")
	}
	if got := readMail(mail(maxParts - 2)).Text; got != "text" {
		t.Errorf("text %q", got)
	}
	if got := readMail(mail(maxParts)).Text; got != "" {
		t.Errorf("text %q behind %d parts", got, maxParts)
	}
}

func FuzzReadMail(f *testing.F) {
	f.Add([]byte("From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n"))
	f.Add([]byte("Subject: x\r\n y\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := readMail(raw)
		var out bytes.Buffer
		if err := writeJSON(&out, m); err != nil {
			t.Errorf("not shown: %v", err)
		}
	})
}

func TestPayloadBounds(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for name, c := range map[string]struct {
		raw string
		ok  bool
	}{
		"16 levels": {nested(16), true}, "17 levels": {nested(17), false},
		"64 KiB":           {`{"a":"` + strings.Repeat("x", 64<<10-8) + `"}`, true},
		"64 KiB and 1":     {`{"a":"` + strings.Repeat("x", 64<<10-7) + `"}`, false},
		"null":             {`null`, true},
		"16 with lists":    {`{"a":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + "}", true},
		"17 with lists":    {`{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + "}", false},
		"no object":        {`[]`, false},
		"the widest list":  {`{"a":[` + strings.TrimSuffix(strings.Repeat("1,", 30_000), ",") + `]}`, true},
		"deeper than deep": {`{"a":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}", false},
	} {
		var p payloadJSON
		if err := p.UnmarshalJSON([]byte(c.raw)); err != nil {
			t.Fatal(err)
		}
		got, err := p.read()
		if (err == nil) != c.ok || c.ok && got == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClientIP(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "::ffff:203.0.113.7": "203.0.113.7", "[2001:db8::1]:80": "2001:db8::1",
		"_hidden": "", "999.1.1.1": "", "fe80::1%eth0": "fe80::1",
	} {
		if got := clientIP(given); got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
}
