//go:build unix

package test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"testing"

	"github.com/emersion/go-message/mail"
)

// codePattern finds a code that stands alone, as mails show it.
var codePattern = regexp.MustCompile(`(?m)(?:^|[^0-9A-Za-z])([0-9]{6})(?:[^0-9A-Za-z]|$)`)

// codeIn returns the one code in a text.
func codeIn(t testing.TB, text string) string {
	t.Helper()
	code, ok := findCode(text)
	if !ok {
		t.Fatalf("not one code in this text:\n%s", text)
	}
	return code
}

func findCode(text string) (code string, ok bool) {
	for _, found := range codePattern.FindAllStringSubmatch(text, -1) {
		if code != "" && code != found[1] {
			return "", false
		}
		code = found[1]
	}
	return code, code != ""
}

// wrong returns a code that is not the given one.
func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// letter is a mail as its receiver sees it.
type letter struct {
	header     mail.Header
	text, html string
}

func readLetter(raw []byte) (letter, error) {
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return letter{}, err
	}
	l := letter{header: reader.Header}
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return letter{}, err
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return letter{}, err
		}
		switch inline, ok := part.Header.(*mail.InlineHeader); {
		case !ok:
			return letter{}, errors.New("an attachment")
		case contentType(inline) == "text/html":
			l.html = string(body)
		default:
			l.text = string(body)
		}
	}
}

func contentType(h *mail.InlineHeader) string {
	kind, _, err := h.ContentType()
	if err != nil {
		return ""
	}
	return kind
}
