package connector

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Issue is one problem in a connector's settings.
type Issue struct {
	// Path leads to the value: object keys (string) and array indexes (int).
	Path []any `json:"path"`
	// Code is invalid_type, unrecognized_key, required, invalid_value or too_big.
	Code    string `json:"code"`
	Message string `json:"message"`
}

// ConfigError says why settings were refused: every problem, in order.
// Its text names keys and never values.
type ConfigError struct {
	Issues []Issue
}

// The text is for people: it stops after maxIssues problems, and a key of the
// sender's own making is cut to maxKey bytes.
const (
	maxIssues = 10
	maxKey    = 64
)

// Error names every path and what is wrong there, in one line.
func (e *ConfigError) Error() string {
	if len(e.Issues) == 0 {
		return "the settings are not valid"
	}
	var b strings.Builder
	b.WriteString("the settings are not valid: ")
	for i, issue := range e.Issues {
		if i == maxIssues {
			fmt.Fprintf(&b, "; and %d more", len(e.Issues)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		if len(issue.Path) > 0 {
			b.WriteString(pathText(issue.Path) + " ")
		}
		b.WriteString(issue.Message)
	}
	return b.String()
}

// pathText writes a path as auth.user or templates[0].subject.
func pathText(path []any) string {
	var b strings.Builder
	for i, step := range path {
		switch s := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(keyText(fmt.Sprint(s)))
		}
	}
	return b.String()
}

// keyText writes a key that a line of text can hold.
func keyText(key string) string {
	if len(key) > maxKey {
		key = strings.ToValidUTF8(key[:maxKey], "") + "…"
	}
	odd := func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }
	if key == "" || strings.ContainsFunc(key, odd) {
		return strconv.Quote(key)
	}
	return key
}
