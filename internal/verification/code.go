package verification

import (
	"context"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
)

// Subject is what a code proves: control of an address, for one purpose, in
// one session (or none).
type Subject struct {
	TenantID  string
	Address   string // address.Key
	Type      connector.TemplateType
	SessionID string // "" when the code is bound to no session
}

// Code is an issued code as stored: never the digits.
type Code struct {
	ID string
	Subject
	Hash      []byte // secrets.Keys.Hash
	Tries     int    // failed tries while it was active
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Store keeps codes.
type Store interface {
	// SaveCode saves a code together with the message that carries it and
	// the job that delivers it, all or nothing.
	SaveCode(ctx context.Context, c Code, m outbox.Message) error
	// CheckCodes runs check on the newest codes of a subject, newest first,
	// at most limit, and on what was counted under the key tries, in one
	// transaction that no other check of the same subject or key runs beside,
	// and stores what check decides.
	CheckCodes(ctx context.Context, s Subject, limit int, tries string, check func([]Code, *limits.Window) Decision) error
}

// Decision is what a check changes.
type Decision struct {
	// UseUp removes all codes of the subject.
	UseUp bool
	// Tries sets the tries of codes, by id.
	Tries map[string]int
	// Failed tells that the try was counted on the window.
	Failed bool
}
