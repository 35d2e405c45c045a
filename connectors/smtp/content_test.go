package smtp

import (
	"bufio"
	"bytes"
	"io"
	"net/textproto"
	"strings"
	"testing"
)

func TestContent(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                      "\r\n.\r\n",
		"a":                     "a\r\n.\r\n",
		"a\r\n":                 "a\r\n.\r\n",
		".\r\n":                 "..\r\n.\r\n",
		"a\r\n.b\r\n..\r\n":     "a\r\n..b\r\n...\r\n.\r\n",
		"a.b\r\n":               "a.b\r\n.\r\n",
		"\r\n\r\n.":             "\r\n\r\n..\r\n.\r\n",
		"a\nb":                  "",
		"a\rb":                  "",
		"\n.\r\n":               "",
		"a\r\n\n.\r\n":          "",
		"a\r\r\n":               "",
		"a\r":                   "",
		"x\r\n.\rMAIL FROM:<>:": "",
	} {
		got, err := content([]byte(raw))
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v; want %q", raw, got, err, want)
		}
	}
}

// FuzzContent: what a server reads up to the final dot is the mail, and
// nothing follows it.
func FuzzContent(f *testing.F) {
	f.Add([]byte("Subject: x\r\n\r\n.\r\n..\r\nQUIT\r\n"))
	f.Add([]byte("a\n.\nb"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		wire, err := content(bytes.Clone(raw))
		if err != nil {
			return
		}
		if bytes.Contains(bytes.ReplaceAll(wire, []byte("\r\n"), nil), []byte("\r")) ||
			bytes.Contains(bytes.ReplaceAll(wire, []byte("\r\n"), nil), []byte("\n")) {
			t.Fatalf("%q: a CR or LF stands alone in %q", raw, wire)
		}
		in := bufio.NewReader(bytes.NewReader(wire))
		read, err := io.ReadAll(textproto.NewReader(in).DotReader())
		if err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(string(raw), "\r\n", "\n")
		if !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if string(read) != want || in.Buffered() != 0 {
			t.Errorf("%q arrives as %q, %d bytes follow", raw, read, in.Buffered())
		}
	})
}
