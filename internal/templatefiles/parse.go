package templatefiles

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
)

// maxFile is the largest file that is read, in bytes. Its content has the
// bound of all templates.
const maxFile = 1 << 20

// Problem is why a file, or a folder, cannot be taken for templates.
type Problem struct {
	Path    string // relative to the folder, with slashes
	Line    int    // from 1, or 0 for the whole
	Message string
}

func at(line int, format string, args ...any) *Problem {
	return &Problem{Line: line, Message: fmt.Sprintf(format, args...)}
}

// parseTemplate reads the text of a template's file into the entry.
func (e *Entry) parseTemplate(data []byte) *Problem {
	text, problem := readable(data)
	if problem != nil {
		return problem
	}
	// Some editors begin a file with a mark, which is not the template's.
	front, body, turned, problem := split(strings.TrimPrefix(text, "\ufeff"))
	if problem != nil {
		return problem
	}
	values, problem := parseFront(front)
	if problem != nil {
		return problem
	}
	want := values.values[keyContentType]
	if want != "" && want != string(e.Details.ContentType) {
		return at(values.places[keyContentType].line,
			"contentType is %q, but the file's ending says %s", want, e.Details.ContentType)
	}
	if values.values[keySubject] == "" {
		return at(1, "the front matter has no subject")
	}
	first := strings.Count(front, "\n") + 3 // after two fences
	if turned {
		body = strings.ReplaceAll(body, "\r\n", "\n")
	}
	e.fields = values.places
	e.Details = templates.Details{
		Subject: values.values[keySubject], ReplyTo: values.values[keyReplyTo], SendFrom: values.values[keySendFrom],
		ContentType: e.Details.ContentType,
	}
	return e.setContent(body, first)
}

// parsePartial reads the text of a partial's file into the entry.
func (e *Entry) parsePartial(data []byte) *Problem {
	text, problem := readable(data)
	if problem != nil {
		return problem
	}
	e.fields = make(map[string]place)
	return e.setContent(text, 1)
}

func (e *Entry) setContent(body string, line int) *Problem {
	e.fields[keyContent] = place{line, 1}
	e.Details.Content = strings.TrimSuffix(body, "\n")
	switch {
	case e.Details.Content == "" && e.Partial == "":
		return at(line, "there is no content below the front matter")
	case len(e.Details.Content) > template.MaxSource:
		return at(line, "the content is larger than %d KiB", template.MaxSource>>10)
	}
	return nil
}

// readable returns a file's text.
func readable(data []byte) (string, *Problem) {
	if len(data) > maxFile {
		return "", at(0, "the file is larger than %d KiB", maxFile>>10)
	}
	for rest, line := data, 1; len(rest) > 0; line++ {
		var head []byte
		head, rest, _ = bytes.Cut(rest, []byte("\n"))
		if !utf8.Valid(head) {
			return "", at(line, "this is not UTF-8")
		}
	}
	return string(data), nil
}

// split parts the front matter from what follows; turned tells whether line
// ends have been turned to CR LF.
func split(text string) (front, body string, turned bool, p *Problem) {
	first, rest, _ := strings.Cut(text, "\n")
	first, turned = strings.CutSuffix(first, "\r")
	if first != fence {
		return "", "", false, at(1, "must begin with a line --- and the front matter, with the subject")
	}
	from := rest
	for rest != "" {
		var line string
		start := len(from) - len(rest)
		line, rest, _ = strings.Cut(rest, "\n")
		if strings.TrimSuffix(line, "\r") == fence {
			return from[:start], rest, turned, nil
		}
	}
	return "", "", false, at(1, "the front matter has no end: put a line --- after it")
}

// front is what a front matter says.
type front struct {
	values map[string]string
	places map[string]place
}

// parseFront reads the lines between the fences.
func parseFront(text string) (front, *Problem) {
	f := front{make(map[string]string), make(map[string]place)}
	// With the first fence the parser counts lines as the file has them.
	decoder := yaml.NewDecoder(strings.NewReader(fence + "\n" + text))
	var document, more yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return f, nil
	case err != nil:
		return f, syntax(text, err)
	case !errors.Is(decoder.Decode(&more), io.EOF):
		return f, at(2, "the front matter must be one YAML document")
	}
	node := document.Content[0]
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		return f, nil // comments only
	}
	if node.Kind != yaml.MappingNode {
		return f, at(node.Line, "the front matter must be lines such as subject: Your code")
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if problem := f.add(node.Content[i], node.Content[i+1]); problem != nil {
			return f, problem
		}
	}
	return f, nil
}

func (f front) add(key, value *yaml.Node) *Problem {
	known := []string{keySubject, keyReplyTo, keySendFrom, keyContentType}
	if !slices.Contains(known, key.Value) || key.Kind != yaml.ScalarNode {
		return at(key.Line, "%q is no key of the front matter: %s", key.Value, strings.Join(known, ", "))
	}
	if _, twice := f.places[key.Value]; twice {
		return at(key.Line, "%s is there twice", key.Value)
	}
	quoted := value.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
	switch empty := value.ShortTag() == "!!null" && value.Value == ""; {
	case value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" && !empty:
		return at(value.Line, "%s must be a text: put it in quotes", key.Value)
	case value.LineComment != "" && !quoted:
		// Nearly always this is a # that was meant to be seen.
		return at(value.Line, "%s has a comment behind it: put the text in quotes, or the comment on its own line", key.Value)
	}
	start := place{value.Line, value.Column}
	if quoted {
		start.column++
	}
	if value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		start.line++
	}
	f.places[key.Value], f.values[key.Value] = start, value.Value
	return nil
}

// syntax turns the parser's error into one with its place.
func syntax(text string, err error) *Problem {
	why := strings.TrimPrefix(err.Error(), "yaml: ")
	if line, rest, found := strings.Cut(why, ": "); found && strings.HasPrefix(line, "line ") {
		why = rest
	}
	return at(firstBad(text), "not YAML: %s; a text with : or # in it, or { at its start, needs quotes", why)
}

// firstBad returns the line of a file whose front matter is broken: the one
// after the last lines that read well. The parser's own line is often that of
// what the broken line belongs to.
func firstBad(text string) int {
	const most = 100 // lines that are tried
	lines := slices.Collect(strings.Lines(text))
	for n := min(len(lines)-1, most); n > 0; n-- {
		if yaml.Unmarshal([]byte(strings.Join(lines[:n], "")), new(yaml.Node)) == nil {
			return n + 2 // the fence, and the next
		}
	}
	return 2
}

// contentTypeOf returns the content type that a file's ending stands for.
func contentTypeOf(ending string) (connector.ContentType, bool) {
	for _, t := range []connector.ContentType{connector.TextHTML, connector.TextPlain} {
		if endingOf(t) == ending {
			return t, true
		}
	}
	return "", false
}
