package config

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/postern-mail/postern/connector"
)

// Value is one effective setting as it may be shown.
type Value struct {
	Name  string `json:"name"`
	Value any    `json:"value"` // a string, a number or a bool; secrets are masked
	From  string `json:"from"`  // "--addr", "POSTERN_ADDR", the file's path, or "default"
}

// shown returns the value of a setting that was given as text.
func (s setting) shown(text string) any {
	if s.mask != nil {
		return s.mask(text)
	}
	switch v := s.target.get().(type) {
	case string, bool, int:
		return v
	default: // a log level or a duration
		return strings.ToLower(fmt.Sprint(v))
	}
}

func maskAll(text string) string { return connector.Secret(text).String() }

// maskURL hides what is secret in a database URL: the password, wherever it
// is, and leaves the rest to recognize it by.
func maskURL(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil {
		return maskAll(text)
	}
	var b strings.Builder
	b.WriteString(u.Scheme + "://")
	if u.User != nil {
		b.WriteString(url.User(u.User.Username()).String())
		if _, has := u.User.Password(); has {
			b.WriteString(":" + connector.SecretMask)
		}
		b.WriteByte('@')
	}
	b.WriteString(u.Host + u.EscapedPath())
	for i, pair := range strings.Split(u.RawQuery, "&") {
		key, _, isPair := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		switch {
		case pair == "":
			continue
		case !isPair: // the rest of a password that holds a question mark
			pair = connector.SecretMask
		case err != nil || strings.Contains(strings.ToLower(name), "pass"): // password, sslpassword
			pair = key + "=" + connector.SecretMask
		}
		if i == 0 {
			b.WriteByte('?')
		} else {
			b.WriteByte('&')
		}
		b.WriteString(pair)
	}
	return b.String()
}
