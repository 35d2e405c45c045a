package connectortest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/postern-mail/postern/connector"
)

// maxErrorText is the longest text of an error, in bytes: it goes into a
// table of the console and into logs.
const maxErrorText = 500

// CheckError fails the test unless err is a *connector.Error as package
// connector promises: of a known class, one short line, and without any of
// the hidden texts, however it is printed or logged.
func CheckError(t testing.TB, err error, hidden ...string) *connector.Error {
	t.Helper()
	e, ok := errors.AsType[*connector.Error](err)
	if !ok {
		t.Fatalf("error %T (%v), want a *connector.Error", err, err)
	}
	switch e.Class {
	case connector.Temporary, connector.Throttled, connector.ConfigFault,
		connector.Recipient, connector.Permanent, connector.InvalidResponse:
	default:
		t.Errorf("unknown class %q", e.Class)
	}
	text := err.Error()
	if strings.TrimSpace(text) == "" || len(text) > maxErrorText || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("text of %d bytes %q, want one line of at most %d", len(text), text, maxErrorText)
	}
	CheckHidden(t, err, hidden...)
	return e
}

// CheckHidden fails the test if a value shows a hidden text in any way that a
// program prints or logs it: the verbs of package fmt, both handlers of
// log/slog, and all that an error wraps. Base64 counts as showing.
func CheckHidden(t testing.TB, v any, hidden ...string) {
	t.Helper()
	for how, text := range prints(v) {
		for _, secret := range hidden {
			if secret == "" {
				continue
			}
			encoded := strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "=")
			encoded = encoded[:len(encoded)-len(encoded)%4]
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) ||
				len(encoded) >= 8 && strings.Contains(text, encoded) {
				t.Errorf("%s shows a hidden text: %s", how, strings.ReplaceAll(text, secret, "<HERE>"))
			}
		}
	}
}

// prints returns v as it appears in each way to print it.
func prints(v any) map[string]string {
	out := map[string]string{}
	var wrapped func(name string, v any)
	wrapped = func(name string, v any) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			out[name+" "+verb] = fmt.Sprintf(verb, v)
		}
		switch e := v.(type) {
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				wrapped(name+".Unwrap()", inner)
			}
		case interface{ Unwrap() []error }:
			for i, inner := range e.Unwrap() {
				wrapped(fmt.Sprintf("%s.Unwrap()[%d]", name, i), inner)
			}
		}
	}
	wrapped(fmt.Sprintf("%T", v), v)
	var text, structured bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Error("failed", "value", v)
	slog.New(slog.NewJSONHandler(&structured, nil)).Error("failed", "value", v)
	out["slog text"], out["slog JSON"] = text.String(), structured.String()
	return out
}
