package routing

import "context"

// Keeps reports whether a tenant's mails stay in the service now. Without a
// route that is not known, and counts as no.
func (r *Router) Keeps(ctx context.Context, tenantID string) bool {
	route, err := r.Route(ctx, tenantID)
	return err == nil && route.Keeps()
}
