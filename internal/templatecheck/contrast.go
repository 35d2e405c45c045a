package templatecheck

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// styles follows the colors that are written into elements, from the default
// of black on white. What a style sheet says is not looked at.
type styles struct {
	elements []element
	count    map[string]int // of open elements, by name
	told     map[[2]color]bool
}

// element is one that is open.
type element struct {
	name       string
	text, back paint
	size       float64 // of the font, in px
	bold       bool
	hidden     bool
	offset     int  // of the element that set a color last
	set        bool // some element did
}

// paint is a color, if it is known.
type paint struct {
	color color
	known bool
}

func newStyles() *styles {
	body := element{text: paint{color{0, 0, 0}, true}, back: paint{color{255, 255, 255}, true}, size: 16}
	return &styles{elements: []element{body}, count: make(map[string]int), told: make(map[[2]color]bool)}
}

// open begins an element with what it takes over and what it sets.
func (s *styles) open(t html.Token, style string, offset int) {
	if t.Type == html.SelfClosingTagToken || isVoid(t.Data) {
		return
	}
	if endsItself(t.Data) && s.elements[len(s.elements)-1].name == t.Data {
		s.close(t.Data)
	}
	e := s.elements[len(s.elements)-1]
	e.name = t.Data
	e.byName()
	if value, ok := attribute(t, "bgcolor"); ok {
		e.paint(&e.back, value, offset)
	}
	if value, ok := attribute(t, "color"); ok && t.Data == "font" {
		e.paint(&e.text, value, offset)
	}
	text, back := e.text, e.back
	for declaration := range strings.SplitSeq(style, ";") {
		name, value, _ := strings.Cut(declaration, ":")
		value, _, _ = strings.Cut(value, "!")
		e.style(strings.ToLower(strings.TrimSpace(name)), strings.ToLower(strings.TrimSpace(value)), offset)
	}
	if _, ok := attribute(t, "class"); ok && e.text == text && e.back != back {
		e.text.known = false // the class is likely to set it
	}
	s.elements = append(s.elements, e)
	s.count[t.Data]++
}

// byName takes what mail programs do with the element of themselves.
func (e *element) byName() {
	switch e.name {
	case "h1":
		e.size, e.bold = 32, true
	case "h2":
		e.size, e.bold = 24, true
	case "h3", "h4", "h5", "h6", "b", "strong", "th":
		e.bold = true
	case "a":
		e.text = paint{} // the mail program's own, unless it is set
	}
}

// style takes one declaration.
func (e *element) style(name, value string, offset int) {
	switch name {
	case "color":
		e.paint(&e.text, value, offset)
	case "background-color":
		e.paint(&e.back, value, offset)
	case "background":
		e.background(value, offset)
	case "background-image":
		if value != "none" {
			e.back.known = false
		}
	case "font-size":
		if px, ok := strings.CutSuffix(value, "px"); ok {
			e.size, _ = strconv.ParseFloat(px, 64)
		}
	case "font-weight":
		weight, _ := strconv.Atoi(value)
		e.bold = value == "bold" || value == "bolder" || weight >= 700
	case "display", "visibility":
		e.hidden = e.hidden || value == "none" || value == "hidden"
	}
}

// paint sets a color.
func (e *element) paint(p *paint, value string, offset int) {
	switch value {
	case "", "inherit", "transparent", "currentcolor", "unset", "initial", "none":
		return
	}
	p.color, p.known = colorOf(value)
	e.offset, e.set = offset, true
}

// background sets the color of the shorthand, if there is no image.
func (e *element) background(value string, offset int) {
	if strings.Contains(value, "url(") || strings.Contains(value, "gradient(") {
		e.back.known = false
		return
	}
	if strings.HasPrefix(value, "rgb") {
		value = strings.ReplaceAll(value, " ", ",")
	}
	for part := range strings.FieldsSeq(value) {
		if c, ok := colorOf(part); ok {
			e.back, e.offset, e.set = paint{c, true}, offset, true
			return
		}
	}
}

// close ends the innermost element of the name, and those within it.
func (s *styles) close(name string) {
	if s.count[name] == 0 {
		return
	}
	for {
		last := s.elements[len(s.elements)-1]
		s.elements = s.elements[:len(s.elements)-1]
		s.count[last.name]--
		if last.name == name {
			return
		}
	}
}

// contrast tells of text that can hardly be read, once for two colors: below
// 4.5 to 1, or 3 to 1 for large text (WCAG 2.2, success criterion 1.4.3).
func (p *page) contrast() {
	e := p.text.elements[len(p.text.elements)-1]
	colors := [2]color{e.text.color, e.back.color}
	if !e.set || e.hidden || !e.text.known || !e.back.known || p.text.told[colors] {
		return
	}
	least := 4.5
	const large, largeBold = 24, 18.66 // px
	if e.size >= large || e.bold && e.size >= largeBold {
		least = 3
	}
	if ratio := contrastOf(e.text.color, e.back.color); ratio < least {
		p.text.told[colors] = true
		p.tellAt(p.where, e.offset, LowContrast, fmt.Sprintf("The text is hard to read: its color and the one behind it have a "+
			"contrast of %.1f to 1, and should have %.1f at least. Make one of them darker or lighter.", ratio, least))
	}
}

// isVoid reports whether an element has no content (HTML Standard, "Void
// elements").
func isVoid(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr":
		return true
	}
	return false
}

// endsItself reports whether an element ends where the next of its name begins.
func endsItself(name string) bool {
	switch name {
	case "p", "li", "dt", "dd", "tr", "td", "th", "option":
		return true
	}
	return false
}
