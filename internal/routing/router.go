package routing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/secrets"
)

// freshness is how long records that were read serve without being read
// again: a change on one node reaches all others within it.
const freshness = 500 * time.Millisecond

// ErrIDTaken is returned by a Store when a connector's id is in use.
var ErrIDTaken = errors.New("connector id in use")

// Router opens connectors and keeps them open. It is safe for concurrent use.
type Router struct {
	store    Store
	keys     *secrets.Keys
	registry *connector.Registry
	host     func(tenantID string) connector.Host
	now      func() time.Time
	log      *slog.Logger

	mu      sync.Mutex
	tenants map[string]*tenant

	callbacks openForCallbacks
}

// tenant is what is open for one tenant.
type tenant struct {
	// reading keeps refreshes one after the other, so that none puts back what
	// it read before a change.
	reading sync.Mutex

	mu        sync.Mutex
	checkedAt time.Time // zero: never read
	opened    []*Opened // by slot
}

// Options are what a Router needs.
type Options struct {
	Store    Store
	Keys     *secrets.Keys
	Registry *connector.Registry
	// Host returns what the service lends to connectors of a tenant.
	Host func(tenantID string) connector.Host
	Now  func() time.Time
	Log  *slog.Logger
}

// New makes a Router.
func New(o Options) *Router {
	return &Router{
		store: o.Store, keys: o.Keys, registry: o.Registry, host: o.Host, now: o.Now, log: o.Log,
		tenants: make(map[string]*tenant),
	}
}

// Registry returns the factories known.
func (r *Router) Registry() *connector.Registry { return r.registry }

// InUse returns the tenant's connector, opened. Without one it returns the
// fault connector.not_found.
func (r *Router) InUse(ctx context.Context, tenantID string) (*Opened, error) {
	list, err := r.current(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	return inUse(list)
}

// inUse picks the connector in use out of a tenant's.
func inUse(list []*Opened) (*Opened, error) {
	if len(list) == 0 || list[0].Slot != InUse {
		return nil, fault.New(fault.NotImplemented, "connector.not_found",
			"No e-mail connector is set up. Set one up with POST /api/connectors.")
	}
	if err := list[0].broken; err != nil {
		return nil, err
	}
	return list[0], nil
}

// Connectors returns the tenant's connectors by their slots, as they are
// stored now, also those that cannot be opened.
func (r *Router) Connectors(ctx context.Context, tenantID string) ([]*Opened, error) {
	return r.refresh(ctx, tenantID)
}

// Fallbacks returns the tenant's fallback connectors in the order in which
// they are tried.
func (r *Router) Fallbacks(ctx context.Context, tenantID string) ([]*Opened, error) {
	list, err := r.refresh(ctx, tenantID)
	if err == nil && len(list) > 0 && list[0].Slot == InUse {
		list = list[1:]
	}
	return list, err
}

// Route returns the way of one message: the connector in use, and its
// fallbacks. Without a connector in use it returns the fault
// connector.not_found.
func (r *Router) Route(ctx context.Context, tenantID string) (*Route, error) {
	list, err := r.current(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].Slot != InUse || list[0].broken != nil && len(list) == 1 {
		_, err := inUse(list)
		return nil, err
	}
	return &Route{connectors: list, now: r.now}, nil
}

func (r *Router) tenant(id string) *tenant {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tenants[id]
	if t == nil {
		t = &tenant{}
		r.tenants[id] = t
	}
	return t
}

// current returns a tenant's connectors as they were read at most freshness
// ago.
func (r *Router) current(ctx context.Context, tenantID string) ([]*Opened, error) {
	t := r.tenant(tenantID)
	t.mu.Lock()
	if !t.checkedAt.IsZero() {
		fresh := r.now().Sub(t.checkedAt) < freshness
		if len(t.opened) > 0 {
			// One caller reads again; the others go on with what is there.
			t.checkedAt = r.now()
		}
		if fresh {
			defer t.mu.Unlock()
			return t.opened, nil
		}
	}
	t.mu.Unlock()
	return r.refresh(ctx, tenantID)
}

// refresh reads the tenant's records and opens those that are not open yet.
func (r *Router) refresh(ctx context.Context, tenantID string) ([]*Opened, error) {
	t := r.tenant(tenantID)
	t.reading.Lock()
	defer t.reading.Unlock()
	records, err := r.store.Connectors(ctx, tenantID)
	if err != nil {
		return nil, fmt.Errorf("read connectors: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	before := make(map[string]*Opened, len(t.opened))
	for _, o := range t.opened {
		before[o.Version] = o
	}
	list := make([]*Opened, len(records))
	for i, record := range records {
		known := before[record.Version]
		if known != nil && known.broken == nil && known.Slot == record.Slot && known.ID == record.ID {
			list[i] = known
			delete(before, record.Version)
			continue
		}
		list[i] = r.open(record)
	}
	for _, gone := range before {
		r.close(gone)
	}
	t.checkedAt, t.opened = r.now(), list
	return list, nil
}

// open opens a stored connector. One that cannot be opened says so itself: it
// must not keep the tenant from looking at it and setting another one.
func (r *Router) open(record Record) *Opened {
	o := &Opened{Record: record, health: newHealth()}
	factory, ok := r.registry.Get(record.FactoryID)
	if !ok {
		o.broken = fmt.Errorf("connector %s is of the factory %q, which this build does not have", record.ID, record.FactoryID)
		return o
	}
	o.Factory = factory
	config, err := r.keys.Open(record.Config, configPurpose(record))
	if err != nil {
		o.broken = fmt.Errorf("connector %s: %w", record.ID, err)
		return o
	}
	o.PlainConfig = config
	if o.Connector, err = factory.Open(config, r.host(record.TenantID)); err != nil {
		o.broken = fmt.Errorf("open connector %s: %w", record.ID, err)
	}
	return o
}

// Broken says why a stored connector cannot be opened; nil when it is open.
func (o *Opened) Broken() error { return o.broken }

// close lets go of a connector that was replaced. Messages under way through
// it finish (see connector.Connector).
func (r *Router) close(o *Opened) {
	if c, ok := o.Connector.(io.Closer); ok {
		go func() { // Close waits for sends under way; nobody waits for it
			if err := c.Close(); err != nil {
				r.log.Warn("closing a replaced connector", "connector", o.ID, "error", err)
			}
		}()
	}
}

// Close lets go of every open connector.
func (r *Router) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	errs := []error{r.callbacks.closeAll()}
	for id, t := range r.tenants {
		for _, o := range t.opened {
			if c, ok := o.Connector.(io.Closer); ok {
				errs = append(errs, c.Close())
			}
		}
		delete(r.tenants, id)
	}
	return errors.Join(errs...)
}

func configPurpose(r Record) string { return "connector:" + r.TenantID + ":" + r.ID }
