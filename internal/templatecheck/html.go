package templatecheck

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// plain checks content of type text/plain.
func (c *checker) plain() {
	masked, where := c.tpl.Masked(), newLocator(c.source)
	for _, found := range regexp.MustCompile(`(?i)\bhttp://`).FindAllStringIndex(masked, -1) {
		c.insecure(where, found[0], InsecureLink)
	}
	c.numbers(masked, 0, where)
}

// insecure tells of a URL that begins with http:.
func (c *checker) insecure(where *locator, offset int, code string) {
	message := "The link is not encrypted, and mail programs warn of it. Use https."
	if code == InsecureImage {
		message = "The image is not encrypted, and many mail programs do not load it. Use https."
	}
	c.tellAt(where, offset, code, message)
}

// html checks content of type text/html; rendered is what it is with usual
// values.
func (c *checker) html(rendered string) {
	w := page{checker: c, where: newLocator(c.source), css: make(map[string]bool), text: newStyles()}
	masked := c.tpl.Masked()
	tokens := html.NewTokenizer(strings.NewReader(masked))
	for offset := 0; ; {
		kind := tokens.Next()
		raw := len(tokens.Raw())
		w.offset = offset
		switch kind {
		case html.ErrorToken:
			w.language(rendered)
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			w.startTag(tokens.Token())
		case html.EndTagToken:
			name, _ := tokens.TagName()
			w.endTag(string(name))
		case html.TextToken:
			w.words(masked[offset : offset+raw])
		case html.CommentToken, html.DoctypeToken:
		}
		offset += raw
	}
}

// page follows HTML from tag to tag.
type page struct {
	*checker

	where   *locator
	offset  int    // of the token
	element string // whose content is no HTML: style, script, title …
	first   int    // offset of the first element, if there is one
	html    int    // offset of <html>, if there is one
	any     bool
	root    bool
	css     map[string]bool // what of CSS was told of
	text    *styles
}

func (p *page) tellHere(code, message string) {
	p.tellAt(p.where, p.offset, code, message)
}

// startTag checks one element.
func (p *page) startTag(t html.Token) {
	if !p.any {
		p.any, p.first = true, p.offset
	}
	p.element = ""
	switch t.Data {
	case "html":
		p.root, p.html = true, p.offset
	case "style", "title", "textarea", "xmp", "noscript":
		p.element = t.Data
	case "script", "iframe", "object", "embed", "applet", "form", "video", "audio", "base":
		p.element = t.Data
		p.tellHere(DroppedElement, fmt.Sprintf("Mail programs remove <%s>, or show it as an attack. Leave it out.", t.Data))
	case "link":
		if rel, _ := attribute(t, "rel"); strings.EqualFold(rel, "stylesheet") {
			p.dropped(p.offset, "an external style sheet", "Gmail, Outlook.com and Yahoo ignore", "Write the styles into style attributes.")
		}
	case "img":
		if _, ok := attribute(t, "alt"); !ok {
			p.tellHere(MissingAlt, "The image has no alternative text, which is read aloud, and shown while images are blocked. "+
				`Add alt="…", or alt="" if it is decoration.`)
		}
	}
	p.urls(t)
	style, _ := attribute(t, "style")
	p.declarations(style, p.offset, false)
	p.text.open(t, style, p.offset)
}

// urls tells of links and images that are not encrypted.
func (p *page) urls(t html.Token) {
	for _, a := range t.Attr {
		value := strings.ToLower(strings.TrimSpace(a.Val))
		if !strings.HasPrefix(value, "http://") {
			continue
		}
		switch a.Key {
		case "src", "background", "srcset":
			p.insecure(p.where, p.offset, InsecureImage)
		case "href", "action":
			p.insecure(p.where, p.offset, InsecureLink)
		}
	}
}

func (p *page) endTag(name string) {
	p.element = ""
	p.text.close(name)
}

// words checks text between tags.
func (p *page) words(text string) {
	switch p.element {
	case "":
		p.numbers(text, p.offset, p.where)
		if strings.TrimSpace(text) != "" {
			p.contrast()
		}
	case "style":
		p.sheet(text, p.offset)
	}
}

// language tells when the mail does not say which language it is in. With a
// layout, its root element is not in the content.
func (p *page) language(rendered string) {
	tokens := html.NewTokenizer(strings.NewReader(rendered))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			at := p.first
			if p.root {
				at = p.html
			}
			p.tellAt(p.where, at, MissingLang, "The mail does not say its language, so screen readers may read it in another one, "+
				`and mail programs offer to translate it. Add lang="{{locale}}" to the outermost element.`)
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			t := tokens.Token()
			if lang, _ := attribute(t, "lang"); strings.TrimSpace(lang) != "" {
				return
			}
		case html.TextToken, html.EndTagToken, html.CommentToken, html.DoctypeToken:
		}
	}
}

// attribute returns the value of an attribute, if it is there.
func attribute(t html.Token, name string) (string, bool) {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}
