package disposable_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/net/publicsuffix"
	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/disposable"
)

func read(t interface {
	Helper()
	Fatal(args ...any)
}, text string) *disposable.List {
	t.Helper()
	list, err := disposable.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestHolds(t *testing.T) {
	t.Parallel()
	list := read(t, "\ufeff# throw-away\r\n\r\n  Mailinator.com\t\r\nwegwerf-bücher.de\nxn--e1afmkfd.test\nb.a.org\nmailinator.com")
	for domain, want := range map[string]bool{
		"mailinator.com":           true,
		"MAILINATOR.com":           true,
		"mailinator.com.":          true,
		"a.b.mailinator.com":       true,
		"notmailinator.com":        false,
		"mailinator.com.org":       false,
		"mailinator":               false,
		"mailinator。com":           true, // IDNA's other full stop
		"wegwerf-bücher.de":        true,
		"WEGWERF-BÜCHER.de":        true,
		"xn--wegwerf-bcher-4ob.de": true,
		"пример.test":              true,
		"x.пример.test":            true,
		"a.org":                    false,
		"b.a.org":                  true,
		"com":                      false,
		"":                         false,
		".":                        false,
		"..":                       false,
		"\n":                       false,
		"mailinator.com\nb.a.org":  false,
		"b.a.org\n":                false,
		"# throw-away":             false,
		"\xff.mailinator.com":      false,
		strings.Repeat("a.", 200) + "mailinator.com": false, // no domain is that long
	} {
		if got := list.Holds(domain); got != want {
			t.Errorf("Holds(%q) = %t, want %t", domain, got, want)
		}
	}
	if read(t, "").Holds("mailinator.com") {
		t.Error("an empty list holds a domain")
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	const noDomain = "line 2: must be one domain, such as example.com"
	for name, tt := range map[string]struct{ text, want string }{
		"an address":       {"a.com\nann@b.com", noDomain},
		"a wildcard":       {"a.com\n*.b.com", noDomain},
		"two on a line":    {"a.com\nb.com c.com", noDomain},
		"a top level":      {"a.com\ncom", noDomain},
		"an empty label":   {"a.com\nb..com", noDomain},
		"an edge hyphen":   {"a.com\n-b.com", noDomain},
		"a long label":     {"a.com\n" + strings.Repeat("b", 64) + ".com", noDomain},
		"a long domain":    {"a.com\n" + strings.Repeat("b.", 126) + "com", noDomain},
		"a long line":      {"a.com\n" + strings.Repeat("b", 1<<20), noDomain},
		"a broken A-label": {"a.com\nxn--a.com", noDomain},
		"not UTF-8":        {"a.com\n\xff.com", noDomain},
		"too many lines":   {strings.Repeat("\n", 1_000_001), "more than 1000000 lines"},
		"too many bytes":   {strings.Repeat(strings.Repeat("#", 1023)+"\n", 16<<10) + "\n", "more than 16 MiB"},
	} {
		if _, err := disposable.Read(strings.NewReader(tt.text)); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	broken := errors.New("disk broken")
	if _, err := disposable.Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
}

func TestReadTakesAsMuchAsItSays(t *testing.T) {
	t.Parallel()
	if list := read(t, strings.Repeat("\n", 999_999)+"a.com\n"); !list.Holds("a.com") {
		t.Error("the last of 1,000,000 lines is lost")
	}
	comments := strings.Repeat(strings.Repeat("#", 1023)+"\n", 16<<10)
	if list := read(t, comments[:len(comments)-1024]+"a.com\n"+comments[:1018]); !list.Holds("a.com") {
		t.Error("a line of 16 MiB is lost")
	}
}

// The script of the list promises this form, and lookups depend on it.
func TestBuiltinIsInOrder(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("domains.txt")
	if err != nil {
		t.Fatal(err)
	}
	domains := strings.Fields(string(text))
	if len(domains) < 10_000 || strings.Join(domains, "\n")+"\n" != string(text) {
		t.Fatalf("%d domains, not one a line", len(domains))
	}
	if !slices.IsSorted(domains) || len(slices.Compact(slices.Clone(domains))) != len(domains) {
		t.Error("not sorted, or not unique")
	}
	read(t, string(text))
	builtin := disposable.Builtin()
	for _, domain := range domains {
		if strings.ToLower(domain) != domain || strings.ContainsFunc(domain, func(r rune) bool { return r >= 0x80 }) {
			t.Errorf("%s is not an A-label in lower case", domain)
		}
		if !builtin.Holds(domain) {
			t.Errorf("%s is not found", domain)
		}
		if _, parent, _ := strings.Cut(domain, "."); builtin.Holds(parent) {
			t.Errorf("%s needs no line, %s stands for it", domain, parent)
		}
		if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
			t.Errorf("%s is a public suffix: add it to scripts/update-disposable-domains", domain)
		}
	}
}

func TestBuiltinKnowsWhoIsWho(t *testing.T) {
	t.Parallel()
	builtin := disposable.Builtin()
	for _, domain := range []string{"mailinator.com", "yopmail.com", "guerrillamail.com", "10minutemail.com", "x.yopmail.com"} {
		if !builtin.Holds(domain) {
			t.Errorf("%s is missing", domain)
		}
	}
	for _, domain := range []string{
		"gmail.com", "outlook.com", "yahoo.com", "icloud.com", "proton.me", "gmx.de", "qq.com", "mail.ru",
		"duck.com", "mozmail.com", "simplelogin.com", "privaterelay.appleid.com", "example.com", "example.pp.ua",
	} {
		if builtin.Holds(domain) {
			t.Errorf("%s is no throw-away domain", domain)
		}
	}
}

// A small alphabet, so that domains often meet or begin alike.
func someDomain() *rapid.Generator[string] {
	return rapid.StringMatching(`[ab-]{0,3}(\.[abü]{1,3}){0,3}`)
}

func TestHoldsIsASetOfSuffixes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SliceOf(rapid.StringMatching(`[ab]{1,3}(\.[ab]{1,3}){1,3}`)).Draw(t, "listed")
		set := map[string]bool{}
		for _, domain := range given {
			set[domain] = true
		}
		list := read(t, strings.Join(given, "\n"))
		asked := rapid.StringMatching(`[ab]{1,3}(\.[ab]{1,3}){0,5}`).Draw(t, "asked")
		want := false
		for rest, more := asked, true; more && !want; _, rest, more = strings.Cut(rest, ".") {
			want = set[rest]
		}
		if got := list.Holds(asked); got != want {
			t.Fatalf("Holds(%q) = %t, want %t", asked, got, want)
		}
		list.Holds(someDomain().Draw(t, "odd")) // whatever it is, no panic
	})
}

func TestHoldsAllocatesNothing(t *testing.T) {
	builtin := disposable.Builtin()
	if n := testing.AllocsPerRun(100, func() { builtin.Holds("a.mailinator.com"); builtin.Holds("gmail.com") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "a.com\r\n# b\nbücher.de", "xn--\n", "a..b", "\ufeffa.b\x00", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := disposable.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' && !list.Holds(line) {
				t.Errorf("%q was read and is not held", line)
			}
		}
	})
}

func BenchmarkHolds(b *testing.B) {
	builtin := disposable.Builtin()
	for name, domain := range map[string]string{"listed": "mailinator.com", "below": "a.mailinator.com", "other": "gmail.com", "unicode": "bücher.de"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				builtin.Holds(domain)
			}
		})
	}
}

// What a list of the built-in one's size takes, as bytes an operation.
func BenchmarkRead(b *testing.B) {
	text, err := os.ReadFile("domains.txt")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := disposable.Read(strings.NewReader(string(text))); err != nil {
			b.Fatal(err)
		}
	}
}
