package directory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/fault"
)

// MaxCustomData is the largest custom data of one thing, in bytes of JSON.
const MaxCustomData = 64 << 10

// checker collects what is wrong with a thing.
type checker struct{ issues []fault.Issue }

func (c *checker) add(code, message string, path ...any) {
	c.issues = append(c.issues, fault.Issue{Path: path, Code: code, Message: message})
}

// line checks a text of one line with at most so many characters.
func (c *checker) line(text string, most int, path ...any) {
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		c.add("invalid_value", "must not hold control characters", path...)
	case utf8.RuneCountInString(text) > most:
		c.add("too_big", fmt.Sprintf("must be at most %d characters", most), path...)
	}
}

// name checks a text of one line that must be there.
func (c *checker) name(text string, most int, path ...any) {
	if text == "" {
		c.add("invalid_value", fmt.Sprintf("must be 1 to %d characters", most), path...)
		return
	}
	c.line(text, most, path...)
}

func (c *checker) branding(b branding.Branding) {
	for _, issue := range b.Check() {
		issue.Path = append([]any{"branding"}, issue.Path...)
		c.issues = append(c.issues, issue)
	}
}

// data checks custom data and returns it in its shortest form.
func (c *checker) data(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage("{}")
	}
	var short bytes.Buffer
	switch err := json.Compact(&short, text); {
	case err != nil || short.Bytes()[0] != '{':
		c.add("invalid_type", "expected object", "customData")
	case short.Len() > MaxCustomData:
		c.add("too_big", "must be at most 64 KiB of JSON", "customData")
	}
	return short.Bytes()
}
