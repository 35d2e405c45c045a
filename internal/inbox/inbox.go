package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/audit"
)

// Kept is how many mails of a tenant are kept, the newest ones.
const Kept = 1000

// Cleared is what the audit log tells of an inbox that had mails; its subject
// is the tenant.
const Cleared audit.Action = "inbox.cleared"

// Mail is one kept mail.
type Mail struct {
	ID         string
	TenantID   string
	MessageID  string
	To         string
	Subject    string
	ReceivedAt time.Time
	Size       int    // bytes of Raw
	Raw        []byte // RFC 5322; sealed at rest; nil in lists
}

// Store keeps mails.
type Store interface {
	// InsertMail adds m and drops the tenant's mails beyond the newest keep.
	// A mail of the same message takes the place of the earlier one.
	InsertMail(ctx context.Context, m Mail, keep int) error
	// ListMails returns a tenant's mails without Raw, newest first, and how
	// many there are in all. to, when not empty, is the address.Key wanted.
	ListMails(ctx context.Context, tenantID, to string, limit, offset int) (mails []Mail, total int, err error)
	// Mail returns one mail with Raw; ok is false when there is none.
	Mail(ctx context.Context, tenantID, id string) (m Mail, ok bool, err error)
	// DeleteMails removes all mails of a tenant.
	DeleteMails(ctx context.Context, tenantID string) error
}

// Sealer seals mails at rest: they carry codes.
type Sealer interface {
	Seal(plain []byte, purpose string) ([]byte, error)
	Open(sealed []byte, purpose string) ([]byte, error)
}

// Box is the inbox. It is safe for concurrent use.
type Box struct {
	store Store
	keys  Sealer
	now   func() time.Time
}

// New makes a Box.
func New(store Store, keys Sealer, now func() time.Time) *Box {
	return &Box{store: store, keys: keys, now: now}
}

// Of returns the inbox of one tenant, as connectors use it.
func (b *Box) Of(tenantID string) connector.Inbox { return tenantBox{b, tenantID} }

type tenantBox struct {
	box      *Box
	tenantID string
}

// Keep implements connector.Inbox.
func (t tenantBox) Keep(ctx context.Context, m connector.InboxMail) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make mail id: %w", err)
	}
	raw, err := t.box.keys.Seal(m.Raw, purpose(id.String()))
	if err != nil {
		return err
	}
	err = t.box.store.InsertMail(ctx, Mail{
		ID: id.String(), TenantID: t.tenantID, MessageID: m.MessageID, To: m.To, Subject: m.Subject,
		ReceivedAt: t.box.now(), Size: len(m.Raw), Raw: raw,
	}, Kept)
	if err != nil {
		return fmt.Errorf("keep mail: %w", err)
	}
	return nil
}

// List returns a tenant's mails without Raw, newest first, and how many there
// are in all. to, when not empty, is the address.Key wanted.
func (b *Box) List(ctx context.Context, tenantID, to string, limit, offset int) ([]Mail, int, error) {
	mails, total, err := b.store.ListMails(ctx, tenantID, to, limit, offset)
	if err != nil {
		return nil, 0, fmt.Errorf("list inbox: %w", err)
	}
	return mails, total, nil
}

// Get returns one mail with Raw; ok is false when there is none.
func (b *Box) Get(ctx context.Context, tenantID, id string) (m Mail, ok bool, err error) {
	m, ok, err = b.store.Mail(ctx, tenantID, id)
	if err != nil || !ok {
		return Mail{}, false, err
	}
	if m.Raw, err = b.keys.Open(m.Raw, purpose(m.ID)); err != nil {
		return Mail{}, false, fmt.Errorf("mail %s: %w", id, err)
	}
	return m, true, nil
}

// Clear removes all mails of a tenant.
func (b *Box) Clear(ctx context.Context, tenantID string) error {
	ctx, err := audit.Tell(ctx, b.now(), audit.Change{TenantID: tenantID, Action: Cleared, Subject: tenantID})
	if err != nil {
		return err
	}
	if err := b.store.DeleteMails(ctx, tenantID); err != nil {
		return fmt.Errorf("clear inbox: %w", err)
	}
	return nil
}

func purpose(id string) string { return "inbox:" + id }
