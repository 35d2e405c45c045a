package routing

import (
	"cmp"
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
// passed every check: of a new version, and with an id and a time if it had
// none.
func (r *Router) Seal(record Record, plain json.RawMessage) (Record, error) {
	record.ID = cmp.Or(record.ID, uuid.NewString())
	if record.CreatedAt.IsZero() {
		record.CreatedAt = r.now()
	}
	record.Version = uuid.NewString()
	sealed, err := r.keys.Seal(plain, configPurpose(record))
	record.Config = sealed
	return record, err
}

// Reload makes this node see at once what was stored past the router.
func (r *Router) Reload(ctx context.Context, tenantID string) error {
	_, err := r.refresh(ctx, tenantID)
	return err
}
