package template_test

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/template"
)

// TestDates pins what handlebarstest compares with CLDR at length, and what
// becomes of values, styles, zones and languages that are none.
func TestDates(t *testing.T) {
	t.Parallel()
	const moment = "2026-02-03T14:05:06+01:00"
	for _, c := range []struct{ locale, call, want string }{
		{"en", `date when`, "Feb 3, 2026"},
		{"en", `date when "short"`, "2/3/26"},
		{"en-GB", `date when "short"`, "03/02/2026"},
		{"en-AU", `date when "short"`, "03/02/2026"},
		{"en-US", `date when "long short" "Europe/Berlin"`, "February 3, 2026 at 2:05 PM"},
		{"en", `date when "long short" "America/New_York"`, "February 3, 2026 at 8:05 AM"},
		{"en", `date when "medium medium"`, "Feb 3, 2026, 1:05:06 PM UTC"},
		{"en", `date when "short short" "Mars/Base"`, "2/3/26, 1:05 PM UTC"},
		{"en", `date when "short short" zone`, "2/3/26, 10:05 PM"},
		{"en", `date when "short short" gone`, "2/3/26, 1:05 PM UTC"},
		{"en", `date when "short short" "Local"`, "2/3/26, 1:05 PM UTC"},
		{"en", `date when "huge"`, "Feb 3, 2026"},
		{"en", `date when "long long"`, "Feb 3, 2026"},
		{"en", `date when style`, "Tuesday, February 3, 2026"},
		{"en", `date day "long short" "Asia/Tokyo"`, "March 31, 2026"},
		{"en", `date ms "short short" "UTC"`, "1/1/70, 12:00 AM"},
		{"en", `date word "long"`, "tomorrow"},
		{"en", `date gone`, ""},
		{"en", `date t`, "true"},
		{"en", `date huge`, "1e+300"},
		{"de-CH", `date when "full short" "Europe/Zurich"`, "Dienstag, 3. Februar 2026 um 14:05"},
		{"FR-ca", `date when "full"`, "mardi 3 février 2026"},
		{"fa-IR", `date when "long"`, "۱۴ بهمن ۱۴۰۴"},
		{"th", `date when "short"`, "3/2/69"},
		{"ar", `date when "short"`, "3\u200f/2\u200f/2026"},
		{"zh-Hant-TW", `date when "short short" "UTC"`, "2026/2/3\u2009下午1:05"},
		{"ko", `date when "full short" "UTC"`, "2026년 2월 3일 화요일 PM 1:05"},
		{"da", `date when "full" "UTC"`, "tirsdag den 3. februar 2026"},
		{"tlh", `date when "long"`, "February 3, 2026"},
		{"", `date when "long"`, "February 3, 2026"},
	} {
		payload := map[string]any{
			"locale": c.locale, "when": moment, "zone": "Asia/Tokyo", "style": "full", "day": "2026-03-31", "ms": 0, "word": "tomorrow", "t": true, "huge": 1e300,
		}
		if got := render(t, "{{"+c.call+"}}", template.None, payload); got != c.want {
			t.Errorf("%s, %s: got %q, want %q", c.locale, c.call, got, c.want)
		}
	}
}

// TestDatesInALoop looks up the zone of each round only once.
func TestDatesInALoop(t *testing.T) {
	t.Parallel()
	source := `{{#each l}}{{date this "short short" @root.zone}};{{/each}}`
	got := render(t, source, template.None, map[string]any{"l": list(1000), "zone": "Europe/Berlin"})
	if strings.Count(got, "1/1/70, 1:00 AM;") != 1000 {
		t.Errorf("got %.100q", got)
	}
}

// TestCases writes letters as the message's language has them.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ locale, source, want string }{
		{"en", `{{upper "straße i"}} {{lower "ÀI"}}`, "STRASSE I ài"},
		{"tr-TR", `{{upper "i"}} {{lower "I"}}`, "İ ı"},
		{"el", `{{upper "Ελληνικά"}}`, "ΕΛΛΗΝΙΚΑ"},
		{"no such tag", `{{upper "x"}}{{upper n}}{{upper gone}}{{lower l}}`, "X12.5a,b"},
	} {
		payload := map[string]any{"locale": c.locale, "n": 12.5, "l": []any{"A", "B"}}
		if got := render(t, c.source, template.None, payload); got != c.want {
			t.Errorf("%s, %s: got %q, want %q", c.locale, c.source, got, c.want)
		}
	}
}
