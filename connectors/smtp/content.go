package smtp

import (
	"bytes"
	"errors"
)

// errBareLineEnd refuses a mail in which CR or LF stands alone: some servers
// take that for a line end, and a dot after it for the end of the mail, so
// that text of the mail would be read as commands (SMTP smuggling).
var errBareLineEnd = errors.New("the mail holds a CR or LF that stands alone")

// content makes of a mail what DATA sends: a dot is put before each line that
// begins with one, and the line with the final dot is added (RFC 5321 section
// 4.5.2). It may use raw's spare capacity.
func content(raw []byte) ([]byte, error) {
	dots := 0
	for at := 0; at < len(raw); {
		end := bytes.IndexByte(raw[at:], '\n')
		line := raw[at:]
		if end >= 0 {
			line = raw[at : at+end]
			if len(line) == 0 || line[len(line)-1] != '\r' {
				return nil, errBareLineEnd
			}
			line = line[:len(line)-1]
			at += end + 1
		} else {
			at = len(raw)
		}
		if bytes.IndexByte(line, '\r') >= 0 {
			return nil, errBareLineEnd
		}
		if len(line) > 0 && line[0] == '.' {
			dots++
		}
	}
	if dots > 0 {
		raw = stuff(raw, dots)
	}
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		raw = append(raw, "\r\n"...)
	}
	return append(raw, ".\r\n"...), nil
}

// stuff doubles the dots at the beginning of lines; there are so many.
func stuff(raw []byte, dots int) []byte {
	out := make([]byte, 0, len(raw)+dots+len("\r\n.\r\n"))
	for line := range bytes.Lines(raw) {
		if line[0] == '.' {
			out = append(out, '.')
		}
		out = append(out, line...)
	}
	return out
}
