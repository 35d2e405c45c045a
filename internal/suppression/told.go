package suppression

import (
	"context"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/audit"
)

// What the audit log tells of suppressions that somebody makes or lifts. Those
// that providers' reports cause are events of messages.
const (
	Created audit.Action = "suppression.created"
	Updated audit.Action = "suppression.updated"
	Deleted audit.Action = "suppression.deleted"
)

// told is an entry as the audit log tells of it.
type told struct {
	Email     string `json:"email"`
	Scope     Scope  `json:"scope"`
	Reason    Reason `json:"reason"`
	Detail    string `json:"detail,omitempty"`
	CreatedAt int64  `json:"createdAt"` // milliseconds since 1970
}

func toldOf(e Entry) *told {
	return &told{Email: e.Address, Scope: e.Scope, Reason: e.Reason, Detail: e.Detail, CreatedAt: e.CreatedAt.UnixMilli()}
}

// tell returns a context that carries the entry of what somebody does to an
// address; its subject is the address as it is compared.
func (s *Service) tell(ctx context.Context, action audit.Action, e Entry, before, after *told) (context.Context, error) {
	return audit.Tell(ctx, s.now(), audit.Change{
		TenantID: e.TenantID, Action: action, Subject: address.Key(e.Address), Before: before, After: after,
	})
}
