package store

import (
	"context"
	"fmt"

	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/verification"
)

var insertCode = newInsertion("verification_codes", "",
	"id text", "tenant_id text", "address text", "type text", "session_id text", "hash bytea",
	"created_at bigint", "expires_at bigint")

func codeRow(c verification.Code) []any {
	return []any{
		c.ID, c.TenantID, c.Address, string(c.Type), c.SessionID, c.Hash, millis(c.CreatedAt), millis(c.ExpiresAt),
	}
}

// SaveCode implements verification.Store.
func (s *Store) SaveCode(ctx context.Context, c verification.Code, m outbox.Message) error {
	var stands string
	return s.db.save(ctx, accepted{message: m, code: &c, stands: &stands})
}

// ofSubject is the WHERE of everything that concerns one subject.
const ofSubject = ` WHERE tenant_id = $1 AND address = $2 AND type = $3 AND session_id = $4`

// CheckCodes implements verification.Store.
func (s *Store) CheckCodes(
	ctx context.Context, sub verification.Subject, limit int, tries string,
	check func([]verification.Code, *limits.Window) verification.Decision,
) error {
	subject := []any{sub.TenantID, sub.Address, string(sub.Type), sub.SessionID}
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		failed, err := lockCounts(ctx, t, tries)
		if err != nil {
			return err
		}
		var codes []verification.Code
		err = all(ctx, t, func(r rows) error {
			c := verification.Code{Subject: sub}
			var created, expires int64
			if err := r.Scan(&c.ID, &c.Hash, &c.Tries, &created, &expires); err != nil {
				return err
			}
			c.CreatedAt, c.ExpiresAt = fromMillis(created), fromMillis(expires)
			codes = append(codes, c)
			return nil
		}, `SELECT id, hash, tries, created_at, expires_at FROM verification_codes`+ofSubject+
			` ORDER BY id DESC LIMIT $5`+s.db.forUpdate(), append(subject, limit)...)
		if err != nil {
			return fmt.Errorf("read codes: %w", err)
		}
		d := check(codes, &failed.of(tries).window)
		if d.Failed {
			failed.of(tries).changed = true
			if err := failed.store(ctx, t); err != nil {
				return err
			}
		}
		if d.UseUp {
			_, err := t.exec(ctx, `DELETE FROM verification_codes`+ofSubject, subject...)
			return err
		}
		for id, tries := range d.Tries {
			if _, err := t.exec(ctx, `UPDATE verification_codes SET tries = $2 WHERE id = $1`, id, tries); err != nil {
				return fmt.Errorf("count try: %w", err)
			}
		}
		return nil
	})
}
