package connector

import "fmt"

// Registry is the list of factories that a service knows. It is a value:
// tests and programs that embed the service make their own.
type Registry struct {
	list []Factory
	byID map[string]Factory
}

// NewRegistry returns a registry of the factories in the order given. It
// returns an error when two of them have the same id.
func NewRegistry(factories ...Factory) (*Registry, error) {
	r := &Registry{byID: make(map[string]Factory, len(factories))}
	for _, f := range factories {
		id := f.Metadata().ID
		if _, taken := r.byID[id]; taken {
			return nil, fmt.Errorf("connector: two factories have the id %q", id)
		}
		r.byID[id] = f
		r.list = append(r.list, f)
	}
	return r, nil
}

// All returns the factories in their order.
func (r *Registry) All() []Factory { return append([]Factory(nil), r.list...) }

// Get returns the factory with this id.
func (r *Registry) Get(id string) (Factory, bool) {
	f, ok := r.byID[id]
	return f, ok
}
