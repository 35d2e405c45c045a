package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

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
		return insertEntries(ctx, t, entries)
	}
}

// change runs fn in a transaction as database.write does, for a change that
// may find nothing to change: the entries that ctx carries are stored only
// where fn says that there was. What fn wrote where it says that there was not
// stays, which spares the transactions that SQLite commits together with it
// being undone; it must be of no consequence.
func (s *Store) change(ctx context.Context, fn func(ctx context.Context, t tx) (ok bool, err error)) (bool, error) {
	entries, changed := audit.Entries(ctx), false
	err := s.db.write(audit.Without(ctx), func(ctx context.Context, t tx) error {
		ok, err := fn(ctx, t)
		if changed = ok && err == nil; !changed {
			return err
		}
		return insertEntries(ctx, t, entries)
	})
	return changed && err == nil, err
}

func insertEntries(ctx context.Context, t tx, entries []audit.Entry) error {
	for _, e := range entries {
		if err := insertAudit(ctx, t, e); err != nil {
			return err
		}
	}
	return nil
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
func (s *Store) AuditEntries(ctx context.Context, tenantID string, f audit.Filter) ([]audit.Entry, int, error) {
	from := ` FROM audit_log WHERE tenant_id = $1`
	args := []any{tenantID}
	narrow := func(condition string, value any) {
		args = append(args, value)
		from += ` AND ` + condition + ` $` + strconv.Itoa(len(args))
	}
	if f.Actor != "" {
		narrow("actor =", f.Actor)
	}
	if f.Action != "" {
		narrow("action =", string(f.Action))
	}
	if f.Subject != "" {
		narrow("subject =", f.Subject)
	}
	if !f.Since.IsZero() {
		narrow("at >=", millis(f.Since))
	}
	if !f.Until.IsZero() {
		narrow("at <", millis(f.Until))
	}
	var total int
	if _, err := one(ctx, s.db.reader(), []any{&total}, `SELECT count(*)`+from, args...); err != nil {
		return nil, 0, fmt.Errorf("count audit entries: %w", err)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = math.MaxInt32
	}
	args = append(args, limit, max(f.Offset, 0))
	window := fmt.Sprintf(` ORDER BY id DESC LIMIT $%d OFFSET $%d`, len(args)-1, len(args))
	list := []audit.Entry{}
	err := all(ctx, s.db.reader(), func(r rows) error {
		e := audit.Entry{TenantID: tenantID}
		var at int64
		var details string
		if err := r.Scan(&e.ID, &at, &e.Actor, &e.Action, &e.Subject, &details); err != nil {
			return err
		}
		e.At, e.Details = fromMillis(at), json.RawMessage(details)
		list = append(list, e)
		return nil
	}, `SELECT id, at, actor, action, subject, details`+from+window, args...)
	return list, total, err
}
