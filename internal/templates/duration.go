package templates

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/text/feature/plural"
	bcp47 "golang.org/x/text/language"

	"github.com/postern-mail/postern/internal/template"
)

// durations says spans of time in one language.
type durations struct {
	tag   bcp47.Tag // by whose rules numbers are told apart
	units map[string]*forms
}

// forms are a unit of time in words, by plural category.
type forms [plural.Many + 1]*template.Template

// categoryNames returns the names of CLDR's plural categories by their number.
func categoryNames() [len(forms{})]string {
	return [...]string{
		plural.Other: "other", plural.Zero: "zero", plural.One: "one",
		plural.Two: "two", plural.Few: "few", plural.Many: "many",
	}
}

// category returns the CLDR plural category of a number. No time.Duration has
// so many days that it would have to be cut for MatchPlural.
func category(tag bcp47.Tag, n int64) plural.Form {
	return plural.Cardinal.MatchPlural(tag, int(n), 0, 0, 0, 0)
}

// pluralUse counts how many integers of a sample fall into each category. The
// sample has all that the rules of CLDR tell apart: they look at the last two
// digits, and at whole millions.
func pluralUse(tag bcp47.Tag) (use [len(forms{})]int) {
	for n := range int64(201) {
		use[category(tag, n)]++
	}
	for _, n := range []int64{1000, 1_000_000, 2_000_000} {
		use[category(tag, n)]++
	}
	return use
}

// readDurations parses the four units of a language file.
func readDurations(file map[string]map[string]string, tag string) (durations, error) {
	parsed, err := bcp47.Parse(tag)
	if err != nil {
		return durations{}, fmt.Errorf("the file's name is no language: %w", err)
	}
	d := durations{tag: parsed, units: make(map[string]*forms, len(file))}
	units := []string{"seconds", "minutes", "hours", "days"}
	for _, unit := range slices.Sorted(maps.Keys(file)) {
		if !slices.Contains(units, unit) {
			return durations{}, fmt.Errorf("durations: unknown unit %q", unit)
		}
	}
	use := pluralUse(parsed)
	for _, unit := range units {
		if d.units[unit], err = readForms(file[unit], use); err != nil {
			return durations{}, fmt.Errorf("durations: %s: %w", unit, err)
		}
	}
	return d, nil
}

// readForms parses the forms of one unit: one for each category that integers
// fall into, and none else. A category that a single number falls into may say
// it as a word.
func readForms(file map[string]string, use [len(forms{})]int) (*forms, error) {
	names := categoryNames()
	for _, name := range slices.Sorted(maps.Keys(file)) {
		if i := slices.Index(names[:], name); i < 0 || use[i] == 0 {
			return nil, fmt.Errorf("no number is %q in this language", name)
		}
	}
	var result forms
	for i, name := range names {
		source, ok := file[name]
		if !ok {
			if use[i] > 0 {
				return nil, fmt.Errorf("no form for %q", name)
			}
			continue
		}
		tpl, err := template.Parse(source, template.None)
		if err != nil {
			return nil, err
		}
		if counts := tpl.Variables(); !slices.Equal(counts, []string{"count"}) && (len(counts) > 0 || use[i] > 1) {
			return nil, fmt.Errorf("%q says %v, not the count", name, counts)
		}
		if source == "" {
			return nil, errors.New("an empty form")
		}
		result[i] = tpl
	}
	return &result, nil
}

// say says d in words, in the largest unit that says it exactly or near enough
// and never more than d; "" when d is less than a second.
func (ds *durations) say(d time.Duration) string {
	const day = 24 * time.Hour
	unit, size := "seconds", time.Second
	switch {
	case d < time.Second:
		return ""
	case d >= 2*day:
		unit, size = "days", day
	case d >= time.Hour && d%time.Hour == 0, d >= 3*time.Hour:
		unit, size = "hours", time.Hour
	case d >= time.Minute:
		unit, size = "minutes", time.Minute
	}
	n := int64(d / size)
	s, err := ds.units[unit][category(ds.tag, n)].Render(map[string]any{"count": n})
	if err != nil {
		return "" // a number always prints
	}
	return s
}
