package templates

import (
	"strings"

	"github.com/k3a/html2text"

	"github.com/postern-mail/postern/internal/template"
)

// TextFromHTML returns the plain-text form of an HTML body or template, with
// LF line ends: what a reader sees, each block on lines of its own, list items
// with a dash, links with their address behind them, no more than one empty
// line in a row. Comments, styles, scripts, pictures and what is hidden by
// display:none (a preheader) are left out. Text is never split or joined within
// a line, so a code stays as it was written, and placeholders stay placeholders.
//
// Any input is taken, broken or hostile, in time linear to its length; what is
// longer than template.MaxOutput is cut, and the result is never longer either.
func TextFromHTML(html string) string {
	if len(html) > template.MaxOutput {
		html = strings.ToValidUTF8(html[:template.MaxOutput], "")
	}
	text := html2text.HTML2TextWithOptions(simplify(html), html2text.WithUnixLineBreaks(), html2text.WithLinksInnerText())
	text = tidyLines(text)
	if len(text) > template.MaxOutput {
		text = strings.ToValidUTF8(text[:template.MaxOutput], "")
	}
	return text
}

// tidyLines trims every line, and leaves at most one empty line in a row and
// none at the ends. No-break spaces become plain ones.
func tidyLines(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	empty := true // no text yet, or an empty line was the last
	pending := false
	for line := range strings.SplitSeq(strings.ReplaceAll(s, "\u00a0", " "), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			pending = !empty
			continue
		}
		if pending {
			b.WriteByte('\n')
		}
		b.WriteString(line)
		b.WriteByte('\n')
		empty, pending = false, false
	}
	return strings.TrimSuffix(b.String(), "\n")
}
