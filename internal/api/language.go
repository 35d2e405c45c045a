package api

import (
	"cmp"
	"context"
	"fmt"

	"github.com/postern-mail/postern/internal/fault"
)

// Longest wishes for a language, in bytes.
const (
	maxLocale    = 64
	maxUILocales = 512
)

// speak chooses the language of a mail and puts it into its payload as
// "locale", with the wish as "uiLocales" if there is one. The payload may hold
// the two already; what is given beside it goes before that.
func (s *server) speak(ctx context.Context, tenantID string, payload map[string]any, uiLocales, given string) error {
	inPayload, err := wish(payload, "uiLocales", maxUILocales)
	if err != nil {
		return err
	}
	locale, err := wish(payload, "locale", maxLocale)
	if err != nil {
		return err
	}
	uiLocales, given = cmp.Or(uiLocales, inPayload), cmp.Or(given, locale)
	chosen, err := s.Composer.Language(ctx, tenantID, uiLocales, given)
	if err != nil {
		return err
	}
	payload["locale"] = chosen
	if uiLocales == "" {
		delete(payload, "uiLocales")
		return nil
	}
	payload["uiLocales"] = uiLocales
	return nil
}

// wish reads a wish for a language from a payload; null is none.
func wish(payload map[string]any, key string, limit int) (string, error) {
	value := payload[key]
	if value == nil {
		return "", nil
	}
	text, ok := value.(string)
	switch {
	case !ok:
		f := fault.Input("expected string", "payload", key)
		f.Issues[0].Code = "invalid_type"
		return "", f
	case len(text) > limit:
		f := fault.Input(fmt.Sprintf("must be at most %d bytes", limit), "payload", key)
		f.Issues[0].Code = "too_big"
		return "", f
	case !plain(text):
		return "", fault.Input("must not hold control characters", "payload", key)
	}
	return text, nil
}
