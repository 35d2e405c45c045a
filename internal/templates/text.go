package templates

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/postern-mail/postern/internal/template"
)

// TextFromHTML returns the plain-text form of an HTML body or template, with
// LF line ends: what a reader sees, each block on lines of its own, list items
// with a dash, links with their address behind them, no more than one empty
// line in a row. Comments, styles, scripts, pictures and what is hidden by
// display:none or mso-hide:all (a preheader) are left out. Words are never split or joined, so
// a code stays as it was written, and placeholders stay placeholders.
//
// Any input is taken, broken or hostile, in time linear to its length; what is
// longer than template.MaxOutput is cut, and the result is never longer either.
func TextFromHTML(source string) string {
	var w textWriter
	tokens := html.NewTokenizer(strings.NewReader(cut(source)))
	for {
		switch kind := tokens.Next(); kind {
		case html.ErrorToken:
			w.closeLink() // the end: a strings.Reader knows no other error
			return cut(w.out.String())
		case html.TextToken:
			if w.hidden == "" && !w.raw {
				w.text(string(tokens.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			w.startTag(tokens)
		case html.EndTagToken:
			name, _ := tokens.TagName()
			w.endTag(string(name))
		case html.CommentToken, html.DoctypeToken:
		}
	}
}

// cut bounds s to template.MaxOutput bytes.
func cut(s string) string {
	if len(s) <= template.MaxOutput {
		return s
	}
	return strings.ToValidUTF8(s[:template.MaxOutput], "")
}

// textWriter writes words and remembers what has to stand before the next one.
type textWriter struct {
	out    strings.Builder
	breaks int  // line ends, 2 at most
	space  bool // white space
	bullet bool // the dash of a list item
	raw    bool // inside an element whose content is no text
	// hidden is the name of the element that is not shown, if any, and depth
	// how many of that name are open in it.
	hidden string
	depth  int
	link   *openLink
}

// openLink is an anchor whose end has not come.
type openLink struct {
	href string
	at   int // where its text begins in the output
}

// text writes t with white space as HTML shows it; no-break spaces become
// plain ones.
func (w *textWriter) text(t string) {
	for t != "" {
		i := strings.IndexAny(t, " \t\n\f\r\u00a0")
		switch {
		case i < 0:
			w.word(t)
			return
		case i > 0:
			w.word(t[:i])
		}
		w.space = true
		t = strings.TrimLeft(t[i:], " \t\n\f\r\u00a0")
	}
}

func (w *textWriter) word(s string) {
	switch {
	case w.out.Len() == 0:
	case w.breaks > 0:
		w.out.WriteString("\n\n"[:w.breaks])
	case w.space:
		w.out.WriteByte(' ')
	}
	if w.bullet {
		w.out.WriteString("- ")
	}
	w.out.WriteString(s)
	w.breaks, w.space, w.bullet = 0, false, false
}

// startTag reads the start tag at which tokens stands.
func (w *textWriter) startTag(tokens *html.Tokenizer) {
	raw, more := tokens.TagName()
	name := string(raw)
	if w.hidden != "" {
		if w.hidden != name {
			return
		}
		if name != "p" {
			w.depth++
			return
		}
		w.hidden = "" // a paragraph ends where the next one begins
	}
	var href string
	invisible := false
	for more {
		var key, value []byte
		key, value, more = tokens.TagAttr()
		switch string(key) {
		case "href":
			href = string(value)
		case "style":
			invisible = invisible || hides(string(value))
		}
	}
	if invisible && closes(name) {
		w.hidden, w.depth = name, 1
		return
	}
	w.open(name, href)
}

// open begins a visible element.
func (w *textWriter) open(name, href string) {
	switch name {
	case "style", "script", "title", "iframe", "noembed", "noframes":
		w.raw = true
	case "a":
		w.closeLink()
		if target := linkTarget(href); target != "" {
			w.link = &openLink{href: target, at: w.out.Len()}
		}
	case "br":
		w.breaks = min(w.breaks+1, 2)
	case "li":
		w.block(name)
		w.bullet = true
	default:
		w.block(name)
	}
}

func (w *textWriter) endTag(name string) {
	switch {
	case w.hidden != "":
		if name == w.hidden {
			w.depth--
			if w.depth == 0 {
				w.hidden = ""
			}
		}
	case name == "a":
		w.closeLink()
	default:
		w.raw = false
		w.block(name)
	}
}

// block asks for what stands around an element that is no part of a line.
func (w *textWriter) block(name string) {
	switch name {
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "blockquote", "pre", "hr", "form", "fieldset":
		w.breaks = 2
	case "div", "tr", "li", "ul", "ol", "dl", "dt", "dd", "center", "section", "article", "header", "footer", "main",
		"nav", "aside", "address", "figure", "figcaption", "caption", "body", "html", "head":
		w.breaks = max(w.breaks, 1)
	case "td", "th":
		w.space = true
	}
}

// closeLink ends the open anchor, if any. Its address stands behind its text,
// unless the text is the address already.
func (w *textWriter) closeLink() {
	if w.link == nil {
		return
	}
	inner := strings.TrimPrefix(strings.TrimSpace(w.out.String()[w.link.at:]), "- ")
	if inner != w.link.href {
		w.space = w.space || inner != ""
		w.word("<" + w.link.href + ">")
	}
	w.link = nil
}

// linkTarget returns what of an anchor's address is told in text: a web
// address, a mail address or a placeholder, and "" for anything else.
func linkTarget(href string) string {
	href = strings.TrimSpace(href)
	for _, prefix := range [...]string{"https://", "http://", "{{"} {
		if len(href) > len(prefix) && strings.EqualFold(href[:len(prefix)], prefix) {
			return href
		}
	}
	if mail, ok := strings.CutPrefix(href, "mailto:"); ok {
		return mail
	}
	return ""
}

// hides reports whether a style attribute hides its element, at least from
// Outlook: then others are kept from it by other means.
func hides(style string) bool {
	style = strings.ToLower(strings.Join(strings.Fields(style), ""))
	return strings.Contains(style, "display:none") || strings.Contains(style, "mso-hide:all")
}

// closes reports whether an element's end is always written, or known without
// knowing the whole tree. Others are shown even if hidden: better too much than
// a mail without its code.
func closes(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
		"html", "head", "body", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "colgroup":
		return false
	}
	return true
}
