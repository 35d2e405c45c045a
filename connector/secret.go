package connector

import (
	"fmt"
	"io"
	"log/slog"
)

// SecretMask stands for a secret wherever settings are read back.
const SecretMask = "********"

// Secret is a settings value that shows itself only through Reveal: printing,
// logging and marshalling give SecretMask.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return SecretMask
}

// Format keeps every verb of package fmt from showing the secret, also those
// that do not suit a string, such as %d. For lack of a better way to report,
// a failed write is left to the printer's own error.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		text = `"` + text + `"`
	}
	_, _ = io.WriteString(f, text)
}

// LogValue keeps log/slog from showing the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps encoders from showing the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the secret as it is, so that encoding/json reads a
// Secret as it reads a string.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}
