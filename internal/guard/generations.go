package guard

import (
	"sync/atomic"
	"time"
)

// pool bounds what all tenants hold together.
type pool struct {
	held atomic.Int64
	most int64
}

// least is how much a generation may hold when the pool is used up.
const least = 512

// generations remembers entries for one to two lives. When the younger
// generation is full or has lived, it becomes the older one, and what was that
// is forgotten. An entry that is used again is young again, so a flood of new
// ones drives out only what is not in use.
type generations[K comparable, V any] struct {
	young, old map[K]V
	began      time.Duration
	life       time.Duration
	most       int // entries of a generation
	pool       *pool
}

func newGenerations[K comparable, V any](life time.Duration, most int, p *pool) generations[K, V] {
	return generations[K, V]{life: life, most: most, pool: p}
}

// find returns an entry.
func (g *generations[K, V]) find(k K) (V, bool) {
	v, ok := g.young[k]
	if !ok {
		v, ok = g.old[k]
	}
	return v, ok
}

// use returns an entry and makes it young again.
func (g *generations[K, V]) use(k K, now time.Duration) (V, bool) {
	if v, ok := g.young[k]; ok {
		return v, true
	}
	v, ok := g.old[k]
	if ok {
		delete(g.old, k)
		g.pool.held.Add(-1)
		g.put(k, v, now)
	}
	return v, ok
}

// put adds an entry, which must not be there.
func (g *generations[K, V]) put(k K, v V, now time.Duration) {
	full := len(g.young) >= g.most || len(g.young) >= least && g.pool.held.Load() >= g.pool.most
	if full || now-g.began >= g.life || g.young == nil {
		g.turn(now)
	}
	g.young[k] = v
	g.pool.held.Add(1)
}

// drop removes an entry.
func (g *generations[K, V]) drop(k K) {
	before := len(g.young) + len(g.old)
	delete(g.young, k)
	delete(g.old, k)
	g.pool.held.Add(int64(len(g.young) + len(g.old) - before))
}

// turn begins a new generation.
func (g *generations[K, V]) turn(now time.Duration) {
	g.pool.held.Add(-int64(len(g.old)))
	g.old, g.young = g.young, make(map[K]V)
	if now-g.began >= 2*g.life { // nobody came for long: the younger one is outdated, too
		g.pool.held.Add(-int64(len(g.old)))
		g.old = nil
	}
	g.began = now
}

// clear forgets everything.
func (g *generations[K, V]) clear() {
	g.pool.held.Add(-int64(len(g.young) + len(g.old)))
	g.young, g.old = nil, nil
}
