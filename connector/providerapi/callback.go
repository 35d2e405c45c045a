package providerapi

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/postern-mail/postern/connector"
)

// MaxAge is how old a signed callback may be, and how far ahead its clock.
const MaxAge = 5 * time.Minute

// Fresh reports whether a callback that was signed at one time and came at
// another is neither stale nor of the future.
func Fresh(signed, came time.Time) bool {
	return came.Sub(signed).Abs() <= MaxAge
}

// BasicAuth are the keys of connectors whose provider signs no callbacks, but
// can send a user and a password with them. Without them the secret in the
// callback's path is all there is.
type BasicAuth struct {
	WebhookUser     Line             `json:"webhookUser" form:"Text" label:"Webhook user" desc:"User that the provider sends with its events (HTTP basic authentication)."`
	WebhookPassword connector.Secret `json:"webhookPassword" form:"Text" label:"Webhook password" desc:"Password that the provider sends with its events."`
}

// Verify returns connector.ErrNotGenuine unless the callback carries the user
// and the password.
func (b BasicAuth) Verify(c connector.Callback) error {
	if b.WebhookUser == "" && b.WebhookPassword == "" {
		return nil
	}
	user, password, _ := (&http.Request{Header: c.Header}).BasicAuth()
	if Same(user, string(b.WebhookUser)) && Same(password, b.WebhookPassword.Reveal()) {
		return nil
	}
	return connector.ErrNotGenuine
}

// Same compares in constant time.
func Same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// ReadJSON reads the body of a callback; the error wraps
// connector.ErrBadCallback and repeats nothing of it.
func ReadJSON(c connector.Callback, into any) error {
	if json.Unmarshal(c.Body, into) != nil {
		return fmt.Errorf("%w: not the JSON that the provider documents", connector.ErrBadCallback)
	}
	return nil
}

// Text is a value of a callback that comes as a string or as a number,
// whichever the provider's version likes. Anything else reads as "": what is
// beside the point must not make a whole batch unreadable.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(value []byte) error {
	switch c := value[0]; {
	case c == '"':
		return json.Unmarshal(value, (*string)(t))
	case c == '-' || c >= '0' && c <= '9':
		*t = Text(value)
	default:
		*t = ""
	}
	return nil
}

var enhancedForm = regexp.MustCompile(`(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?:[^\d.]|\.?$|\.\s)`)

// EnhancedStatus finds the first enhanced status code (RFC 3463) in a server's
// words; "" when there is none.
func EnhancedStatus(words string) string {
	if m := enhancedForm.FindStringSubmatch(words); m != nil {
		return m[1]
	}
	return ""
}
