package routing

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/audit"
)

// What the audit log tells of connectors. A connector that takes the place of
// another is created, and what was before is that other.
const (
	ConnectorCreated audit.Action = "connector.created"
	ConnectorUpdated audit.Action = "connector.updated"
	ConnectorDeleted audit.Action = "connector.deleted"
	FallbacksUpdated audit.Action = "fallback-connectors.updated"
)

// told is a connector as the audit log tells of it.
type told struct {
	ID        string          `json:"id"`
	FactoryID string          `json:"connectorId"`
	Config    json.RawMessage `json:"config,omitempty"` // its secrets masked
	// SecretsChanged tells that secrets are other ones than before, which masks
	// do not show.
	SecretsChanged bool `json:"secretsChanged,omitempty"`

	factory connector.Factory
	plain   json.RawMessage
}

// toldOf tells of a stored connector; without its settings where this build
// cannot read them.
func toldOf(o *Opened) (*told, error) {
	if o.Factory == nil || o.PlainConfig == nil {
		return &told{ID: o.ID, FactoryID: o.FactoryID}, nil
	}
	return toldAs(o.Record, o.Factory, o.PlainConfig)
}

func toldAs(record Record, factory connector.Factory, plain json.RawMessage) (*told, error) {
	masked, err := factory.Mask(plain)
	if err != nil {
		return nil, fmt.Errorf("mask settings of connector %s: %w", record.ID, err)
	}
	return &told{ID: record.ID, FactoryID: record.FactoryID, Config: masked, factory: factory, plain: plain}, nil
}

// compare notes whether secrets are other ones than before.
func (t *told) compare(before *told) {
	if before == nil || before.factory == nil || before.FactoryID != t.FactoryID || bytes.Equal(before.plain, t.plain) {
		return
	}
	same, err := t.factory.Unmask(t.Config, before.plain) // as it would be with the secrets of before
	t.SecretsChanged = err != nil || !bytes.Equal(same, t.plain)
}

// tell returns a context that carries the entry of a connector that is stored.
func (r *Router) tell(
	ctx context.Context, action audit.Action, record Record, factory connector.Factory, plain json.RawMessage, before *told,
) (context.Context, error) {
	after, err := toldAs(record, factory, plain)
	if err != nil {
		return nil, err
	}
	after.compare(before)
	return audit.Tell(ctx, r.now(), audit.Change{
		TenantID: record.TenantID, Action: action, Subject: record.ID, Before: before, After: after,
	})
}
