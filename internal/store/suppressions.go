package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/suppression"
)

const suppressionColumns = `address, scope, reason, detail, message_id, created_at`

func scanSuppression(tenantID string, scan func(dest ...any) error) (suppression.Entry, error) {
	e := suppression.Entry{TenantID: tenantID}
	var created int64
	err := scan(&e.Address, &e.Scope, &e.Reason, &e.Detail, &e.MessageID, &created)
	e.CreatedAt = fromMillis(created)
	return e, err
}

func suppressionRow(e suppression.Entry) []any {
	return []any{
		e.TenantID, address.Key(e.Address), e.Address, string(e.Scope), string(e.Reason), e.Detail, e.MessageID, millis(e.CreatedAt),
	}
}

const (
	insertSuppression = `INSERT INTO suppressions (tenant_id, address_key, address, scope, reason, detail, message_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, address_key) `
	replaceSuppression = insertSuppression + `DO UPDATE SET address = excluded.address, scope = excluded.scope,
		reason = excluded.reason, detail = excluded.detail, message_id = excluded.message_id, created_at = excluded.created_at`
)

// HasSuppressions implements suppression.Store.
func (s *Store) HasSuppressions(ctx context.Context, tenantID string) (bool, error) {
	var found int
	return one(ctx, s.db.reader(), []any{&found}, `SELECT 1 FROM suppressions WHERE tenant_id = $1 LIMIT 1`, tenantID)
}

// Suppression implements suppression.Store.
func (s *Store) Suppression(ctx context.Context, tenantID, key string) (suppression.Entry, bool, error) {
	return oneSuppression(ctx, s.db.reader(), tenantID, key, "")
}

func oneSuppression(ctx context.Context, q querier, tenantID, key, lock string) (e suppression.Entry, ok bool, err error) {
	err = all(ctx, q, func(r rows) (err error) {
		e, err = scanSuppression(tenantID, r.Scan)
		ok = true
		return err
	}, `SELECT `+suppressionColumns+` FROM suppressions WHERE tenant_id = $1 AND address_key = $2`+lock, tenantID, key)
	return e, ok && err == nil, err
}

// ListSuppressions implements suppression.Store.
func (s *Store) ListSuppressions(ctx context.Context, tenantID string, f suppression.Filter) ([]suppression.Entry, int, error) {
	from := ` FROM suppressions WHERE tenant_id = $1`
	args := []any{tenantID}
	narrow := func(condition, value, ending string) {
		args = append(args, value)
		from += ` AND ` + condition + ` $` + strconv.Itoa(len(args)) + ending
	}
	if f.Email != "" {
		narrow("address_key =", f.Email, "")
	}
	if f.Search != "" {
		part := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.Search)
		narrow("address_key LIKE", "%"+part+"%", ` ESCAPE '\'`)
	}
	var total int
	if _, err := one(ctx, s.db.reader(), []any{&total}, `SELECT count(*)`+from, args...); err != nil {
		return nil, 0, fmt.Errorf("count suppressions: %w", err)
	}
	list := []suppression.Entry{}
	window, args := page(f.Limit, f.Offset, args)
	err := all(ctx, s.db.reader(), func(r rows) error {
		e, err := scanSuppression(tenantID, r.Scan)
		list = append(list, e)
		return err
	}, `SELECT `+suppressionColumns+from+` ORDER BY created_at DESC, address_key`+window, args...)
	return list, total, err
}

// AddSuppression implements suppression.Store.
func (s *Store) AddSuppression(ctx context.Context, e suppression.Entry) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		_, err := s.addSuppression(ctx, t, e)
		return err
	})
}

// addSuppression stores an entry unless there is one that it does not
// outrank; added tells whether it did.
func (s *Store) addSuppression(ctx context.Context, t tx, e suppression.Entry) (added bool, err error) {
	n, err := t.exec(ctx, insertSuppression+`DO NOTHING`, suppressionRow(e)...)
	if err != nil || n > 0 {
		return n > 0, err
	}
	there, ok, err := oneSuppression(ctx, t, e.TenantID, address.Key(e.Address), s.db.forUpdate())
	if err != nil || !ok || !e.Outranks(there) { // it was lifted this moment, which counts as after
		return false, err
	}
	_, err = t.exec(ctx, replaceSuppression, suppressionRow(e)...)
	return err == nil, err
}

// PutSuppression implements suppression.Store.
func (s *Store) PutSuppression(ctx context.Context, e suppression.Entry) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, replaceSuppression, suppressionRow(e)...)
		return err
	})
}

// DeleteSuppression implements suppression.Store.
func (s *Store) DeleteSuppression(ctx context.Context, tenantID, key string) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		n, err := t.exec(ctx, `DELETE FROM suppressions WHERE tenant_id = $1 AND address_key = $2`, tenantID, key)
		return n > 0, err
	})
}
