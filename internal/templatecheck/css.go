package templatecheck

import (
	"fmt"
	"strings"
)

// dropped tells of something in CSS, once for a field.
func (p *page) dropped(offset int, what, who, instead string) {
	if p.css[what] {
		return
	}
	p.css[what] = true
	p.tellAt(p.where, offset, DroppedCSS, fmt.Sprintf("%s %s. %s", who, what, instead))
}

// sheet checks the content of a style element: rules, each a selector or an
// at-rule and what is in its braces.
func (p *page) sheet(text string, offset int) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '/':
			if !strings.HasPrefix(text[i:], "/*") {
				continue
			}
			end := strings.Index(text[i:], "*/")
			if end < 0 {
				return // a comment up to the end
			}
			if strings.TrimSpace(text[start:i]) == "" {
				start = i + end + len("*/")
			}
			i += end + 1
		case '{':
			p.atRule(text[start:i], offset+start)
			start = i + 1
		case ';', '}':
			p.atRule(text[start:i], offset+start)
			p.declaration(text[start:i], offset+start, true)
			start = i + 1
		}
	}
}

// atRule tells of at-rules that are ignored.
func (p *page) atRule(s string, offset int) {
	trimmed := strings.ToLower(strings.TrimLeft(s, " \t\r\n"))
	offset += len(s) - len(trimmed)
	switch {
	case strings.HasPrefix(trimmed, "@import"):
		p.dropped(offset, "@import", "Gmail and Outlook ignore", "Write the styles into the mail.")
	case strings.HasPrefix(trimmed, "@font-face"):
		p.dropped(offset, "@font-face", "Gmail, Outlook.com and Yahoo ignore",
			"Name fonts that devices have, such as Arial or sans-serif, behind your own.")
	}
}

// declarations checks the value of a style attribute.
func (p *page) declarations(style string, offset int, places bool) {
	if style == "" {
		return
	}
	for declaration := range strings.SplitSeq(style, ";") {
		p.declaration(declaration, offset, places)
	}
}

// declaration checks one property and its value. places says that offset is
// that of the declaration, and not of its element.
func (p *page) declaration(s string, offset int, places bool) {
	name, value, ok := strings.Cut(s, ":")
	if !ok {
		return
	}
	if places {
		offset += len(name) - len(strings.TrimLeft(name, " \t\r\n"))
	}
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.ToLower(strings.TrimSpace(value))
	if strings.Contains(value, "url(http://") || strings.Contains(value, "url('http://") || strings.Contains(value, `url("http://`) {
		p.insecure(p.where, offset, InsecureImage)
	}
	who, instead := clientsWithout(name, value)
	if who != "" {
		if what := name; name != "display" && name != "position" {
			p.dropped(offset, what, who, instead)
		} else {
			p.dropped(offset, name+": "+value, who, instead)
		}
	}
	if strings.HasPrefix(name, "--") || strings.Contains(value, "var(--") {
		p.dropped(offset, "custom properties", "Gmail, Outlook and Yahoo ignore", "Write the value where it is used.")
	}
}

// clientsWithout returns which mail programs ignore a declaration, and what to
// do instead; "" for none of the large ones. Gmail's list of properties is at
// developers.google.com/workspace/gmail/design/css; Outlook for Windows draws
// with Word; caniemail.com tests both.
func clientsWithout(property, value string) (who, instead string) {
	const (
		gmail   = "Gmail and Outlook for Windows ignore"
		outlook = "Outlook for Windows ignores"
		tables  = "Use a table for the layout."
		alone   = "Make sure that the mail reads well without."
	)
	value, _, _ = strings.Cut(value, " ")
	switch property {
	case "position":
		if value == "static" || value == "relative" || value == "initial" {
			return "", ""
		}
		return gmail, tables
	case "display":
		if strings.HasSuffix(value, "flex") || strings.HasSuffix(value, "grid") {
			return outlook, tables
		}
	case "float":
		if value != "none" {
			return outlook, "Use a table, or align on an image or table."
		}
	case "top", "right", "bottom", "left", "inset", "z-index", "clip", "clip-path", "mask":
		return gmail, tables
	case "transform", "filter", "backdrop-filter", "animation", "animation-name", "transition", "text-shadow", "object-position":
		return gmail, alone
	case "box-shadow":
		return gmail, alone
	case "background-image":
		if value != "none" {
			return outlook, "Set a background-color, too."
		}
	}
	return "", ""
}
