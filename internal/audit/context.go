package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"
)

// The actors that are no API key.
const (
	// System: nobody asked for it by a call, such as at the first start.
	System = "system"
	// CLI: a command that works on the database itself.
	CLI = "cli"
)

type (
	actorKey   struct{}
	entriesKey struct{}
)

// By returns a context whose changes are those of an actor: the id of an API
// key, or CLI.
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
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// state writes what a thing was or is; nil for nothing.
func state(v any) (json.RawMessage, error) {
	text, err := encode(v)
	if err != nil || string(text) == "null" {
		return nil, err
	}
	return text, nil
}

// Tell returns a context that carries the entry of a change. Whatever is
// stored with it stores the entry, in the same transaction: use it for the one
// call that makes the change. A change that leaves a thing as it was has no
// entry.
func Tell(ctx context.Context, at time.Time, c Change) (context.Context, error) {
	var d diff
	var err error
	if d.Before, err = state(c.Before); err != nil {
		return nil, err
	}
	if d.After, err = state(c.After); err != nil {
		return nil, err
	}
	if d.Before != nil && bytes.Equal(d.Before, d.After) {
		return ctx, nil
	}
	e, err := New(at, Actor(ctx), c.Action, c.TenantID, c.Subject, d)
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

// Without returns a context that carries no entries: for whoever stores those
// of the given one by itself.
func Without(ctx context.Context) context.Context {
	if len(Entries(ctx)) == 0 {
		return ctx
	}
	return context.WithValue(ctx, entriesKey{}, []Entry(nil))
}
