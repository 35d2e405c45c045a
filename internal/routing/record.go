package routing

import (
	"context"
	"encoding/json"
	"time"

	"github.com/postern-mail/postern/connector"
)

// Record is a tenant's configured use of a factory, as stored.
type Record struct {
	ID       string
	TenantID string
	// Slot is its place: InUse, or that of a fallback.
	Slot      int
	FactoryID string
	// Config is the settings' JSON, sealed.
	Config []byte
	// Version is another one after every change.
	Version   string
	CreatedAt time.Time
}

// The places of a tenant's connectors: one in use, and up to MaxFallbacks
// after it, in the order in which they are tried.
const (
	InUse        = 0
	MaxFallbacks = 3
)

// Store keeps connectors. A tenant has at most one e-mail connector in use.
type Store interface {
	// Connectors returns the tenant's connectors by their slots.
	Connectors(ctx context.Context, tenantID string) ([]Record, error)
	// ReplaceConnector puts r in the place of the tenant's connector, which it
	// retires, in one transaction. ErrIDTaken when another connector has its id.
	ReplaceConnector(ctx context.Context, r Record) error
	// ReplaceFallbacks puts list in the place of the tenant's fallbacks, in one
	// transaction, where those are still of the versions was, in their order;
	// ok tells whether they were. ErrIDTaken when another connector has the id
	// of one.
	ReplaceFallbacks(ctx context.Context, tenantID string, list []Record, was []string) (ok bool, err error)
	// UpdateConnector stores r's Config and Version where the stored version
	// is still wasVersion; ok tells whether it was.
	UpdateConnector(ctx context.Context, r Record, wasVersion string) (ok bool, err error)
	// DeleteConnector removes a connector; ok tells whether there was one.
	DeleteConnector(ctx context.Context, tenantID, id string) (ok bool, err error)
	// ConnectorByID returns a connector of any tenant, also a retired one; ok
	// is false when there is none.
	ConnectorByID(ctx context.Context, id string) (r Record, ok bool, err error)
	// OpenMessages counts the tenant's messages that are not at their end.
	OpenMessages(ctx context.Context, tenantID string) (int, error)
}

// Opened is a connector ready to send.
type Opened struct {
	Record
	Factory   connector.Factory
	Connector connector.Connector
	// PlainConfig is the settings' JSON with its secrets: never shown, see
	// connector.Factory.Mask.
	PlainConfig json.RawMessage

	// broken says why a stored connector cannot be opened; it then has no
	// Connector, and perhaps no Factory.
	broken error
	health *health
}
