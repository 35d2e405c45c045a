package store

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/idempotency"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
)

// How long things stay after their use is over.
const (
	keepCodes    = 25 * time.Hour      // from their making, so that "expired" can be told from "never asked for"
	keepMessages = 90 * 24 * time.Hour // from accepted, with their attempts and events
)

// pruneLimit bounds the rows that one statement of Prune deletes, so that
// accepting waits for no long transaction.
const pruneLimit = 1000

// Prune deletes what is no longer of use. It works in short transactions, and
// finds what is old by ids that rise with time: it never reads what stays.
// more tells that some is left for the next call.
func (s *Store) Prune(ctx context.Context, now time.Time) (more bool, err error) {
	old := idsUntil(now.Add(-keepMessages))
	ended := `(SELECT id FROM messages WHERE id < $1 AND status <> 'accepted' ORDER BY id LIMIT $2)`
	prunes := []struct {
		sql   string
		until any
	}{
		{`DELETE FROM message_dedupe WHERE hash IN (SELECT hash FROM message_dedupe WHERE created_at <= $1 LIMIT $2)`,
			millis(now.Add(-outbox.DedupeWindow))},
		{`DELETE FROM idempotency_keys WHERE (owner, key) IN
			(SELECT owner, key FROM idempotency_keys WHERE created_at <= $1 LIMIT $2)`,
			millis(now.Add(-idempotency.Keep))},
		{`DELETE FROM verification_codes WHERE id IN (SELECT id FROM verification_codes WHERE id < $1 ORDER BY id LIMIT $2)`,
			idsUntil(now.Add(-keepCodes))},
		{`DELETE FROM limits WHERE key IN (SELECT key FROM limits WHERE ends_at <= $1 LIMIT $2)`, millis(now)},
		{`DELETE FROM callback_marks WHERE hash IN (SELECT hash FROM callback_marks WHERE created_at <= $1 LIMIT $2)`,
			millis(now.Add(-events.KeepMarks))},
		{`DELETE FROM retired_connectors WHERE id IN (SELECT id FROM retired_connectors WHERE retired_at <= $1 LIMIT $2)`,
			millis(now.Add(-routing.KeepRetired))},
		{`DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2)`,
			idsUntil(now.Add(-audit.Keep))},
		{`DELETE FROM attempts WHERE message_id IN ` + ended, old},
		{`DELETE FROM events WHERE message_id IN ` + ended, old},
		{`DELETE FROM messages WHERE id IN ` + ended, old},
	}
	for _, p := range prunes {
		err := s.db.write(ctx, func(ctx context.Context, t tx) error {
			n, err := t.exec(ctx, p.sql, p.until, pruneLimit)
			more = more || n >= pruneLimit
			return err
		})
		if err != nil {
			return false, fmt.Errorf("prune: %w", err)
		}
	}
	return more, nil
}

// idsUntil is what the ids made before a time are less than: a UUID of
// version 7 begins with the milliseconds of its making (RFC 9562 section 5.7).
func idsUntil(t time.Time) string {
	hex := fmt.Sprintf("%012x", max(t.UnixMilli(), 0))
	return hex[:8] + "-" + hex[8:]
}

// TenantSettings implements tenants.Store.
func (s *Store) TenantSettings(ctx context.Context, tenantID string) (string, error) {
	settings := "{}"
	_, err := one(ctx, s.db.reader(), []any{&settings}, `SELECT settings FROM tenants WHERE id = $1`, tenantID)
	return settings, err
}

// SetTenantSettings implements tenants.Store.
func (s *Store) SetTenantSettings(ctx context.Context, tenantID, settings, was string) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		n, err := t.exec(ctx, `UPDATE tenants SET settings = $2 WHERE id = $1 AND settings = $3`, tenantID, settings, was)
		return n > 0, err
	})
}

// Fact returns a value that the service keeps about its database, or nil.
func (s *Store) Fact(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	_, err := one(ctx, s.db.reader(), []any{&value}, `SELECT value FROM facts WHERE name = $1`, name)
	return value, err
}

// ClaimFact stores a value unless there is one, and returns the one that
// stands: of several processes that start at once, the first.
func (s *Store) ClaimFact(ctx context.Context, name string, value []byte) ([]byte, error) {
	err := s.db.write(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.Fact(ctx, name)
}
