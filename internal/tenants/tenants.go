package tenants

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/fault"
)

// Default is the tenant that the first start makes. Its management keys
// administer the installation: see docs/adr/0014.
const Default = "default"

// MaxID is the longest id of a tenant, in bytes.
const MaxID = 64

// ErrIDTaken is returned by a store when a tenant's id is in use.
var ErrIDTaken = errors.New("tenant id in use")

// Created is what the audit log tells of a tenant.
const Created audit.Action = "tenant.created"

// Tenant is an isolated set of connector, keys, messages and people.
type Tenant struct {
	ID        string
	Name      string
	CreatedAt time.Time
}

// ValidID reports whether id can be a tenant's: 1 to 64 lower-case letters,
// digits and hyphens.
func ValidID(id string) bool {
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	return id != "" && len(id) <= MaxID && !strings.ContainsFunc(id, odd)
}

// NewID draws an id.
func NewID() string { return strings.ToLower(rand.Text()) }

// Reader reads tenants.
type Reader interface {
	// ListTenants returns all tenants by id.
	ListTenants(ctx context.Context) ([]Tenant, error)
	// Tenant returns one; ok is false when there is none with this id.
	Tenant(ctx context.Context, id string) (t Tenant, ok bool, err error)
}

// Get returns a tenant, or the fault entity.not_found.
func Get(ctx context.Context, from Reader, id string) (Tenant, error) {
	if !ValidID(id) {
		return Tenant{}, NotFound(id)
	}
	t, ok, err := from.Tenant(ctx, id)
	if err != nil {
		return Tenant{}, fmt.Errorf("find tenant: %w", err)
	}
	if !ok {
		return Tenant{}, NotFound(id)
	}
	return t, nil
}

// NotFound is the fault entity.not_found for a tenant.
func NotFound(id string) error {
	if !ValidID(id) {
		return fault.New(fault.NotFound, "entity.not_found",
			"There is no tenant with this id: ids are 1 to %d lower-case letters, digits and hyphens.", MaxID)
	}
	return fault.New(fault.NotFound, "entity.not_found", "There is no tenant %q.", id)
}
