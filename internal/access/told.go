package access

import (
	"context"
	"time"

	"github.com/postern-mail/postern/internal/audit"
)

// What the audit log tells of keys.
const (
	KeyCreated audit.Action = "api-key.created"
	KeyUpdated audit.Action = "api-key.updated"
	KeyRevoked audit.Action = "api-key.revoked"
)

// told is a key as the audit log tells of it.
type told struct {
	Name      string  `json:"name"`
	Scopes    []Scope `json:"scopes"`
	Hint      string  `json:"hint"`
	ExpiresAt *int64  `json:"expiresAt"` // milliseconds since 1970
	RevokedAt *int64  `json:"revokedAt"`
}

func toldOf(k *Key) *told {
	if k == nil {
		return nil
	}
	return &told{Name: k.Name, Scopes: k.Scopes, Hint: k.Hint, ExpiresAt: milli(k.ExpiresAt), RevokedAt: milli(k.RevokedAt)}
}

func milli(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

// tell returns a context that carries the entry of what happens to a key.
func (s *Service) tell(ctx context.Context, action audit.Action, k Key, before, after *Key) (context.Context, error) {
	return audit.Tell(ctx, s.now(), audit.Change{
		TenantID: k.TenantID, Action: action, Subject: k.ID, Before: toldOf(before), After: toldOf(after),
	})
}
