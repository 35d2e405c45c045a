package connectortest

import (
	"context"
	"slices"
	"sync"

	"github.com/postern-mail/postern/connector"
)

// Inbox is a connector.Inbox in memory. Its zero value is ready.
type Inbox struct {
	// Refuse is what Keep fails with, when set.
	Refuse error

	mu    sync.Mutex
	mails []connector.InboxMail
}

// Keep implements connector.Inbox.
func (i *Inbox) Keep(ctx context.Context, m connector.InboxMail) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if i.Refuse != nil {
		return i.Refuse
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.mails = append(i.mails, m)
	return nil
}

// Mails returns what was kept, oldest first.
func (i *Inbox) Mails() []connector.InboxMail {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.mails)
}
