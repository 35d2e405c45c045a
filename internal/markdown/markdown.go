package markdown

import (
	"regexp"
	"strings"
)

// Title returns the text of the first heading, or "" when the text does not
// begin with one, and what follows it.
func Title(text string) (title, rest string) {
	first, rest, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n")
	if level, title := heading(first); level > 0 {
		return title, strings.TrimLeft(rest, "\n")
	}
	return "", text
}

// Demote moves every heading one level down; those of the sixth level stay.
func Demote(text string) string {
	var b strings.Builder
	var code fence
	for line := range strings.Lines(text) {
		if level, _ := heading(line); !code.within(line) && level > 0 && level < 6 {
			b.WriteByte('#')
		}
		b.WriteString(line)
	}
	return b.String()
}

// Cell makes a text fit for a cell of a table: one line, and nothing in it
// that ends the cell or begins a tag.
func Cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\r\n", " ", "\n", " ").Replace(text)
}

// Code marks a text as code, within a cell too.
func Code(text string) string {
	around := "`"
	for strings.Contains(text, around) {
		around += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return around + strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) + around
}

// heading reads a line as a heading (section 4.2); level is 0 for any other.
func heading(line string) (level int, text string) {
	line = strings.TrimRight(line, " \r\n")
	text = strings.TrimLeft(line, "#")
	level = len(line) - len(text)
	if level == 0 || level > 6 || text != "" && text[0] != ' ' {
		return 0, ""
	}
	return level, strings.TrimSpace(text)
}

// fence follows fenced code (section 4.5) through lines; its value is the
// fence that ends it.
type fence string

var fenceForm = regexp.MustCompile("^ *(`{3,}|~{3,})")

// within reports whether a line is part of fenced code, the fences included.
func (f *fence) within(line string) bool {
	begins := ""
	if found := fenceForm.FindStringSubmatch(line); found != nil {
		begins = found[1]
	}
	switch {
	case *f == "" && begins == "":
		return false
	case *f == "":
		*f = fence(begins)
	case strings.HasPrefix(begins, string(*f)) && strings.TrimSpace(line) == begins:
		*f = ""
	}
	return true
}
