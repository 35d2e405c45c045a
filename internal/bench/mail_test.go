package bench

import (
	"errors"
	"strings"
	"testing"
)

func TestCodeIn(t *testing.T) {
	t.Parallel()
	multipart := "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<b style=\"color:#111111\">999999</b>\r\n" +
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
		"Your code is 12=\r\n3456, valid for 10 minutes.\r\n--b--\r\n"
	cases := map[string]struct{ raw, want string }{
		"multipart":      {multipart, "123456"},
		"plain":          {"Content-Type: text/plain\r\n\r\n12345 or 12345678 in 2026\r\n", "12345678"},
		"base64":         {"Content-Type: text/plain\r\nContent-Transfer-Encoding: BASE64\r\n\r\nY29kZSA2NTQz\r\nMjE=\r\n", "654321"},
		"part in a part": {"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" + strings.TrimPrefix(multipart, "MIME-Version: 1.0\r\n") + "\r\n--a--\r\n", "123456"},
	}
	for name, c := range cases {
		if got, err := codeIn([]byte(c.raw)); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestCodeInRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		raw  string
		want error
	}{
		"no code": {"Content-Type: text/plain\r\n\r\n1234567890 and 12345\r\n", errNoCode},
		"no text": {"Content-Type: text/html\r\n\r\n123456\r\n", errNoText},
		"no part": {"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a--\r\n", errNoText},
	}
	for name, c := range cases {
		if got, err := codeIn([]byte(c.raw)); !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, raw := range []string{"", "no header", "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"} {
		if got, err := codeIn([]byte(raw)); err == nil {
			t.Errorf("%q holds %q", raw, got)
		}
	}
}
