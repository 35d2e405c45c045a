package markdown

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// Layout says how a text is laid out for a terminal.
type Layout struct {
	// Width is that of the terminal, in columns. Code and long words may be
	// wider.
	Width int
	// Title, Strong and Code mark up headings, emphasis and code. They may
	// add what does not show (ECMA-48, SGR). Where one is nil, headings and
	// code keep their signs of Markdown, emphasis loses them.
	Title, Strong, Code func(string) string
}

// Render lays a text out. Paragraphs and cells of tables are wrapped at words.
func (l Layout) Render(text string) string {
	r := renderer{Layout: l}
	var code fence
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = strings.TrimRight(line, " \r")
		if code.within(line) {
			r.code(line)
			continue
		}
		r.line(line)
	}
	r.flush()
	return strings.TrimRight(r.b.String(), "\n") + "\n"
}

// renderer lays out line after line. What may go on in the next line waits.
type renderer struct {
	Layout

	b strings.Builder
	// words are those of the paragraph that waits; first stands in front of
	// its first line, rest in front of the others.
	words       []string
	first, rest string
	table       [][]string
}

var itemForm = regexp.MustCompile(`^( *(?:[*+-]|\d{1,9}[.)]) +)(.*)$`)

func (r *renderer) line(line string) {
	trimmed := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(trimmed)]
	level, title := heading(line)
	item := itemForm.FindStringSubmatch(line)
	switch {
	case trimmed == "":
		r.flush()
		r.gap()
	case strings.HasPrefix(trimmed, "|"):
		if r.table == nil {
			r.flush()
			r.rest = indent
		}
		r.row(trimmed)
	case level > 0:
		r.flush()
		r.gap()
		if r.Title == nil {
			title = line
		}
		r.b.WriteString(marked(r.Title, title) + "\n")
	case item != nil:
		r.flush()
		r.first, r.rest = item[1], strings.Repeat(" ", utf8.RuneCountInString(item[1]))
		r.words = r.inline(item[2])
	default:
		if len(r.words) == 0 {
			r.flush()
			r.first, r.rest = indent, indent
		}
		r.words = append(r.words, r.inline(trimmed)...)
	}
}

// code passes a line of fenced code on, without the fences.
func (r *renderer) code(line string) {
	r.flush()
	if fenceForm.MatchString(line) {
		return
	}
	r.b.WriteString("    " + marked(r.Code, line) + "\n")
}

// gap writes an empty line, unless there is one.
func (r *renderer) gap() {
	if r.b.Len() > 0 && !strings.HasSuffix(r.b.String(), "\n\n") {
		r.b.WriteByte('\n')
	}
}

// flush writes what waits.
func (r *renderer) flush() {
	if r.table != nil {
		r.writeTable()
	}
	prefix := r.first
	for _, line := range wrap(r.words, r.Width-utf8.RuneCountInString(r.rest)) {
		r.b.WriteString(prefix + line + "\n")
		prefix = r.rest
	}
	r.words, r.table = nil, nil
}

var (
	linkForm   = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]*)\)`)
	strongForm = regexp.MustCompile(`\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*`)
)

// inline returns the words of a text, marked up one by one.
func (r *renderer) inline(text string) []string {
	var b strings.Builder
	each := func(mark func(string) string, text string) string {
		words := strings.Fields(text)
		for i, word := range words {
			words[i] = marked(mark, word)
		}
		return strings.Join(words, " ")
	}
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			if r.Code == nil {
				part = "`" + part + "`"
			}
			b.WriteString(each(r.Code, part))
			continue
		}
		part = linkForm.ReplaceAllString(part, "$1 <$2>")
		b.WriteString(strongForm.ReplaceAllStringFunc(part, func(found string) string {
			return each(r.Strong, strings.Trim(found, "*"))
		}))
	}
	return strings.Fields(b.String())
}

func marked(mark func(string) string, text string) string {
	if mark == nil || text == "" {
		return text
	}
	return mark(text)
}

// Wrap breaks a text into lines of at most width columns, at words.
func Wrap(text string, width int) []string { return wrap(strings.Fields(text), width) }

func wrap(words []string, width int) []string {
	var lines []string
	line, wide := "", 0
	for _, word := range words {
		w := columns(word)
		if wide > 0 && wide+1+w > width {
			lines = append(lines, line)
			line, wide = "", 0
		}
		if wide > 0 {
			line += " "
			wide++
		}
		line += word
		wide += w
	}
	if wide > 0 {
		lines = append(lines, line)
	}
	return lines
}

var sgrForm = regexp.MustCompile("\x1b\\[[0-9;]*m")

// columns is how wide a text shows.
func columns(text string) int { return utf8.RuneCountInString(sgrForm.ReplaceAllString(text, "")) }
