package access

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// UsePrecision is how exactly Key.LastUsedAt is known: a key in use is written
// once in so long.
const UsePrecision = 5 * time.Minute

// uses are the uses of keys that are still to be stored. Only a request whose
// key was looked up in the database notes one; those that found it in the
// cache came within cacheFor of such a one, and cost nothing.
type uses struct {
	mu sync.Mutex
	at map[string]time.Time // by id
}

// note keeps that a key was used, unless what is stored is exact enough.
func (u *uses) note(k Key, at time.Time) {
	if at.Sub(k.LastUsedAt) < UsePrecision {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.add(k.ID, at)
}

// add keeps a use unless a later one is known; mu must be held.
func (u *uses) add(id string, at time.Time) {
	if u.at == nil {
		u.at = make(map[string]time.Time)
	}
	if at.After(u.at[id]) {
		u.at[id] = at
	}
}

// take returns what there is to store and forgets it.
func (u *uses) take() map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.at
	u.at = nil
	return taken
}

// giveBack keeps what could not be stored.
func (u *uses) giveBack(taken map[string]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, at := range taken {
		u.add(id, at)
	}
}

// StoreUses stores when keys were used last. Call it once in a while, and when
// no more requests come.
func (s *Service) StoreUses(ctx context.Context) error {
	taken := s.uses.take()
	if len(taken) == 0 {
		return nil
	}
	if err := s.store.KeysUsed(ctx, taken); err != nil {
		s.uses.giveBack(taken)
		return fmt.Errorf("store uses of keys: %w", err)
	}
	return nil
}
