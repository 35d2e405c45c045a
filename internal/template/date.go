package template

import (
	"math"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is known wherever the service runs
	"unicode/utf8"
)

// dateStyle is how a date, and a time behind it, are written: indexes into the
// patterns of a dateTable, -1 for none.
type dateStyle struct{ date, time int }

// mediumDate is the style of a date that has none.
const mediumDate = 1

// dateStyleOf reads a style: short, medium, long or full for the date and, if
// the time is wanted, short or medium behind it.
func dateStyleOf(s string) (dateStyle, bool) {
	names := [...]string{"short", "medium", "long", "full"}
	style := dateStyle{date: -1, time: -1}
	date, clock, both := strings.Cut(s, " ")
	for i, name := range names {
		if date == name {
			style.date = i
		}
		if both && clock == name && i <= mediumDate {
			style.time = i
		}
	}
	if style.date < 0 || both && style.time < 0 {
		return dateStyle{date: mediumDate, time: style.time}, false
	}
	return style, true
}

// zoneOf returns an IANA time zone by its name, nil for none.
func zoneOf(name string) *time.Location {
	if name == "" || name == "Local" {
		return nil // names for the machine's own, which is nobody's
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return zone
}

// literalZone returns the zone that is written in the template, if there is one.
func (c *call) literalZone() *time.Location {
	if len(c.args) < 3 || c.args[2].kind != literalOperand {
		return nil
	}
	name, _ := c.args[2].value.(string)
	return zoneOf(name)
}

// checkDate tells of a style or zone that is written in the template and is
// none.
func (c *call) checkDate(tell func(Code)) {
	if len(c.args) > 1 && c.args[1].kind == literalOperand {
		style, _ := c.args[1].value.(string)
		if _, ok := dateStyleOf(style); !ok {
			tell(UnknownStyle)
		}
	}
	if len(c.args) > 2 && c.args[2].kind == literalOperand && c.zone == nil {
		tell(UnknownZone)
	}
}

// zones remembers the zone that was looked up last, since loops ask for the
// same again and again.
type zones struct {
	name string
	zone *time.Location
}

// date writes the time that the first argument is. What is no time is returned
// as it is.
func (r *rendering) date(c *call) (any, error) {
	value, err := r.eval(c.args[0])
	if err != nil {
		return nil, err
	}
	style := dateStyle{date: mediumDate, time: -1}
	if len(c.args) > 1 {
		text, err := r.eval(c.args[1])
		if err != nil {
			return nil, err
		}
		s, _ := text.(string)
		style, _ = dateStyleOf(s)
	}
	zone, err := r.zone(c)
	if err != nil {
		return nil, err
	}
	moment, day, ok := momentOf(value)
	switch {
	case !ok:
		return value, nil
	case day:
		style.time = -1 // a day is the same everywhere, and has no time
	case zone != nil:
		moment = moment.In(zone)
	}
	const cost = 64
	r.work -= cost
	s := writeDate(moment, style, r.locale())
	if style.time >= 0 && zone == nil {
		s += " UTC" // nobody should take it for the time at home
	}
	return s, nil
}

// zone returns the zone that is asked for, nil for none.
func (r *rendering) zone(c *call) (*time.Location, error) {
	if c.zone != nil || len(c.args) < 3 {
		return c.zone, nil
	}
	value, err := r.eval(c.args[2])
	if err != nil {
		return nil, err
	}
	name, _ := value.(string)
	if name != r.zones.name {
		const cost = 2000 // it may be read from a file
		r.work -= cost
		r.zones = zones{name: name, zone: zoneOf(name)}
	}
	return r.zones.zone, nil
}

// momentOf reads a time: milliseconds since 1970, as times are in the API, or
// RFC 3339. day says that it is a date alone.
func momentOf(value any) (moment time.Time, day, ok bool) {
	if s, isText := value.(string); isText {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t.UTC(), false, true
		}
		t, err := time.Parse(time.DateOnly, s)
		return t, true, err == nil
	}
	const furthest = 8.64e15 // ECMA-262, section 21.4.1.1
	ms, ok := number(value)
	if !ok || math.IsNaN(ms) || math.Abs(ms) > furthest {
		return time.Time{}, false, false
	}
	return time.UnixMilli(int64(ms)).UTC(), false, true
}

// calendarDay is what a pattern is filled with.
type calendarDay struct {
	year, month, day int
	clock            time.Time
}

// dateWords are the lines of a dateTable.
type dateWords struct {
	calendar, zero             string
	months, short, days, parts string
	dates, times, joints       string
}

// wordsOf returns the words of the language of tag, of the longest tag that
// it begins with and there is, or of English.
func wordsOf(tag string) dateWords {
	tag = strings.ToLower(tag)
	table := dateTable(tag)
	for table == "" && tag != "" {
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
		table = dateTable(tag)
	}
	if table == "" {
		table = dateTable("en")
	}
	var w dateWords
	var first string
	for _, line := range []*string{&first, &w.months, &w.short, &w.days, &w.parts, &w.dates, &w.times, &w.joints} {
		*line, table, _ = strings.Cut(table, "\n")
	}
	w.calendar, w.zero, _ = strings.Cut(first, "|")
	return w
}

// field returns the i-th field of a line.
func field(line string, i int) string {
	for ; i > 0; i-- {
		_, line, _ = strings.Cut(line, "|")
	}
	f, _, _ := strings.Cut(line, "|")
	return f
}

// writeDate writes a time in the language of locale.
func writeDate(t time.Time, style dateStyle, locale string) string {
	w := wordsOf(locale)
	d := calendarDay{clock: t, year: t.Year(), month: int(t.Month()), day: t.Day()}
	switch w.calendar {
	case "buddhist":
		d.year += 543
	case "persian":
		d.year, d.month, d.day = persian(t)
	}
	date := w.fill(field(w.dates, style.date), d)
	if style.time < 0 {
		return date
	}
	return strings.NewReplacer("{1}", date, "{0}", w.fill(field(w.times, style.time), d)).Replace(field(w.joints, style.date))
}

// fill replaces the letters of a CLDR pattern (UTS #35, part 4).
func (w *dateWords) fill(pattern string, d calendarDay) string {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		n := 1
		for i+n < len(pattern) && pattern[i+n] == pattern[i] {
			n++
		}
		switch letter := pattern[i]; letter {
		case '\'':
			quoted, _, _ := strings.Cut(pattern[i+1:], "'")
			b.WriteString(quoted)
			n = len(quoted) + len("''")
		case 'y', 'M', 'd', 'E':
			w.day(&b, letter, n, d)
		case 'H', 'h', 'm', 's', 'a':
			w.clock(&b, letter, n, d.clock)
		default:
			b.WriteString(pattern[i : i+n])
		}
		i += n
	}
	return b.String()
}

// day writes what a letter of a date's pattern stands for.
func (w *dateWords) day(b *strings.Builder, letter byte, width int, d calendarDay) {
	switch {
	case letter == 'y' && width == 2:
		w.number(b, d.year%100, 2)
	case letter == 'y':
		w.number(b, d.year, 1)
	case letter == 'M' && width == 4:
		b.WriteString(field(w.months, d.month-1))
	case letter == 'M' && width == 3:
		b.WriteString(field(w.short, d.month-1))
	case letter == 'M':
		w.number(b, d.month, width)
	case letter == 'd':
		w.number(b, d.day, width)
	default:
		b.WriteString(field(w.days, int(d.clock.Weekday())))
	}
}

// clock writes what a letter of a time's pattern stands for.
func (w *dateWords) clock(b *strings.Builder, letter byte, width int, t time.Time) {
	switch letter {
	case 'H':
		w.number(b, t.Hour(), width)
	case 'h':
		w.number(b, (t.Hour()+11)%12+1, width)
	case 'm':
		w.number(b, t.Minute(), width)
	case 's':
		w.number(b, t.Second(), width)
	default:
		b.WriteString(w.partOfDay(t.Hour()))
	}
}

// partOfDay returns what the hour's half of the day is called, or the hour.
func (w *dateWords) partOfDay(hour int) string {
	if strings.Count(w.parts, "|") > 1 {
		return field(w.parts, hour)
	}
	return field(w.parts, hour/12)
}

// number writes n with at least width digits of the language.
func (w *dateWords) number(b *strings.Builder, n, width int) {
	s := strconv.Itoa(n)
	for range width - len(s) {
		b.WriteString(w.zero)
	}
	if w.zero == "0" {
		b.WriteString(s)
		return
	}
	zero, _ := utf8.DecodeRuneInString(w.zero)
	for _, c := range s {
		if '0' <= c && c <= '9' {
			c += zero - '0'
		}
		b.WriteRune(c)
	}
}

// persian returns the date in the Persian calendar, by the cycle of 33 years
// that ICU uses: 8 leap years, counted from 19 March 622 (Julian).
func persian(t time.Time) (year, month, day int) {
	const epoch = -492268 // days from 1970 to the first day of the year 1
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	days := int(midnight.Unix()/(24*60*60)) - epoch
	year = 1 + floorDiv(33*days+3, 12053)
	days -= 365*(year-1) + floorDiv(8*year+21, 33)
	if days < 6*31 {
		return year, days/31 + 1, days%31 + 1
	}
	days -= 6 * 31
	return year, days/30 + 7, days%30 + 1
}

func floorDiv(a, b int) int { return int(math.Floor(float64(a) / float64(b))) }
