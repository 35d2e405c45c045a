package templates

import (
	"html"
	"strings"

	"golang.org/x/text/unicode/bidi"
)

// The isolates of Unicode (UAX #9): what stands between one of the first two
// and the third is laid out by itself, and does not count when a reader guesses
// the direction of a line by its first letter. Names that come from outside
// hold none (see visible).
const (
	leftToRight = "\u2066"
	rightToLeft = "\u2067"
	popIsolate  = "\u2069"
)

// isolateNames puts the names in values between isolates, where a name may be
// of another direction than the wording around it: in languages written from
// right to left always, since most names are not, in others names that have a
// letter of that direction. Without it "Acme (EU)" loses its bracket to the
// other end of the sentence. It adds companyHTML, the company's lines as HTML,
// and reports whether there was any such name.
func isolateNames(values map[string]any, inRightToLeft bool) bool {
	found := false
	for _, key := range [...]string{"product", "organization", "inviter", "user", "wordmark", "sender"} {
		name, _ := values[key].(string)
		if marked, ok := isolate(name, inRightToLeft); ok {
			values[key], found = marked, true
		}
	}
	company, _ := values["company"].(string)
	if _, holds := direction(company); company != "" && (holds || inRightToLeft) {
		lines := strings.Split(company, "\n")
		for i, line := range lines {
			lines[i], _ = isolate(line, inRightToLeft)
		}
		company, found = strings.Join(lines, "\n"), true
	}
	values["companyHTML"] = strings.ReplaceAll(html.EscapeString(company), "\n", "<br/>\n")
	return found
}

// isolate puts name between isolates of its direction, if it needs them.
func isolate(name string, inRightToLeft bool) (string, bool) {
	first, holds := direction(name)
	switch {
	case name == "", !inRightToLeft && !holds:
		return name, false
	case first == bidi.RightToLeft:
		return rightToLeft + name + popIsolate, true
	}
	return leftToRight + name + popIsolate, true
}

// direction returns the direction of the first letter of s, and whether any
// letter is one of those written from right to left.
func direction(s string) (first bidi.Direction, holdsRightToLeft bool) {
	first = bidi.Neutral
	for i := 0; i < len(s); {
		properties, size := bidi.LookupString(s[i:])
		class := properties.Class()
		if class == bidi.R || class == bidi.AL {
			if first == bidi.Neutral {
				first = bidi.RightToLeft
			}
			return first, true
		}
		if class == bidi.L {
			first = bidi.LeftToRight
		}
		i += max(size, 1)
	}
	return first, false
}

// withoutIsolates removes them: they have no place in a subject and a
// preheader, which are shown in lists, notices and watches that may show them
// as boxes.
func withoutIsolates(s string) string { return replaceIsolates(s, "", "", "") }

// isolatesToHTML turns isolates into elements, which more clients know than
// know the characters. (Gmail and Outlook remove <bdi>, and keep dir.)
func isolatesToHTML(s string) string {
	return replaceIsolates(s, `<span dir="ltr">`, `<span dir="rtl">`, `</span>`)
}

// replaceIsolates is strings.NewReplacer for the three isolates, without its
// setting up for each mail.
func replaceIsolates(s, ltr, rtl, pop string) string {
	const size, start = len(popIsolate), "\xe2\x81" // all begin with in UTF-8
	var out strings.Builder
	out.Grow(len(s) + strings.Count(s, start)*len(ltr))
	for {
		i := strings.Index(s, start)
		if i < 0 || i+size > len(s) {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:i])
		switch mark := s[i : i+size]; mark {
		case leftToRight:
			out.WriteString(ltr)
		case rightToLeft:
			out.WriteString(rtl)
		case popIsolate:
			out.WriteString(pop)
		default:
			out.WriteString(mark) // another character of that block
		}
		s = s[i+size:]
	}
}
