package api

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
)

// parseAddress reads the one address in a field.
func parseAddress(s, field string) (string, error) {
	addr, err := address.Parse(s)
	switch {
	case err == nil:
		return addr, nil
	case errors.Is(err, address.ErrTooLong):
		f := fault.New(fault.Unprocessable, "entity.value_too_long", "The address is too long.")
		f.Issues = []fault.Issue{{Path: []any{field}, Code: "too_big", Message: err.Error()}}
		return "", f
	}
	return "", fault.Input(err.Error(), field)
}

// checkText refuses text that does not fit a field of one line: it would end
// up in a header, in a log, or in a database that takes no NUL.
func checkText(s string, field string) error {
	if !plain(s) {
		return fault.Input("must not hold control characters", field)
	}
	return nil
}

// checkTexts checks several fields, given as name and text in turn.
func checkTexts(fields ...string) error {
	for i := 0; i+1 < len(fields); i += 2 {
		if err := checkText(fields[i+1], fields[i]); err != nil {
			return err
		}
	}
	return nil
}

func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// validID reports whether s can be an id: what cannot be one is not asked for.
func validID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
