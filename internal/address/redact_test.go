package address_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern-mail/postern/internal/address"
)

func TestRedacted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "",
		"550 5.1.1 <Ann.Lee@example.com>: user unknown": "550 5.1.1 <A***@example.com>: user unknown",
		"no mailbox ann.lee here":                       "no mailbox a*** here",
		"joann.leeds is somebody else":                  "joann.leeds is somebody else",
		"xann.lee@example.com is told all the same":     "xa***@example.com is told all the same",
		"line\r\nInjected: yes\x00\u202e!":              "line Injected: yes !",
		"  many \t blanks  ":                            "many blanks",
		"ann.lee@example.com, ANN.LEE@example.com":      "a***@example.com, A***@example.com",
	} {
		if got := address.Redacted(text, "ann.lee@example.com", 300); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := address.Redacted("a mailbox of al, al@example.com", "al@example.com", 300); got != "a mailbox of al, a***@example.com" {
		t.Errorf("a short local part: %q", got)
	}
	if got := address.Redacted("nobody", "", 300); got != "nobody" {
		t.Errorf("without an address: %q", got)
	}
}

func FuzzRedacted(f *testing.F) {
	f.Add("550 ann@example.com \xff\u202e", "ann@example.com", 20)
	f.Fuzz(func(t *testing.T, text, addr string, most int) {
		most = max(0, min(most, 1000))
		got := address.Redacted(text, addr, most)
		if len(got) > most || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("%q", got)
		}
	})
}
