package suppression

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/fault"
)

// freshness is how long it serves to have seen that a tenant has suppressions
// or has none: a change on one node reaches all others within it.
const freshness = 500 * time.Millisecond

// Service finds and changes suppressed addresses. A tenant that has none
// costs its deliveries nothing: that is remembered, and asked again once in a
// while. It is safe for concurrent use.
type Service struct {
	store Store
	now   func() time.Time

	reading sync.Mutex // keeps readings in order with changes
	mu      sync.Mutex
	cache   map[string]seen // by tenant id
}

// seen is whether a tenant has any suppressions, and when it was asked.
type seen struct {
	any bool
	at  time.Time
}

// NewService makes a Service.
func NewService(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now, cache: make(map[string]seen)}
}

// Find returns the entry that keeps a mail of a type from an address; ok is
// false when there is none.
func (s *Service) Find(ctx context.Context, tenantID, to string, t connector.TemplateType) (e Entry, ok bool, err error) {
	known, err := s.hasAny(ctx, tenantID)
	if err != nil || !known {
		return Entry{}, false, err
	}
	e, ok, err = s.store.Suppression(ctx, tenantID, address.Key(to))
	if err != nil {
		return Entry{}, false, fmt.Errorf("read suppression: %w", err)
	}
	return e, ok && e.Covers(t), nil
}

func (s *Service) hasAny(ctx context.Context, tenantID string) (bool, error) {
	s.mu.Lock()
	known, ok := s.cache[tenantID]
	if ok {
		fresh := s.now().Sub(known.at) < freshness
		// One caller reads again; the others go on with what is there.
		s.cache[tenantID] = seen{known.any, s.now()}
		if fresh {
			s.mu.Unlock()
			return known.any, nil
		}
	}
	s.mu.Unlock()
	s.reading.Lock()
	defer s.reading.Unlock()
	found, err := s.store.HasSuppressions(ctx, tenantID)
	if err != nil {
		return false, fmt.Errorf("look for suppressions: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache[tenantID] = seen{found, s.now()}
	return found, nil
}

// Changed makes the next Find on this node see a change at once. Call it when
// the change is stored. It waits for a reading under way, which may have begun
// before.
func (s *Service) Changed(tenantID string) {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cache, tenantID)
}

// Refused suppresses an address that a provider refused at sending, if the
// refusal says that there is no such address. words are the provider's.
func (s *Service) Refused(ctx context.Context, e Entry, class connector.Class, enhanced, words string) error {
	if !OfRefusal(class, enhanced) {
		return nil
	}
	e.Scope, e.Reason, e.CreatedAt = All, Bounced, s.now()
	e.Detail = address.Redacted(words, e.Address, MaxDetail)
	if err := s.store.AddSuppression(ctx, e); err != nil {
		return fmt.Errorf("store suppression: %w", err)
	}
	s.Changed(e.TenantID)
	return nil
}

// Put suppresses an address by a person's decision, in the place of whatever
// there is. addr is checked by address.Parse; detail is one line of at most
// MaxDetail bytes.
func (s *Service) Put(ctx context.Context, tenantID, addr string, scope Scope, detail string) (Entry, error) {
	e := Entry{
		TenantID: tenantID, Address: addr, Scope: scope, Reason: Manual, Detail: detail,
		CreatedAt: s.now().Truncate(time.Millisecond),
	}
	was, there, err := s.store.Suppression(ctx, tenantID, address.Key(addr))
	if err != nil {
		return Entry{}, fmt.Errorf("read suppression: %w", err)
	}
	action := Created
	var before *told
	if there {
		action, before = Updated, toldOf(was)
	}
	if ctx, err = s.tell(ctx, action, e, before, toldOf(e)); err != nil {
		return Entry{}, err
	}
	if err := s.store.PutSuppression(ctx, e); err != nil {
		return Entry{}, fmt.Errorf("store suppression: %w", err)
	}
	s.Changed(tenantID)
	return e, nil
}

// List returns a tenant's entries, newest first, and how many match in all.
func (s *Service) List(ctx context.Context, tenantID string, f Filter) ([]Entry, int, error) {
	list, total, err := s.store.ListSuppressions(ctx, tenantID, f)
	if err != nil {
		return nil, 0, fmt.Errorf("list suppressions: %w", err)
	}
	return list, total, nil
}

// Lift lets mail go to an address again, or returns the fault
// entity.not_found.
func (s *Service) Lift(ctx context.Context, tenantID, addr string) error {
	was, ok, err := s.store.Suppression(ctx, tenantID, address.Key(addr))
	if err == nil && ok {
		if ctx, err = s.tell(ctx, Deleted, was, toldOf(was), nil); err == nil {
			ok, err = s.store.DeleteSuppression(ctx, tenantID, address.Key(addr))
		}
	}
	if err != nil {
		return fmt.Errorf("lift suppression: %w", err)
	}
	if !ok {
		return fault.New(fault.NotFound, "entity.not_found", "This address is not suppressed.")
	}
	s.Changed(tenantID)
	return nil
}
