package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/postern-mail/postern/internal/audit"
)

// withAudit makes fn store the entries that ctx carries, too, in the same
// transaction.
func withAudit(ctx context.Context, fn writeFunc) writeFunc {
	entries := audit.Entries(ctx)
	if len(entries) == 0 {
		return fn
	}
	return func(ctx context.Context, t tx) error {
		if err := fn(ctx, t); err != nil {
			return err
		}
		for _, e := range entries {
			if err := insertAudit(ctx, t, e); err != nil {
				return err
			}
		}
		return nil
	}
}

// insertAudit stores an entry in the transaction of the change it tells of.
func insertAudit(ctx context.Context, t tx, e audit.Entry) error {
	_, err := t.exec(ctx, `INSERT INTO audit_log (id, tenant_id, at, actor, action, subject, details)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.ID, e.TenantID, millis(e.At), e.Actor, string(e.Action), e.Subject, string(e.Details))
	if err != nil {
		return fmt.Errorf("store audit entry: %w", err)
	}
	return nil
}

// AuditEntries implements audit.Reader.
func (s *Store) AuditEntries(ctx context.Context, tenantID string, limit, offset int) ([]audit.Entry, int, error) {
	var total int
	_, err := one(ctx, s.db.reader(), []any{&total}, `SELECT count(*) FROM audit_log WHERE tenant_id = $1`, tenantID)
	if err != nil {
		return nil, 0, err
	}
	list := []audit.Entry{}
	err = all(ctx, s.db.reader(), func(r rows) error {
		e := audit.Entry{TenantID: tenantID}
		var at int64
		var details string
		if err := r.Scan(&e.ID, &at, &e.Actor, &e.Action, &e.Subject, &details); err != nil {
			return err
		}
		e.At, e.Details = fromMillis(at), json.RawMessage(details)
		list = append(list, e)
		return nil
	}, `SELECT id, at, actor, action, subject, details FROM audit_log WHERE tenant_id = $1
		ORDER BY id DESC LIMIT $2 OFFSET $3`, tenantID, limit, offset)
	return list, total, err
}
