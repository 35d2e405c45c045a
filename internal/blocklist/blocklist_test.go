package blocklist_test

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/blocklist"
	"github.com/postern-mail/postern/internal/fault"
)

// verdict is the last part of the code that an address is refused with.
func verdict(t interface{ Fatalf(string, ...any) }, l *blocklist.Lists, p blocklist.Policy, addr string) string {
	err := l.Refuse("t1", p, addr)
	if err == nil {
		return "ok"
	}
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Kind != fault.Unprocessable || strings.Contains(f.Message, addr) {
		t.Fatalf("%v", err)
	}
	return strings.TrimPrefix(f.Code, "session.email_blocklist.")
}

const notAllowed = "email_not_allowed"

func TestRefuse(t *testing.T) {
	t.Parallel()
	l := blocklist.New(func(domain string) bool { return domain == "trash.example" || domain == "xn--mll-hoa.example" })
	all := blocklist.Policy{
		BlockDisposableAddresses: true, BlockSubaddressing: true,
		CustomBlocklist: []string{
			"eve@mail.example", "@evil.example", "@*.worse.example", "noreply-*@mail.example", "admin*@*", "@b\u00fccher.example",
			"j\u00f6rg@mail.example",
		},
	}
	if issues := all.Check(); len(issues) > 0 {
		t.Fatal(issues)
	}
	for addr, want := range map[string]string{
		"ann@mail.example":               "ok",
		"eve@mail.example":               notAllowed,
		"EVE@Mail.Example":               notAllowed,
		"eve@other.example":              "ok",
		"steve@mail.example":             "ok",
		"ann@evil.example":               notAllowed,
		"ann@sub.evil.example":           "ok",
		"ann@a.worse.example":            notAllowed,
		"ann@a.b.worse.example":          notAllowed,
		"ann@worse.example":              "ok",
		"ann@notworse.example":           "ok",
		"noreply-1@mail.example":         notAllowed,
		"noreply@mail.example":           "ok",
		"administrator@anywhere.example": notAllowed,
		"ann@b\u00fccher.example":        notAllowed,
		"ann@BU\u0308CHER.example":       notAllowed,
		"ann@xn--bcher-kva.example":      notAllowed,
		"jo\u0308rg@mail.example":        notAllowed,
		"ann+a@mail.example":             "email_subaddressing_not_allowed",
		"+a@mail.example":                "ok",
		"ann@trash.example":              notAllowed,
		"ann@m\u00fcll.example":          notAllowed,
	} {
		if got := verdict(t, l, all, addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
	tags := blocklist.Policy{CustomBlocklist: []string{"eve@mail.example"}}
	for addr, want := range map[string]string{"eve+1@mail.example": notAllowed, "ann+1@mail.example": "ok", "ann@trash.example": "ok"} {
		if got := verdict(t, l, tags, addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
	only := blocklist.Policy{CustomAllowlist: []string{"@mail.example", "eve@b\u00fccher.example"}, CustomBlocklist: []string{"eve@mail.example"}}
	for addr, want := range map[string]string{
		"ann@mail.example": "ok", "ann+1@mail.example": "ok", "eve@xn--bcher-kva.example": "ok",
		"ann@xn--bcher-kva.example": notAllowed, "ann@other.example": notAllowed, "eve@mail.example": notAllowed,
	} {
		if got := verdict(t, l, only, addr); got != want {
			t.Errorf("with a list of all that is allowed, %s: %s, want %s", addr, got, want)
		}
	}
	if got := verdict(t, l, blocklist.DefaultPolicy(), "eve@evil.example"); got != "ok" {
		t.Errorf("nothing set: %s", got)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "@", "mail.example", "*.mail.example", "eve", "eve@", "@mail..example", "a b@mail.example", "@*", "*@*", "**@*", "a@b@c",
		"eve@mail.*", "@mail.example,@other.example", "a@mail.example\n", "\xff@mail.example", strings.Repeat("a", 120) + "@mail.example",
	} {
		issues := blocklist.Policy{CustomBlocklist: []string{"ok@mail.example", bad}}.Check()
		if len(issues) != 1 || fmt.Sprint(issues[0].Path) != "[customBlocklist 1]" || issues[0].Message == "" {
			t.Errorf("%q: %v", bad, issues)
		}
	}
	many := make([]string, blocklist.MaxEntries+1)
	for i := range many {
		many[i] = fmt.Sprintf("@d%d.example", i)
	}
	if issues := (blocklist.Policy{CustomAllowlist: many}).Check(); len(issues) != 1 || issues[0].Code != "too_big" {
		t.Errorf("too many: %v", issues)
	}
	if issues := (blocklist.Policy{CustomAllowlist: many[1:]}).Check(); len(issues) != 0 {
		t.Errorf("as many as there may be: %v", issues)
	}
}

func TestReservedFor(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]blocklist.Reserved{
		"a@example.com": blocklist.Example, "a@Mail.EXAMPLE.org": blocklist.Example, "a@shop.example": blocklist.Example,
		"a@example": blocklist.Example, "a@example.net": blocklist.Example, "a@example.de": blocklist.Ordinary,
		"a@notexample.com": blocklist.Ordinary, "a@gmail.com": blocklist.Ordinary, "a@com": blocklist.Ordinary,
		"a@localhost": blocklist.Never, "a@x.localhost": blocklist.Never, "a@x.test": blocklist.Never, "a@x.invalid": blocklist.Never,
		"a@test": blocklist.Never, "a@test.com": blocklist.Ordinary, "a@\uff45xample.com": blocklist.Example,
	} {
		if got := blocklist.ReservedFor(addr); got != want {
			t.Errorf("%s: %d, want %d", addr, got, want)
		}
	}
}

func TestMixesScripts(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"ann@mail.example": false, "j\u00f6rg.m\u00fcller@mail.example": false, "анна@почта.example": false,
		"анна.smith@mail.example": false, "\u0430nn@mail.example": true, "ann@p\u0430ypal.example": true,
		"ann@xn--pypal-4ve.example": true, "用户@例子.广告": false, "taro山田@mail.example": false, "さくらカ山@mail.example": false,
		"한국abc@mail.example": false, "한さ@mail.example": true, "αnn@mail.example": true, "ann2@mail.example": false,
		"ann\u0301@mail.example": false, "مثال@mail.example": false,
	} {
		if got := blocklist.MixesScripts(addr); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}

// A pattern means what path.Match makes of its stars.
func TestPatterns(t *testing.T) {
	t.Parallel()
	l := blocklist.New(func(string) bool { return false })
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{1,8}`).Draw(t, "pattern")
		local := rapid.StringMatching(`[ab]{1,10}`).Draw(t, "local")
		want, err := path.Match(pattern, local)
		if err != nil {
			t.Fatal(err)
		}
		p := blocklist.Policy{CustomBlocklist: []string{pattern + "@mail.example"}}
		if got := verdict(t, l, p, local+"@mail.example") == notAllowed; got != want {
			t.Fatalf("%s on %s: %v", pattern, local, got)
		}
	})
}

func FuzzRefuse(f *testing.F) {
	f.Add("*a*b*@*.mail.example", "ab@x.mail.example")
	f.Fuzz(func(t *testing.T, entry, addr string) {
		p := blocklist.Policy{CustomBlocklist: []string{entry}, BlockSubaddressing: true}
		_ = p.Check()
		_ = blocklist.New(func(string) bool { return false }).Refuse("t1", p, addr)
		_ = blocklist.MixesScripts(addr)
		_ = blocklist.ReservedFor(addr)
	})
}

func BenchmarkRefuse(b *testing.B) {
	l := blocklist.New(func(string) bool { return false })
	p := blocklist.Policy{BlockDisposableAddresses: true, BlockSubaddressing: true}
	for i := range blocklist.MaxEntries {
		p.CustomBlocklist = append(p.CustomBlocklist, fmt.Sprintf("noreply-*%d@d%d.example", i, i))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Refuse("t1", p, "ann.lee@mail.example"); err != nil {
			b.Fatal(err)
		}
	}
}
