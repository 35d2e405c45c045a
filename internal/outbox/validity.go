package outbox

import "time"

// ExpiresAt names the variable that says until when what a mail offers is
// valid, in milliseconds since 1970, where that is longer than the mail is
// tried.
const ExpiresAt = "expiresAt"

// Validity is how long the code or link in the mail is valid from its
// acceptance on: as its payload says, else until its deadline.
func (m Message) Validity(payload map[string]any) time.Duration {
	if until, ok := payload[ExpiresAt].(float64); ok && !m.Type.CarriesCode() {
		if d := time.UnixMilli(int64(until)).Sub(m.CreatedAt); d > 0 {
			return d
		}
	}
	return m.Deadline.Sub(m.CreatedAt)
}
