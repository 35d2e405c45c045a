package templates

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
)

// Custom is a template that somebody wrote: a connector's or a stored one.
type Custom struct {
	Subject, Content  string
	ContentType       connector.ContentType // empty means text/html
	Text              string                // the text part of HTML content; empty has it made of the content
	ReplyTo, SendFrom string                // may be empty
	// Partials holds the partials and layouts that all parts may use; nil for
	// none.
	Partials *template.Library
}

// RenderCustom renders a custom template. Values are escaped as the content
// type asks for, and control characters never reach Subject, ReplyTo and
// SendFrom. Content of type text/plain is the text alone, and HTML stays
// empty. For HTML content without a Text of its own the text part is
// TextFromHTML of the template, made once per template and rendered with the
// payload like the template itself; where the template prints raw values, or
// has blocks, helpers or partials, it is made of the output.
//
// Locale is the payload's "locale". The error is a *template.Error, wrapped
// with the name of the part that it is about.
func RenderCustom(cache *template.Cache, c Custom, payload map[string]any) (Rendered, error) {
	r, err := RenderFields(cache, c, payload)
	if err != nil {
		return Rendered{}, err
	}
	if c.ContentType == connector.TextPlain {
		r.Text, err = renderPart(cache, "content", c.Content, c.options(template.None), payload)
	} else {
		r.HTML, r.Text, err = renderHTML(cache, c, payload)
	}
	if err != nil {
		return Rendered{}, err
	}
	if r.Text == "" {
		r.Text = r.Subject // a mail of pictures alone still says something
	}
	return r, nil
}

// RenderFields is RenderCustom of Subject, ReplyTo and SendFrom alone.
func RenderFields(cache *template.Cache, c Custom, payload map[string]any) (Rendered, error) {
	r := Rendered{Locale: str(payload, "locale")}
	for _, field := range [...]struct {
		name, source string
		to           *string
	}{
		{"subject", c.Subject, &r.Subject},
		{"replyTo", c.ReplyTo, &r.ReplyTo},
		{"sendFrom", c.SendFrom, &r.SendFrom},
	} {
		s, err := renderPart(cache, field.name, field.source, c.options(template.Header), payload)
		if err != nil {
			return Rendered{}, err
		}
		*field.to = headerLine(s)
	}
	return r, nil
}

func (c *Custom) options(escape template.Escape) template.Options {
	return template.Options{Escape: escape, Library: c.Partials}
}

func renderPart(cache *template.Cache, name, source string, o template.Options, payload map[string]any) (string, error) {
	tpl, err := cache.Compile(source, o)
	if err != nil {
		return "", fmt.Errorf("templates: %s: %w", name, err)
	}
	s, err := tpl.Render(payload)
	if err != nil {
		return "", fmt.Errorf("templates: %s: %w", name, err)
	}
	return lineFeeds(s), nil
}

// renderHTML renders HTML content and its text part.
func renderHTML(cache *template.Cache, c Custom, payload map[string]any) (html, text string, err error) {
	tpl, err := cache.Compile(c.Content, c.options(template.HTML))
	if err != nil {
		return "", "", fmt.Errorf("templates: content: %w", err)
	}
	if html, err = tpl.Render(payload); err != nil {
		return "", "", fmt.Errorf("templates: content: %w", err)
	}
	html = lineFeeds(html)
	if c.Text != "" {
		text, err = renderPart(cache, "text", c.Text, c.options(template.None), payload)
		return html, text, err
	}
	if tpl.Raw() || tpl.Dynamic() {
		return html, TextFromHTML(html), nil
	}
	plain, err := cache.GetText(c.Content, TextFromHTML)
	if err == nil {
		text, err = plain.Render(payload)
	}
	if err != nil {
		return "", "", fmt.Errorf("templates: text part of the content: %w", err)
	}
	return html, lineFeeds(text), nil
}

// lineFeeds makes every line end a line feed.
func lineFeeds(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// headerLine makes one line of a rendered header field: the engine removed
// control characters from values, this takes those of the template's text.
func headerLine(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		s = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}
