package bench

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
)

var (
	errNoText = errors.New("the mail has no text part")
	errNoCode = errors.New("the mail's text shows no code")

	codePattern = regexp.MustCompile(`\b\d{6,8}\b`)
)

// codeIn reads the code from a mail's text part.
func codeIn(raw []byte) (string, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return "", fmt.Errorf("read mail: %w", err)
	}
	text, err := textOf(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	if err != nil {
		return "", err
	}
	code := codePattern.FindString(text)
	if code == "" {
		return "", errNoCode
	}
	return code, nil
}

// textOf returns the first text/plain part.
func textOf(contentType, encoding string, body io.Reader) (string, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", fmt.Errorf("read mail: %w", err)
	}
	if kind == "text/plain" {
		switch strings.ToLower(encoding) {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return "", fmt.Errorf("read mail: %w", err)
		}
		return string(text), nil
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return "", errNoText
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return "", errNoText
		}
		if err != nil {
			return "", fmt.Errorf("read mail: %w", err)
		}
		text, err := textOf(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
		if !errors.Is(err, errNoText) {
			return text, err
		}
	}
}
