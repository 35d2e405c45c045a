package template

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
)

// Library is a set of partials and layouts by their names. It does not change
// and is safe for concurrent use.
type Library struct {
	sources map[string]string
	key     string
}

// NewLibrary makes a library of sources by name. Two libraries of the same
// content are equal to a Cache, so it does not matter who made them and when.
func NewLibrary(sources map[string]string) *Library {
	l := &Library{sources: maps.Clone(sources)}
	hash := sha256.New()
	add := func(s string) {
		var length [8]byte
		binary.LittleEndian.PutUint64(length[:], uint64(len(s)))
		hash.Write(length[:])
		hash.Write([]byte(s))
	}
	for _, name := range slices.Sorted(maps.Keys(l.sources)) {
		add(name)
		add(l.sources[name])
	}
	if len(l.sources) > 0 {
		l.key = string(hash.Sum(nil))
	}
	return l
}

// partial returns the source of a partial, if it is there.
func (l *Library) partial(name string) (string, bool) {
	if l == nil {
		return "", false
	}
	source, ok := l.sources[name]
	return source, ok
}

func (l *Library) has(name string) bool {
	_, ok := l.partial(name)
	return ok
}

// cacheKey stands for the content; it is "" for none.
func (l *Library) cacheKey() string {
	if l == nil {
		return ""
	}
	return l.key
}
