package audit

import (
	"context"
	"slices"
	"time"
)

// System is the actor of what nobody asked for by a call.
const System = "system"

type (
	actorKey   struct{}
	entriesKey struct{}
)

// By returns a context whose changes are those of an actor: the id of an API
// key.
func By(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// Actor returns who changes things with this context; System unless somebody
// was named.
func Actor(ctx context.Context) string {
	if actor, ok := ctx.Value(actorKey{}).(string); ok && actor != "" {
		return actor
	}
	return System
}

// Change is what a thing was and what it has become.
type Change struct {
	TenantID string
	Action   Action
	Subject  string // id of what is changed
	// Before and After are written as JSON; nil where there was, or is, nothing.
	// They hold no secret.
	Before, After any
}

// diff is the details of a change.
type diff struct {
	Before any `json:"before,omitempty"`
	After  any `json:"after,omitempty"`
}

// Tell returns a context that carries the entry of a change. Whatever is
// stored with it stores the entry, in the same transaction: use it for the one
// call that makes the change.
func Tell(ctx context.Context, at time.Time, c Change) (context.Context, error) {
	e, err := New(at, Actor(ctx), c.Action, c.TenantID, c.Subject, diff{c.Before, c.After})
	if err != nil {
		return nil, err
	}
	return context.WithValue(ctx, entriesKey{}, append(slices.Clip(Entries(ctx)), e)), nil
}

// Entries returns the entries that a context carries.
func Entries(ctx context.Context) []Entry {
	entries, _ := ctx.Value(entriesKey{}).([]Entry)
	return entries
}
