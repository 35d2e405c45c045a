package locale_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/locale"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	library := locale.Library{
		Own:     []string{"de-AT", "gsw", "pt-AO", "EN-gb"},
		Builtin: []string{"en", "de", "fr", "pt-BR", "pt-PT", "zh-CN", "zh-TW"},
	}
	for name, c := range map[string]struct {
		request locale.Request
		want    string
	}{
		"nothing asked for":             {locale.Request{}, "en"},
		"ui_locales, own":               {locale.Request{UILocales: "de-AT"}, "de-AT"},
		"ui_locales, any case":          {locale.Request{UILocales: "DE-at"}, "de-AT"},
		"ui_locales, own before base":   {locale.Request{UILocales: "en-GB"}, "EN-gb"},
		"ui_locales, built-in":          {locale.Request{UILocales: "fr"}, "fr"},
		"ui_locales, base of built-in":  {locale.Request{UILocales: "fr-CA"}, "fr"},
		"ui_locales, same base":         {locale.Request{UILocales: "pt"}, "pt-BR"},
		"ui_locales, built-in base 1st": {locale.Request{UILocales: "pt-MZ"}, "pt-BR"},
		"ui_locales, own of same base":  {locale.Request{UILocales: "gsw-CH"}, "gsw"},
		"ui_locales, first supported":   {locale.Request{UILocales: "tlh xx-YY fr de"}, "fr"},
		"ui_locales, odd spaces":        {locale.Request{UILocales: "  tlh\t de  "}, "de"},
		"ui_locales before given":       {locale.Request{UILocales: "fr", Given: "de"}, "fr"},
		"given as it is":                {locale.Request{Given: "tlh"}, "tlh"},
		"given after unsupported":       {locale.Request{UILocales: "tlh", Given: "de"}, "de"},
		"given before accepted":         {locale.Request{Given: "tlh", AcceptLanguage: "fr"}, "tlh"},
		"accepted by quality":           {locale.Request{AcceptLanguage: "fr;q=0.5, de;q=0.8, tlh"}, "de"},
		"accepted, region":              {locale.Request{AcceptLanguage: "zh-TW,zh;q=0.9"}, "zh-TW"},
		"accepted, star":                {locale.Request{AcceptLanguage: "*"}, "en"},
		"accepted, broken":              {locale.Request{AcceptLanguage: "fr;q=x,,;;"}, "en"},
		"accepted, endless":             {locale.Request{AcceptLanguage: strings.Repeat("fr,", 1000)}, "en"},
		"ui_locales before accepted":    {locale.Request{UILocales: "de", AcceptLanguage: "fr"}, "de"},
		"nothing supported":             {locale.Request{UILocales: "tlh", AcceptLanguage: "tlh"}, "en"},
	} {
		c.request.Default = "en"
		if got := locale.Choose(c.request, library); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Whatever is asked for, the answer is the default, what was given, or one of
// the library's languages.
func TestChooseStaysInTheLibrary(t *testing.T) {
	t.Parallel()
	library := locale.Library{Own: []string{"de-AT"}, Builtin: []string{"en", "fr"}}
	rapid.Check(t, func(t *rapid.T) {
		got := locale.Choose(locale.Request{
			UILocales: rapid.String().Draw(t, "ui"), AcceptLanguage: rapid.String().Draw(t, "accept"), Default: "en",
		}, library)
		if got != "de-AT" && got != "en" && got != "fr" {
			t.Fatalf("chose %q", got)
		}
	})
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"en", "pt-BR", "zh-Hant-TW", "x-elvish", "de-1996", strings.Repeat("a", 8) + "-" + strings.Repeat("b", 7)} {
		if !locale.Valid(tag) {
			t.Errorf("%q is refused", tag)
		}
	}
	for _, tag := range []string{
		"", "-", "en-", "-en", "en--GB", "en_GB", "en GB", "../en", "é", "en\n", strings.Repeat("a", 9),
		strings.Repeat("a", 8) + "-" + strings.Repeat("b", 8), "a/b", "e\x00n",
	} {
		if locale.Valid(tag) {
			t.Errorf("%q is taken", tag)
		}
	}
}
