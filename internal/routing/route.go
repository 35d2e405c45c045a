package routing

import (
	"slices"
	"time"

	"github.com/postern-mail/postern/connector"
)

// Route is the way of one message through a tenant's connectors. It belongs to
// one goroutine.
type Route struct {
	connectors []*Opened
	now        func() time.Time
	next       int // the first one that was not considered yet
	tried      int
}

// Len returns how many connectors there are.
func (r *Route) Len() int { return len(r.connectors) }

// Keeps reports whether every connector keeps its mails in the service, so
// that none of them reaches anybody.
func (r *Route) Keeps() bool {
	return !slices.ContainsFunc(r.connectors, func(o *Opened) bool { return !o.Keeps() })
}

// Keeps reports whether the connector keeps its mails in the service.
func (o *Opened) Keeps() bool {
	k, ok := o.Connector.(connector.Keeper)
	return ok && k.Keeps()
}

// Next returns the connector to try next, and false when all were tried. It
// passes over those that are down or asked for a pause, but for the one in
// use when no other is in order either: a mail is always tried. The caller
// tells each one that it got by Sent, Failed or Untried.
func (r *Route) Next() (*Opened, bool) {
	for r.next < len(r.connectors) {
		o := r.connectors[r.next]
		r.next++
		if o.broken == nil && o.health.permits(r.now()) {
			r.tried++
			return o, true
		}
	}
	if first := r.connectors[0]; r.tried == 0 && first.broken == nil {
		r.tried++
		return first, true
	}
	return nil, false
}

// FailsOver reports whether another connector may help after a failure: not
// when the recipient or the message itself was refused, and not when the mail
// may have been taken.
func FailsOver(class connector.Class) bool {
	switch class {
	case connector.Temporary, connector.Throttled, connector.ConfigFault:
		return true
	case connector.Recipient, connector.Permanent, connector.InvalidResponse:
	}
	return false
}
