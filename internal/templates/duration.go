package templates

import (
	"fmt"
	"time"

	"github.com/postern-mail/postern/internal/template"
)

// plural is one unit of time in words, by CLDR plural category; "other" is
// always there.
type plural map[string]*template.Template

// readDurations parses the four units of a language file.
func readDurations(file map[string]map[string]string) (map[string]plural, error) {
	result := make(map[string]plural, len(file))
	for _, unit := range []string{"seconds", "minutes", "hours", "days"} {
		forms := make(plural, len(file[unit]))
		for category, source := range file[unit] {
			tpl, err := template.Parse(source, template.None)
			if err != nil {
				return nil, fmt.Errorf("durations: %s: %w", unit, err)
			}
			forms[category] = tpl
		}
		if forms["other"] == nil {
			return nil, fmt.Errorf("durations: %s: no form for %q", unit, "other")
		}
		result[unit] = forms
	}
	return result, nil
}

// pluralCategory returns the CLDR category of n in English: the only language
// there is so far.
func pluralCategory(n int64) string {
	if n == 1 {
		return "one"
	}
	return "other"
}

// duration says d in words, in the largest unit that says it exactly or near
// enough and never more than d; "" when d is less than a second.
func (l *language) duration(d time.Duration) string {
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
	form, ok := l.durations[unit][pluralCategory(n)]
	if !ok {
		form = l.durations[unit]["other"]
	}
	s, err := form.Render(map[string]any{"count": n})
	if err != nil {
		return "" // a number always prints
	}
	return s
}
