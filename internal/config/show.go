package config

import (
	"fmt"
	"net/url"
	"slices"
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

// harmless are the parameters of a database URL that may be shown. Of others
// not even the name is: a password with a & in it would go on there.
func harmless() []string {
	return []string{
		"application_name", "connect_timeout", "dbname", "host", "pool_max_conns", "pool_min_conns", "port",
		"search_path", "sslcert", "sslkey", "sslmode", "sslrootcert", "target_session_attrs", "user",
	}
}

// maskURL hides what may be secret in a database URL: the password, wherever
// it is, and leaves the rest to recognize it by.
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
	separator := "?"
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if pair == "" {
			continue
		}
		key, _, isPair := strings.Cut(pair, "=")
		if !isPair || !slices.Contains(harmless(), key) {
			pair = connector.SecretMask
		}
		b.WriteString(separator + pair)
		separator = "&"
	}
	return b.String()
}
