package store

import (
	"context"
	"strings"
	"time"

	"github.com/postern-mail/postern/internal/access"
)

const keyColumns = `id, tenant_id, name, scopes, hint, hash, created_at, expires_at, revoked_at`

func scanKey(r rows) (access.Key, error) {
	var k access.Key
	var scopes string
	var created, expires, revoked int64
	if err := r.Scan(&k.ID, &k.TenantID, &k.Name, &scopes, &k.Hint, &k.Hash, &created, &expires, &revoked); err != nil {
		return k, err
	}
	for scope := range strings.SplitSeq(scopes, " ") {
		k.Scopes = append(k.Scopes, access.Scope(scope))
	}
	k.CreatedAt, k.ExpiresAt, k.RevokedAt = fromMillis(created), fromMillis(expires), fromMillis(revoked)
	return k, nil
}

// InsertKey implements access.Store.
func (s *Store) InsertKey(ctx context.Context, k access.Key) error {
	scopes := make([]string, len(k.Scopes))
	for i, scope := range k.Scopes {
		scopes[i] = string(scope)
	}
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `INSERT INTO api_keys (`+keyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			k.ID, k.TenantID, k.Name, strings.Join(scopes, " "), k.Hint, k.Hash,
			millis(k.CreatedAt), millis(k.ExpiresAt), millis(k.RevokedAt))
		return err
	})
}

// KeyByHash implements access.Store.
func (s *Store) KeyByHash(ctx context.Context, hash []byte) (k access.Key, ok bool, err error) {
	err = all(ctx, s.db.reader(), func(r rows) (err error) {
		k, err = scanKey(r)
		ok = true
		return err
	}, `SELECT `+keyColumns+` FROM api_keys WHERE hash = $1`, hash)
	return k, ok && err == nil, err
}

// ListKeys implements access.Store.
func (s *Store) ListKeys(ctx context.Context, tenantID string) ([]access.Key, error) {
	keys := []access.Key{}
	err := all(ctx, s.db.reader(), func(r rows) error {
		k, err := scanKey(r)
		keys = append(keys, k)
		return err
	}, `SELECT `+keyColumns+` FROM api_keys WHERE tenant_id = $1 ORDER BY created_at, id`, tenantID)
	return keys, err
}

// RevokeKey implements access.Store.
func (s *Store) RevokeKey(ctx context.Context, tenantID, id string, at time.Time) (bool, error) {
	var n int64
	err := s.db.write(ctx, func(ctx context.Context, t tx) (err error) {
		n, err = t.exec(ctx, `UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND tenant_id = $2 AND revoked_at = 0`,
			id, tenantID, millis(at))
		return err
	})
	return n > 0, err
}
