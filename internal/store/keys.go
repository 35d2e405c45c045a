package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/internal/access"
)

const keyColumns = `id, tenant_id, name, scopes, hint, hash, created_at, expires_at, revoked_at, last_used_at`

func scanKey(r rows) (access.Key, error) {
	var k access.Key
	var scopes string
	var created, expires, revoked, used int64
	if err := r.Scan(&k.ID, &k.TenantID, &k.Name, &scopes, &k.Hint, &k.Hash, &created, &expires, &revoked, &used); err != nil {
		return k, err
	}
	for scope := range strings.SplitSeq(scopes, " ") {
		k.Scopes = append(k.Scopes, access.Scope(scope))
	}
	k.CreatedAt, k.ExpiresAt, k.RevokedAt = fromMillis(created), fromMillis(expires), fromMillis(revoked)
	k.LastUsedAt = fromMillis(used)
	return k, nil
}

// InsertKey implements access.Store.
func (s *Store) InsertKey(ctx context.Context, k access.Key) error {
	scopes := make([]string, len(k.Scopes))
	for i, scope := range k.Scopes {
		scopes[i] = string(scope)
	}
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `INSERT INTO api_keys (`+keyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			k.ID, k.TenantID, k.Name, strings.Join(scopes, " "), k.Hint, k.Hash,
			millis(k.CreatedAt), millis(k.ExpiresAt), millis(k.RevokedAt), millis(k.LastUsedAt))
		return err
	})
}

// KeyByHash implements access.Store.
func (s *Store) KeyByHash(ctx context.Context, hash []byte) (access.Key, bool, error) {
	return s.oneKey(ctx, `hash = $1`, hash)
}

// Key implements access.Store.
func (s *Store) Key(ctx context.Context, id string) (access.Key, bool, error) {
	return s.oneKey(ctx, `id = $1`, id)
}

func (s *Store) oneKey(ctx context.Context, where string, arg any) (k access.Key, ok bool, err error) {
	err = all(ctx, s.db.reader(), func(r rows) (err error) {
		k, err = scanKey(r)
		ok = true
		return err
	}, `SELECT `+keyColumns+` FROM api_keys WHERE `+where, arg)
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

// UpdateKey implements access.Store.
func (s *Store) UpdateKey(ctx context.Context, k, was access.Key) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		n, err := t.exec(ctx, `UPDATE api_keys SET name = $2, expires_at = $3
			WHERE id = $1 AND revoked_at = 0 AND name = $4 AND expires_at = $5`,
			k.ID, k.Name, millis(k.ExpiresAt), was.Name, millis(was.ExpiresAt))
		return n > 0, err
	})
}

// RevokeKey implements access.Store.
func (s *Store) RevokeKey(ctx context.Context, tenantID, id string, at time.Time) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		n, err := t.exec(ctx, `UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND tenant_id = $2 AND revoked_at = 0`,
			id, tenantID, millis(at))
		return n > 0, err
	})
}

// KeysUsed implements access.Store. It works in short transactions, whose rows
// are in one order, so that two nodes do not wait for each other.
func (s *Store) KeysUsed(ctx context.Context, uses map[string]time.Time) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(uses)), pruneLimit) {
		err := s.db.write(ctx, func(ctx context.Context, t tx) error {
			for _, id := range ids {
				_, err := t.exec(ctx, `UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2`, id, millis(uses[id]))
				if err != nil {
					return fmt.Errorf("store use of key: %w", err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
