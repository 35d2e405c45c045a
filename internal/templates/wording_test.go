package templates

import (
	"encoding/json"
	"io/fs"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/postern-mail/postern/connector"
)

// TestEveryLanguageIsRead reads each file, and finds those that nobody reads.
func TestEveryLanguageIsRead(t *testing.T) {
	t.Parallel()
	b, err := NewBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range b.Languages() {
		if l, err := b.language(tag); err != nil || l.tag != tag {
			t.Errorf("%s: %v", tag, err)
		}
	}
	names, err := fs.Glob(builtinFiles, "builtin/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		tag := strings.TrimSuffix(strings.TrimPrefix(name, "builtin/"), ".json")
		if !slices.Contains(b.Languages(), tag) {
			t.Errorf("%s is not in the list of languages", name)
		}
	}
	if len(names) != len(b.Languages()) {
		t.Errorf("%d files for %d languages", len(names), len(b.Languages()))
	}
}

func readFile(t *testing.T, tag string) languageFile {
	t.Helper()
	data, err := builtinFiles.ReadFile("builtin/" + tag + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var file languageFile
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", tag, err)
	}
	return file
}

// texts returns every text of a file by where it stands.
func (f languageFile) texts() map[string]choices {
	all := make(map[string]choices)
	for name, text := range f.Common {
		all["common."+name] = text
	}
	for kind, texts := range f.Types {
		for name, text := range texts {
			all[string(kind)+"."+name] = text
		}
	}
	return all
}

// TestSameStructureInEveryLanguage: the files say the same things in the same
// places, so that a translator can go through them side by side.
func TestSameStructureInEveryLanguage(t *testing.T) {
	t.Parallel()
	english := readFile(t, "en").texts()
	for _, tag := range builtinLanguages() {
		texts := readFile(t, tag).texts()
		if got, want := slices.Sorted(maps.Keys(texts)), slices.Sorted(maps.Keys(english)); !slices.Equal(got, want) {
			t.Errorf("%s has the texts %v, English has %v", tag, got, want)
			continue
		}
		for place, want := range english {
			got := texts[place]
			if len(got) != len(want) {
				t.Errorf("%s: %s has %d choices, English has %d", tag, place, len(got), len(want))
				continue
			}
			for i := range want {
				if !slices.Equal(variables(got[i]), variables(want[i])) || (got[i] == "") != (want[i] == "") {
					t.Errorf("%s: %s: %q has other variables than %q", tag, place, got[i], want[i])
				}
				if tag != "en" && want[i] != "" && got[i] == want[i] {
					t.Errorf("%s: %s is English: %q", tag, place, got[i])
				}
			}
		}
	}
}

func variables(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

// TestWordingIsTidy: no digits that could be taken for a code, no addresses, no
// exclamation marks, nothing invisible, no spaces too many.
func TestWordingIsTidy(t *testing.T) {
	t.Parallel()
	address := regexp.MustCompile(`://|www\.|@`)
	for _, tag := range builtinLanguages() {
		for place, texts := range readFile(t, tag).texts() {
			for _, text := range texts {
				words := placeholder.ReplaceAllString(text, "X")
				switch {
				case strings.ContainsAny(words, "!！¡{}<>\"'\n\t") || address.MatchString(words):
					t.Errorf("%s: %s: unwanted characters in %q", tag, place, text)
				case strings.ContainsFunc(words, unicode.IsDigit):
					t.Errorf("%s: %s: a digit in %q", tag, place, text)
				case strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Cf, r) && r != zeroWidthNonJoiner }):
					t.Errorf("%s: %s: something invisible in %q", tag, place, text)
				case words != strings.TrimSpace(words) || strings.Contains(words, "  "):
					t.Errorf("%s: %s: a space too many in %q", tag, place, text)
				case !norm.NFC.IsNormalString(words):
					t.Errorf("%s: %s: not in Unicode's form NFC: %q", tag, place, text)
				}
				if strings.HasSuffix(place, ".subject") && len([]rune(words)) > 60 {
					t.Errorf("%s: %s is long: %q", tag, place, text)
				}
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\{\{\w+\}\}`)

// zeroWidthNonJoiner belongs to the spelling of Persian.
const zeroWidthNonJoiner = '\u200c'

// TestPluralsOfLanguages spells spans of time where languages differ.
func TestPluralsOfLanguages(t *testing.T) {
	t.Parallel()
	b, err := NewBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for _, c := range []struct {
		tag  string
		d    time.Duration
		want string
	}{
		{"ar", time.Minute, "دقيقة واحدة"},
		{"ar", 2 * time.Minute, "دقيقتين"},
		{"ar", 10 * time.Minute, "10 دقائق"},
		{"ar", 11 * time.Minute, "11 دقيقة"},
		{"ar", 2 * time.Hour, "ساعتين"},
		{"ar", 100 * day, "100 يوم"},
		{"ar", 103 * day, "103 أيام"},
		{"he", time.Minute, "דקה אחת"},
		{"he", 2 * time.Hour, "שעתיים"},
		{"he", 10 * time.Minute, "10 דקות"},
		{"he", 7 * day, "7 ימים"},
		{"he", 30 * day, "30 יום"},
		{"cs", time.Minute, "1 minutu"},
		{"cs", 4 * time.Minute, "4 minuty"},
		{"cs", 5 * time.Minute, "5 minut"},
		{"cs", 22 * time.Minute, "22 minut"},
		{"pl-PL", time.Minute, "1 minutę"},
		{"pl-PL", 22 * time.Minute, "22 minuty"},
		{"pl-PL", 12 * time.Minute, "12 minut"},
		{"pl-PL", 21 * time.Minute, "21 minut"},
		{"ru", 21 * time.Minute, "21 минуту"},
		{"ru", 22 * time.Minute, "22 минуты"},
		{"ru", 11 * time.Minute, "11 минут"},
		{"uk-UA", 31 * day, "31 день"},
		{"uk-UA", 12 * time.Hour, "12 годин"},
		{"ro", time.Minute, "1 minut"},
		{"ro", 10 * time.Minute, "10 minute"},
		{"ro", 30 * time.Minute, "30 de minute"},
		{"fr", time.Hour, "1 heure"},
		{"fr", 2 * time.Hour, "2 heures"},
		{"pt-PT", 10 * time.Minute, "10 minutos"},
		{"tr-TR", 10 * time.Minute, "10 dakika"},
		{"ja", time.Minute, "1分"},
		{"ko", 30 * day, "30일"},
		{"fi", 10 * time.Minute, "10 minuuttia"},
		{"de", math.MaxInt64, "106751 Tage"},
	} {
		l, err := b.language(c.tag)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.durations.say(c.d); got != c.want {
			t.Errorf("%s: %v is %q, want %q", c.tag, c.d, got, c.want)
		}
	}
}

// TestEveryNumberHasWords: no span of time is left without words.
func TestEveryNumberHasWords(t *testing.T) {
	t.Parallel()
	b, err := NewBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range b.Languages() {
		l, err := b.language(tag)
		if err != nil {
			t.Fatal(err)
		}
		for n := time.Duration(1); n < 1200; n += 1 + n/150 {
			for _, unit := range []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour} {
				if l.durations.say(n*unit) == "" {
					t.Errorf("%s: nothing for %v", tag, n*unit)
				}
			}
		}
		for _, kind := range connector.TemplateTypes() {
			if len(l.types[kind]) == 0 {
				t.Errorf("%s: no texts for %s", tag, kind)
			}
		}
	}
}
