package routing

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/fault"
)

// KeepRetired is how long a connector that was replaced takes callbacks:
// providers report bounces for days.
const KeepRetired = 7 * 24 * time.Hour

// callbackPurpose keeps the hashes of callback paths apart from others.
const callbackPurpose = "callback"

// CallbackPath returns where the provider of a stored connector is to call, or
// "" when the connector reads no callbacks. It holds a secret, which is
// derived from the keyset and stored nowhere: whoever knows the path may claim
// to be the provider, where the provider signs nothing.
func (r *Router) CallbackPath(o *Opened) (string, error) {
	if _, ok := o.Connector.(connector.EventReader); !ok {
		return "", nil
	}
	hash, err := r.keys.Hash(callbackPurpose, o.TenantID, o.ID)
	if err != nil {
		return "", err
	}
	return "/callbacks/" + o.ID + "/" + base64.RawURLEncoding.EncodeToString(hash), nil
}

// ForCallback returns the connector whose provider calls by a path of
// CallbackPath: one in use, or one that was replaced within KeepRetired. An
// unknown id, a wrong secret and a connector that reads no callbacks are the
// same fault entity.not_found.
func (r *Router) ForCallback(ctx context.Context, id, secret string) (*Opened, error) {
	record, found, err := r.store.ConnectorByID(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find connector: %w", err)
	}
	hash, err := base64.RawURLEncoding.DecodeString(secret)
	// An unknown id costs the same time as a wrong secret.
	genuine := r.keys.Matches(hash, callbackPurpose, record.TenantID, id) && err == nil
	if !found {
		r.callbacks.drop(r, id)
	}
	if !found || !genuine {
		return nil, noCallback()
	}
	opened, err := r.callbacks.open(r, record)
	if err != nil {
		return nil, err
	}
	if _, ok := opened.Connector.(connector.EventReader); !ok {
		return nil, noCallback()
	}
	return opened, nil
}

func noCallback() error {
	return fault.New(fault.NotFound, "entity.not_found",
		"No connector takes callbacks at this path. GET /api/connectors shows the path as callbackPath.")
}

// maxCallbacks is how many connectors are kept open for callbacks.
const maxCallbacks = 64

// openForCallbacks are connectors that are open to read callbacks: beside
// those that send, since retired ones send nothing any more. What a connector
// has learned, such as its provider's certificates, serves the next callback.
type openForCallbacks struct {
	mu   sync.Mutex
	list []*Opened // the one used last is the last
}

// open returns a connector as record has it, opened unless it is.
func (c *openForCallbacks) open(r *Router, record Record) (*Opened, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.list, func(o *Opened) bool { return o.ID == record.ID })
	if at >= 0 && c.list[at].Version == record.Version {
		opened := c.list[at]
		c.list = append(slices.Delete(c.list, at, at+1), opened)
		return opened, nil
	}
	opened := r.open(record)
	if opened.broken != nil {
		return nil, opened.broken
	}
	switch {
	case at >= 0:
		r.close(c.list[at])
		c.list = slices.Delete(c.list, at, at+1)
	case len(c.list) == maxCallbacks:
		r.close(c.list[0])
		c.list = slices.Delete(c.list, 0, 1)
	}
	c.list = append(c.list, opened)
	return opened, nil
}

// drop lets go of a connector that is gone.
func (c *openForCallbacks) drop(r *Router, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = slices.DeleteFunc(c.list, func(o *Opened) bool {
		if o.ID != id {
			return false
		}
		r.close(o)
		return true
	})
}

func (c *openForCallbacks) closeAll() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, o := range c.list {
		if closer, ok := o.Connector.(io.Closer); ok {
			errs = append(errs, closer.Close())
		}
	}
	c.list = nil
	return errors.Join(errs...)
}
