package configuration

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
)

// ErrChanged is returned by a Store when a configuration is not what it was.
var ErrChanged = errors.New("the configuration was changed meanwhile")

// State is where a tenant's configuration stands: another one after every
// change.
type State struct {
	TenantID string
	// Templates is the revision of the tenant's templates and partials.
	Templates int64
	// Settings is their JSON as stored.
	Settings string
	// Connectors are those of the tenant by slot: 0 is in use, the others are
	// its fallbacks in their order.
	Connectors map[int]routing.Record
}

// Same reports whether nothing was changed between two states.
func (s State) Same(other State) bool { return fingerprint(s) == fingerprint(other) }

// fingerprint is a short name of states.
func fingerprint(states ...State) string {
	var text strings.Builder
	for _, s := range states {
		fmt.Fprintf(&text, "%q %d %q", s.TenantID, s.Templates, s.Settings)
		for _, slot := range slots(s.Connectors) {
			r := s.Connectors[slot]
			fmt.Fprintf(&text, " %d %q %q", slot, r.ID, r.Version)
		}
		text.WriteByte('\n')
	}
	hash := sha256.Sum256([]byte(text.String()))
	return base64.RawURLEncoding.EncodeToString(hash[:16])
}

// Delta is what leads from one configuration of a tenant to another.
type Delta struct {
	// Was is what it leads from.
	Was State
	// Connectors are stored in their slots; a Record without an ID empties its
	// slot. Slots that are not named stay.
	Connectors map[int]routing.Record
	// Templates are put as templates.Store.PutTemplates does.
	Templates []templates.Stored
	// TemplatesGone are the ids of templates to delete, with their versions.
	TemplatesGone []string
	Partials      []templates.Partial
	PartialsGone  []string // names
	// Settings replaces the settings' JSON unless it is "".
	Settings string
	Change   templates.Change
	Entry    audit.Entry
}

// Store keeps configurations.
type Store interface {
	tenants.Reader
	// InsertTenant adds a tenant together with its connector, both or neither.
	// tenants.ErrIDTaken when there is one with this id.
	InsertTenant(ctx context.Context, t tenants.Tenant, inUse routing.Record) error
	// ConfigurationState returns where a tenant's configuration stands.
	ConfigurationState(ctx context.Context, tenantID string) (State, error)
	// ListTemplates returns a tenant's templates, sorted by language, then type.
	ListTemplates(ctx context.Context, tenantID string, f templates.Filter) ([]templates.Stored, error)
	// ListPartials returns a tenant's partials by name.
	ListPartials(ctx context.Context, tenantID string) ([]templates.Partial, error)
	// ChangeConfiguration applies a delta and stores its entry, all or nothing.
	// ErrChanged when the tenant is no longer where the delta leads from.
	ChangeConfiguration(ctx context.Context, d Delta) error
}

// slots lists the slots of some connectors in their order.
func slots[V any](connectors map[int]V) []int {
	return slices.SortedFunc(maps.Keys(connectors), cmp.Compare[int])
}
