package templatefiles

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/locale"
	"github.com/postern-mail/postern/internal/templates"
)

const (
	// partialsFolder is the folder of partials. No language can be called so.
	partialsFolder = "partials"
	// maxName is the longest name of a partial, in bytes.
	maxName = 64
)

// Key names a template, or a partial.
type Key struct {
	Language string // in lower case; "" for a partial
	Type     connector.TemplateType
	Partial  string // "" for a template
}

// Entry is a template, or a partial: then Partial is its name and of Details
// only Content is used.
type Entry struct {
	Language string
	Type     connector.TemplateType
	Partial  string
	Details  templates.Details // ContentType is never "" in a template
	// fields tells where the values stand in the file it was read from.
	fields map[string]place
}

type place struct{ line, column int }

// Template makes the entry of a template.
func Template(language string, t connector.TemplateType, d templates.Details) Entry {
	d.ContentType = cmp.Or(d.ContentType, connector.TextHTML)
	return Entry{Language: language, Type: t, Details: d}
}

// Partial makes the entry of a partial.
func Partial(name, content string) Entry {
	return Entry{Partial: name, Details: templates.Details{Content: content}}
}

// Key returns what the entry is called. Languages compare without regard to
// case.
func (e Entry) Key() Key { return Key{strings.ToLower(e.Language), e.Type, e.Partial} }

// Path returns the name of the entry's file, relative to the folder and with
// slashes.
func (e Entry) Path() string {
	if e.Partial != "" {
		return path.Join(partialsFolder, e.Partial+".html")
	}
	return path.Join(e.Language, string(e.Type)+endingOf(e.Details.ContentType))
}

// Place returns where a place in one of the details is in the file that the
// entry was read from. Field is a key of Details in JSON; line and column count
// from 1, and 0 is a place that is not known.
func (e Entry) Place(field string, line, column int) (fileLine, fileColumn int) {
	at, known := e.fields[field]
	switch {
	case !known:
		return 1, 0
	case line > 1 && field != "content":
		return at.line, 0 // front matter folds lines
	case line > 1:
		return at.line + line - 1, column
	case line == 0 || column == 0:
		return at.line, 0
	}
	return at.line, at.column + column - 1
}

// equal tells whether two entries of one key say the same.
func (e Entry) equal(other Entry) bool { return e.Details == other.Details }

// valid returns what keeps an entry from being a file, or "". A service may
// send anything.
func (e Entry) valid() string {
	switch {
	case e.Partial != "" && !validPartial(e.Partial):
		return "its name must be 1 to 64 letters, digits, - and _"
	case e.Partial != "":
		return ""
	case !validLanguage(e.Language):
		return "its language is no language tag"
	case !e.Type.Valid():
		return "its type is none of the template types"
	case endingOf(e.Details.ContentType) == "":
		return "its content type is neither text/html nor text/plain"
	}
	return ""
}

func endingOf(t connector.ContentType) string {
	switch t {
	case connector.TextHTML:
		return ".html"
	case connector.TextPlain:
		return ".txt"
	}
	return ""
}

func validLanguage(tag string) bool {
	return locale.Valid(tag) && !strings.EqualFold(tag, partialsFolder)
}

func validPartial(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// Sorted returns entries in the order of their paths.
func Sorted(entries []Entry) []Entry {
	return slices.SortedFunc(slices.Values(entries), func(a, b Entry) int {
		return cmp.Compare(a.Path(), b.Path())
	})
}

// Spelled returns entries with their languages spelled as in the folder that
// local was read from, so that pt-BR goes to a folder pt-br that is there.
func Spelled(entries, local []Entry) []Entry {
	spelling := make(map[string]string)
	for _, e := range local {
		spelling[strings.ToLower(e.Language)] = e.Language
	}
	out := slices.Clone(entries)
	for i, e := range out {
		out[i].Language = cmp.Or(spelling[strings.ToLower(e.Language)], e.Language)
	}
	return out
}
