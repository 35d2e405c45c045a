package address_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/address"
)

func TestParse(t *testing.T) {
	t.Parallel()
	good := []string{
		"ann@example.com", "Ann.O'Neil+tag@Example.COM", "a@b.co", "user@localhost", "x_y-z@a-b.example",
		"用户@例子.广告", "jörg@bücher.example", "a@xn--bcher-kva.example", "!#$%&'*+-/=?^_`{|}~@example.com", "1@1.example",
	}
	for _, s := range good {
		if got, err := address.Parse(s); err != nil || got != s {
			t.Errorf("Parse(%q) = %q, %v", s, got, err)
		}
	}
	bad := []string{
		"", "@", "a@", "@b", "ann", "ann@", "a@b@c", "a b@c.d", " a@b.c", "a@b.c ", "a@b..c", "a@.b", "a@b.", "a@-b.c", "a@b-.c",
		".a@b.c", "a.@b.c", "a..b@c.d", "a@b.c,d@e.f", "a@b.c;d@e.f", "<a@b.c>", "Ann <a@b.c>", `"a b"@c.d`, "a@[127.0.0.1]",
		"a(comment)@b.c", "a@b.c\n", "a@b.c\r\nBcc: x@y.z", "a\x00@b.c", "a\x7f@b.c", "a@b_c.d", "a@b.c\u2028", "a\u200b@b.c", "a\u202e@b.c",
		"a@b/c.d", "a@b.c?x", "a@b%c.d", "\xff@b.c", strings.Repeat("a", 65) + "@b.c", "a@" + strings.Repeat("b", 64) + ".c",
	}
	for _, s := range bad {
		if got, err := address.Parse(s); !errors.Is(err, address.ErrInvalid) {
			t.Errorf("Parse(%q) = %q, %v", s, got, err)
		}
	}
	long := "a@" + strings.Repeat("b.", 63) // 128 bytes with the last letter
	if _, err := address.Parse(long[:127] + "c"); err != nil {
		t.Errorf("128 bytes: %v", err)
	}
	if _, err := address.Parse(long + "c"); !errors.Is(err, address.ErrTooLong) {
		t.Errorf("129 bytes: %v", err)
	}
}

func TestParseNormalizes(t *testing.T) {
	t.Parallel()
	decomposed := "jo\u0308rg@example.com"
	if got, err := address.Parse(decomposed); err != nil || got != "j\u00f6rg@example.com" {
		t.Errorf("Parse = %+q, %v", got, err)
	}
}

func TestParseMailbox(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ name, addr string }{
		"ann@example.com":               {"", "ann@example.com"},
		" ann@example.com ":             {"", "ann@example.com"},
		"Ann <ann@example.com>":         {"Ann", "ann@example.com"},
		`"Ann, Inc." <a@b.co>`:          {"Ann, Inc.", "a@b.co"},
		"Jörg Müller <j@example.com>":   {"Jörg Müller", "j@example.com"},
		"=?utf-8?q?J=C3=B6rg?= <a@b.c>": {"Jörg", "a@b.c"},
	}
	for in, want := range cases {
		name, addr, err := address.ParseMailbox(in)
		if err != nil || name != want.name || addr != want.addr {
			t.Errorf("ParseMailbox(%q) = %q, %q, %v", in, name, addr, err)
		}
	}
	for _, in := range []string{"", "Ann", "Ann <>", "a@b.c, d@e.f", "Ann <a@b.c>\r\nBcc: x@y.z", "Group: a@b.c;", "Ann <a@b.c> x"} {
		if name, addr, err := address.ParseMailbox(in); err == nil {
			t.Errorf("ParseMailbox(%q) = %q, %q", in, name, addr)
		}
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ann@example.com": "a***@example.com", "用户@例子.广告": "用***@例子.广告", "": "***", "@x": "***",
	} {
		if got := address.Masked(in); got != want {
			t.Errorf("Masked(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ann@example.com")
	f.Add("a@b.c\r\nBcc: d@e.f")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := address.Parse(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(got, "\r\n\x00 ,;<>()\"") || strings.Count(got, "@") != 1 {
			t.Errorf("Parse(%q) = %q", s, got)
		}
		if again, err := address.Parse(got); err != nil || again != got {
			t.Errorf("not stable: %q, %v", again, err)
		}
	})
}

func TestKeyFoldsCase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[A-Za-z0-9.]{1,20}@[A-Za-z0-9]{1,20}\.[a-z]{2,5}`).Draw(t, "address")
		if address.Key(s) != address.Key(strings.ToUpper(s)) {
			t.Fatalf("Key(%q) tells upper case", s)
		}
	})
}

func TestUnicode(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"ann@xn--bcher-kva.example": "ann@bücher.example", "ann@bücher.example": "ann@bücher.example",
		"ann@example.com": "ann@example.com", "Ann@Example.com": "Ann@example.com", "ann@xn--a": "ann@xn--a", "ann": "ann", "": "",
	} {
		if got := address.Unicode(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func TestPerson(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"ann.lee@gmail.com", "AnnLee@googlemail.com", "a.n.n.lee+shop@GMAIL.com", "annlee+@gmail.com"},
		{"ann@example.com", "Ann+a@EXAMPLE.com", "ann+b+c@example.com"},
		{"ann@b\u00fccher.example", "ann@bu\u0308cher.example", "ann@xn--bcher-kva.example"},
	} {
		for _, s := range same[1:] {
			if got, want := address.Person(s), address.Person(same[0]); got != want {
				t.Errorf("Person(%q) = %q, want %q", s, got, want)
			}
		}
	}
	for _, pair := range [][2]string{
		{"ann.lee@example.com", "annlee@example.com"}, {"ann@example.com", "ann@example.org"}, {"+a@example.com", "+b@example.com"},
	} {
		if address.Person(pair[0]) == address.Person(pair[1]) {
			t.Errorf("%q are one", pair)
		}
	}
}
