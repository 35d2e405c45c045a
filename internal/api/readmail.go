package api

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

// maxParts is how many parts of a mail are looked at, at any depth.
const maxParts = 100

// readMail reads a mail for showing it, as far as it can be read: the sender,
// the headers, and the first part of each kind.
func readMail(raw []byte) readMailJSON {
	out := readMailJSON{Headers: headersOf(raw)}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return out
	}
	out.From = decodeWords(m.Header.Get("From"))
	r := partReader{out: &out, left: maxParts}
	r.read(textproto.MIMEHeader(m.Header), m.Body)
	return out
}

// headersOf returns the header fields in their order. Package net/mail keeps
// no order.
func headersOf(raw []byte) []headerJSON {
	fields := []headerJSON{}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, len(raw)+1)
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			break
		}
		if folded := line[0] == ' ' || line[0] == '\t'; folded && len(fields) > 0 {
			fields[len(fields)-1].Value += "\n" + line
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, headerJSON{Name: name, Value: value})
	}
	for i, f := range fields {
		fields[i].Value = decodeWords(strings.TrimSpace(strings.ReplaceAll(f.Value, "\n", "")))
	}
	return fields
}

// decodeWords decodes RFC 2047 encoded words; what cannot be decoded stays.
func decodeWords(s string) string {
	decoded, err := (&mime.WordDecoder{}).DecodeHeader(s)
	if err != nil {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(decoded, "\uFFFD")
}

// partReader collects the readable parts of a mail.
type partReader struct {
	out  *readMailJSON
	left int
}

func (r *partReader) read(header textproto.MIMEHeader, body io.Reader) {
	r.left--
	if r.left < 0 {
		return
	}
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		media = "text/plain" // RFC 2045 section 5.2
	}
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for r.left > 0 {
			// Raw: the multipart reader's own decoding would hide the encoding.
			part, err := parts.NextRawPart()
			if err != nil {
				return
			}
			r.read(part.Header, part)
		}
		return
	}
	switch {
	case media == "text/html" && r.out.HTML == "":
		r.out.HTML = decodeText(header, body)
	case media == "text/plain" && r.out.Text == "":
		r.out.Text = decodeText(header, body)
	}
}

// decodeText undoes the transfer encoding (RFC 2045 section 6) of a part. Its
// text is UTF-8: mails in the inbox are made here.
func decodeText(header textproto.MIMEHeader, body io.Reader) string {
	switch strings.ToLower(strings.TrimSpace(header.Get("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, _ := io.ReadAll(body) // what could be read is worth showing
	return strings.ReplaceAll(strings.ToValidUTF8(string(text), "\uFFFD"), "\r\n", "\n")
}
