package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Action is what was done.
type Action string

// The actions.
const (
	ConfigurationImported Action = "configuration.imported"
	ConfigurationPromoted Action = "configuration.promoted"
)

// Entry is one change of something of a tenant's.
type Entry struct {
	ID       string // rises with time
	TenantID string // whose thing was changed
	At       time.Time
	Actor    string // id of the API key that did it
	Action   Action
	Subject  string // id of what was changed
	// Details is JSON with more; it holds no secret.
	Details json.RawMessage
}

// New makes the entry of a change; details is written as JSON.
func New(at time.Time, actor string, action Action, tenantID, subject string, details any) (Entry, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Entry{}, fmt.Errorf("make id of audit entry: %w", err)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // details hold templates
	if err := enc.Encode(details); err != nil {
		return Entry{}, fmt.Errorf("encode audit entry: %w", err)
	}
	return Entry{
		ID: id.String(), TenantID: tenantID, At: at, Actor: actor, Action: action, Subject: subject,
		Details: bytes.TrimSpace(text.Bytes()),
	}, nil
}

// Reader reads entries.
type Reader interface {
	// AuditEntries returns a tenant's entries, newest first, and how many
	// there are in all.
	AuditEntries(ctx context.Context, tenantID string, limit, offset int) (list []Entry, total int, err error)
}
