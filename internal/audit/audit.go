package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Action is what was done: a thing and a participle, such as
// "email-template.updated". Each is named where the change is made.
type Action string

// The actions on a whole configuration.
const (
	ConfigurationImported Action = "configuration.imported"
	ConfigurationPromoted Action = "configuration.promoted"
)

// Keep is how long an entry stays: a year and the time to look back at it.
const Keep = 400 * 24 * time.Hour

// Entry is one change of something of a tenant's.
type Entry struct {
	ID       string // rises with time
	TenantID string // whose thing was changed
	At       time.Time
	Actor    string // id of the API key that did it, CLI or System
	Action   Action
	Subject  string // id of what was changed
	// Details is JSON with more, at most MaxDetails bytes; it holds no secret.
	Details json.RawMessage
}

// New makes the entry of a change; details is written as JSON. Where that is
// longer than MaxDetails its long strings are cut, with a marker.
func New(at time.Time, actor string, action Action, tenantID, subject string, details any) (Entry, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Entry{}, fmt.Errorf("make id of audit entry: %w", err)
	}
	text, err := encode(details)
	if err == nil {
		text, err = bounded(text)
	}
	if err != nil {
		return Entry{}, err
	}
	return Entry{
		ID: id.String(), TenantID: tenantID, At: at, Actor: actor, Action: action, Subject: subject, Details: text,
	}, nil
}

// encode writes JSON on one line.
func encode(v any) (json.RawMessage, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // details hold templates
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode audit entry: %w", err)
	}
	return bytes.TrimSpace(text.Bytes()), nil
}

// Filter narrows a list of entries. Zero fields do not narrow.
type Filter struct {
	Actor   string
	Action  Action
	Subject string
	Since   time.Time // not before
	Until   time.Time // before
	Limit   int       // 0: all
	Offset  int
}

// Reader reads entries.
type Reader interface {
	// AuditEntries returns a tenant's entries, newest first, and how many match
	// in all.
	AuditEntries(ctx context.Context, tenantID string, f Filter) (list []Entry, total int, err error)
}
