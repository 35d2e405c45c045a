package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/postern-mail/postern/connector"
)

// parser reads a value from text. Its error says what is allowed, as in "must
// be true or false", and does not repeat the text, which may be a secret.
type parser[T any] func(text string) (T, error)

// target is the field that a setting fills.
type target struct {
	set func(text string) error
	get func() any
}

func bind[T any](field *T, parse parser[T]) target {
	return target{
		set: func(text string) error {
			v, err := parse(text)
			if err == nil {
				*field = v
			}
			return err
		},
		get: func() any { return *field },
	}
}

func address(text string) (string, error) {
	err := errors.New("must be host:port, such as 127.0.0.1:3001 or :3001")
	_, port, splitErr := net.SplitHostPort(text)
	if splitErr != nil {
		return "", err
	}
	if _, parseErr := strconv.ParseUint(port, 10, 16); parseErr != nil {
		return "", err
	}
	return text, nil
}

func notEmpty(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", errors.New("must not be empty")
	}
	return text, nil
}

// optionalFile takes a path as it is, or "" for none. Whether there is such a
// file is told by whoever opens it.
func optionalFile(text string) (string, error) {
	if text != "" && strings.TrimSpace(text) == "" || strings.ContainsRune(text, 0) {
		return "", errors.New("must be the path of a file, or empty for none")
	}
	return text, nil
}

func databaseURL(text string) (connector.Secret, error) {
	if text == "" {
		return "", nil
	}
	// What url.Parse has to say repeats the URL and with it the password.
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" {
		return "", errors.New("must be a postgres:// or postgresql:// URL, or empty for SQLite in the data folder")
	}
	// A /, ? or # in the password ends the host before it began.
	if u.Fragment != "" || strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return "", errors.New("must have a password whose special characters are percent-encoded, such as %2F for /")
	}
	return connector.Secret(text), nil
}

func keyset(text string) (connector.Secret, error) {
	if text != "" && !json.Valid([]byte(text)) {
		return "", errors.New("must be the JSON of a keyset (what keyset.json holds, not its path)")
	}
	return connector.Secret(text), nil
}

// apiKey takes what an Authorization header can carry (RFC 6750 section 2.1,
// a little wider: every visible ASCII character).
func apiKey(text string) (connector.Secret, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("must be of visible ASCII characters, without spaces")
	}
	return connector.Secret(text), nil
}

// ids checks a list of ids with commas between; "" is an empty one.
func ids(text string) (string, error) {
	odd := func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r > '~' || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}
	for id := range strings.SplitSeq(text, ",") {
		if text != "" && (id == "" || strings.ContainsFunc(id, odd)) {
			return "", errors.New("must be ids with commas between, such as default,prod")
		}
	}
	return text, nil
}

func boolean(text string) (bool, error) {
	v, err := strconv.ParseBool(text)
	if err != nil {
		return false, errors.New("must be true or false")
	}
	return v, nil
}

func level(text string) (slog.Level, error) {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	v, ok := levels[strings.ToLower(text)]
	if !ok {
		return 0, errors.New("must be debug, info, warn or error")
	}
	return v, nil
}

func oneOf(words ...string) parser[string] {
	return func(text string) (string, error) {
		if !slices.Contains(words, text) {
			last := len(words) - 1
			return "", errors.New("must be " + strings.Join(words[:last], ", ") + " or " + words[last])
		}
		return text, nil
	}
}

func between(low, high int) parser[int] {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < low || n > high {
			return 0, fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		return n, nil
	}
}

func durationUpTo(limit time.Duration) parser[time.Duration] {
	return func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 || d > limit {
			return 0, fmt.Errorf("must be a duration such as 500ms, 10s or 2m, at most %.0fh", limit.Hours())
		}
		return d, nil
	}
}
