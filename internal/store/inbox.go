package store

import (
	"context"
	"fmt"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/inbox"
)

// InsertMail implements inbox.Store.
func (s *Store) InsertMail(ctx context.Context, m inbox.Mail, keep int) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		_, err := t.exec(ctx, `INSERT INTO inbox (id, tenant_id, message_id, recipient, address, subject, received_at, size, raw)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (tenant_id, message_id) DO UPDATE SET id = excluded.id, subject = excluded.subject,
				received_at = excluded.received_at, size = excluded.size, raw = excluded.raw`,
			m.ID, m.TenantID, m.MessageID, m.To, address.Key(m.To), m.Subject, millis(m.ReceivedAt), m.Size, m.Raw)
		if err != nil {
			return fmt.Errorf("insert mail: %w", err)
		}
		_, err = t.exec(ctx, `DELETE FROM inbox WHERE tenant_id = $1 AND id <=
			(SELECT id FROM inbox WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, m.TenantID, keep)
		if err != nil {
			return fmt.Errorf("drop old mails: %w", err)
		}
		return nil
	})
}

const mailColumns = `id, message_id, recipient, subject, received_at, size`

func scanMail(r rows, tenantID string, more ...any) (inbox.Mail, error) {
	m := inbox.Mail{TenantID: tenantID}
	var received int64
	err := r.Scan(append([]any{&m.ID, &m.MessageID, &m.To, &m.Subject, &received, &m.Size}, more...)...)
	m.ReceivedAt = fromMillis(received)
	return m, err
}

// ListMails implements inbox.Store.
func (s *Store) ListMails(ctx context.Context, tenantID, to string, limit, offset int) ([]inbox.Mail, int, error) {
	from := ` FROM inbox WHERE tenant_id = $1`
	args := []any{tenantID}
	if to != "" {
		from += ` AND address = $2`
		args = append(args, to)
	}
	var total int
	if _, err := one(ctx, s.db.reader(), []any{&total}, `SELECT count(*)`+from, args...); err != nil {
		return nil, 0, fmt.Errorf("count mails: %w", err)
	}
	mails := []inbox.Mail{}
	window, args := page(limit, offset, args)
	err := all(ctx, s.db.reader(), func(r rows) error {
		m, err := scanMail(r, tenantID)
		mails = append(mails, m)
		return err
	}, `SELECT `+mailColumns+from+` ORDER BY id DESC`+window, args...)
	return mails, total, err
}

// Mail implements inbox.Store.
func (s *Store) Mail(ctx context.Context, tenantID, id string) (m inbox.Mail, ok bool, err error) {
	err = all(ctx, s.db.reader(), func(r rows) (err error) {
		var raw []byte
		m, err = scanMail(r, tenantID, &raw)
		m.Raw, ok = raw, true
		return err
	}, `SELECT `+mailColumns+`, raw FROM inbox WHERE tenant_id = $1 AND id = $2`, tenantID, id)
	return m, ok && err == nil, err
}

// DeleteMails implements inbox.Store.
func (s *Store) DeleteMails(ctx context.Context, tenantID string) error {
	_, err := s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		n, err := t.exec(ctx, `DELETE FROM inbox WHERE tenant_id = $1`, tenantID)
		return n > 0, err
	})
	return err
}
