package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/postern-mail/postern/internal/template"
)

// layout is the frame of all built-in mails: parts one after the other, some
// only where a value is there.
type layout struct {
	parts   []part
	size    int       // a guess at the length of the output
	scratch sync.Pool // of *[]byte: buffers of earlier renderings
}

// part is printed when the value named when is not empty, or always.
type part struct {
	when string
	tpl  *template.Template
}

func readLayout(files fs.FS, name string, escape template.Escape) (*layout, error) {
	source, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	l, err := parseLayout(string(source), escape)
	if err != nil {
		return nil, fmt.Errorf("templates: %s: %w", name, err)
	}
	return l, nil
}

const (
	ifOpen  = "{{#if "
	ifClose = "{{/if}}"
)

// parseLayout reads {{#if name}} … {{/if}}, without nesting. As in Handlebars,
// a tag alone on its line takes the line with it.
func parseLayout(source string, escape template.Escape) (*layout, error) {
	l := &layout{size: len(source) + 1<<10}
	add := func(when, text string) error {
		if text == "" {
			return nil
		}
		tpl, err := template.Parse(text, escape)
		l.parts = append(l.parts, part{when: when, tpl: tpl})
		return err
	}
	rest := source
	for {
		before, after, found := strings.Cut(rest, ifOpen)
		if !found {
			return l, add("", rest)
		}
		when, body, ok := strings.Cut(after, "}}")
		if !ok {
			return nil, errors.New("a block is not opened properly")
		}
		body, after, ok = strings.Cut(body, ifClose)
		if !ok || strings.Contains(body, ifOpen) {
			return nil, fmt.Errorf("the block %q is not closed", when)
		}
		before, body = withoutTagLine(before, body)
		body, rest = withoutTagLine(body, after)
		if err := add("", before); err != nil {
			return nil, err
		}
		if err := add(when, body); err != nil {
			return nil, err
		}
	}
}

// withoutTagLine removes the line of a tag that stands between before and
// after, if the tag is alone on it. The lines of layouts have no indentation.
func withoutTagLine(before, after string) (string, string) {
	if before != "" && !strings.HasSuffix(before, "\n") {
		return before, after
	}
	return before, strings.TrimPrefix(after, "\n")
}

func (l *layout) render(values map[string]any) (string, error) {
	scratch, ok := l.scratch.Get().(*[]byte)
	if !ok {
		scratch = new([]byte)
		*scratch = make([]byte, 0, l.size)
	}
	defer l.scratch.Put(scratch)
	buf := (*scratch)[:0]
	for _, p := range l.parts {
		if p.when != "" && isEmpty(values[p.when]) {
			continue
		}
		var err error
		if buf, err = p.tpl.Append(buf, values); err != nil {
			return "", fmt.Errorf("templates: %w", err)
		}
	}
	*scratch = buf
	return string(buf), nil
}

func isEmpty(value any) bool { return value == nil || value == "" }
