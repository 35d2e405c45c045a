package routing

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
)

// Settings returns the settings of a stored connector, secrets included,
// without opening it.
func (r *Router) Settings(record Record) (json.RawMessage, error) {
	plain, err := r.keys.Open(record.Config, configPurpose(record))
	return plain, err
}

// Seal makes the record of a connector with these settings, which must have
// passed every check. It is of a new version; without an id it gets a new one.
func (r *Router) Seal(record Record, plain json.RawMessage) (Record, error) {
	if record.ID == "" {
		record.ID, record.CreatedAt = uuid.NewString(), r.now()
	}
	record.Version = uuid.NewString()
	sealed, err := r.keys.Seal(plain, configPurpose(record))
	record.Config = sealed
	return record, err
}

// Reload makes this node see at once what was stored past the router.
func (r *Router) Reload(ctx context.Context, tenantID string) error {
	if _, err := r.refresh(ctx, tenantID); err != nil && !isNotFound(err) {
		return err
	}
	return nil
}
