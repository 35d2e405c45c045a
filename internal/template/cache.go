package template

import "sync"

// Cache keeps parsed templates by their content, so that a change of a stored
// template needs no invalidation: other content is another entry. It is safe
// for concurrent use.
//
// It holds two generations. A template that is used moves to the young one;
// when that is full it becomes the old one, and what the old one still held is
// dropped. So the most recently used templates stay, and the memory is
// bounded by twice the size of a generation.
type Cache struct {
	generation int // bytes of source that the young generation may hold

	mu         sync.RWMutex
	young, old map[cacheKey]*Template
	size       int // bytes of source in young
}

// cacheKey is what a template was made from.
type cacheKey struct {
	source  string
	escape  Escape
	text    bool   // the plain-text form of an HTML source
	library string // stands for the content of the library
}

// NewCache returns a cache for about size bytes of template sources. A
// template larger than half of it is parsed anew each time.
func NewCache(size int) *Cache {
	return &Cache{generation: size / 2, young: make(map[cacheKey]*Template)}
}

// Get returns the parsed template of a source without partials. Errors are
// those of Compile and are not kept.
func (c *Cache) Get(source string, escape Escape) (*Template, error) {
	return c.Compile(source, Options{Escape: escape})
}

// Compile returns the parsed template of source. Errors are those of the
// function Compile and are not kept.
func (c *Cache) Compile(source string, o Options) (*Template, error) {
	return c.get(cacheKey{source: source, escape: o.Escape, library: o.Library.cacheKey()}, func() (*Template, error) {
		return Compile(source, o)
	})
}

// GetText returns the plain-text form of an HTML template: what convert makes
// of its source, parsed with None. convert runs only when it is not cached, so
// one cache is to be used with one convert.
func (c *Cache) GetText(source string, convert func(html string) string) (*Template, error) {
	return c.get(cacheKey{source: source, escape: None, text: true}, func() (*Template, error) {
		return Parse(convert(source), None)
	})
}

// get returns the template under key, made where it is missing. Two callers
// may make the same one at once; either result is as good.
func (c *Cache) get(key cacheKey, parse func() (*Template, error)) (*Template, error) {
	c.mu.RLock()
	t, young := c.young[key]
	if !young {
		t = c.old[key]
	}
	c.mu.RUnlock()
	if young {
		return t, nil
	}
	if t == nil {
		var err error
		if t, err = parse(); err != nil {
			return nil, err
		}
	}
	c.keep(key, t)
	return t, nil
}

// keep puts t into the young generation.
func (c *Cache) keep(key cacheKey, t *Template) {
	size := len(key.source) + t.weight
	if size > c.generation {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[key]; ok {
		return
	}
	if c.size+size > c.generation {
		c.old, c.young, c.size = c.young, make(map[cacheKey]*Template), 0
	}
	c.young[key] = t
	c.size += size
}
