package store

import (
	"context"
	"errors"

	"github.com/postern-mail/postern/internal/idempotency"
)

// Begin implements idempotency.Store.
func (s *Store) Begin(ctx context.Context, r idempotency.Record) (*idempotency.Record, error) {
	var found *idempotency.Record
	err := s.db.write(ctx, func(ctx context.Context, t tx) error {
		found = nil
		now := millis(r.CreatedAt)
		n, err := t.exec(ctx, `INSERT INTO idempotency_keys AS k (owner, key, request, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (owner, key) DO UPDATE SET request = excluded.request, created_at = excluded.created_at, answer = NULL
			WHERE k.created_at <= $5 OR (k.answer IS NULL AND k.created_at <= $6)`,
			r.Owner, r.Key, r.Request, now, now-idempotency.Keep.Milliseconds(), now-idempotency.Lock.Milliseconds())
		if err != nil || n > 0 {
			return err
		}
		earlier := idempotency.Record{Owner: r.Owner, Key: r.Key}
		var created int64
		ok, err := one(ctx, t, []any{&earlier.Request, &created, &earlier.Answer},
			`SELECT request, created_at, answer FROM idempotency_keys WHERE owner = $1 AND key = $2`, r.Owner, r.Key)
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("idempotency key was released meanwhile")
		}
		earlier.CreatedAt = fromMillis(created)
		found = &earlier
		return nil
	})
	return found, err
}

// Finish implements idempotency.Store.
func (s *Store) Finish(ctx context.Context, r idempotency.Record) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `UPDATE idempotency_keys SET answer = $3 WHERE owner = $1 AND key = $2 AND created_at = $4`,
			r.Owner, r.Key, r.Answer, millis(r.CreatedAt))
		return err
	})
}

// Release implements idempotency.Store.
func (s *Store) Release(ctx context.Context, r idempotency.Record) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `DELETE FROM idempotency_keys WHERE owner = $1 AND key = $2 AND created_at = $3 AND answer IS NULL`,
			r.Owner, r.Key, millis(r.CreatedAt))
		return err
	})
}
