package app

import (
	"log/slog"

	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/blocklist"
	"github.com/postern-mail/postern/internal/guard"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/tenants"
)

// newAdmission makes what decides whether a mail may be asked for.
func (a *App) newAdmission(o Options, settings *tenants.Service, keys *secrets.Keys) *admission.Service {
	a.guard = guard.New(guard.Options{
		Now: now, Notify: a.rateLimited,
		Refused: func(k guard.Kind, l guard.Level) {
			a.metrics.GuardRefused.WithLabelValues(string(k), string(l)).Inc()
		},
	})
	return admission.New(admission.Options{
		Settings: settings.Settings, Keys: keys, Guard: a.guard,
		Lists:         blocklist.New(func(string) bool { return false }),
		AllowReserved: o.AllowReservedDomains,
	})
}

// rateLimited tells the operator that the guard slows down or stops a source.
func (a *App) rateLimited(n guard.Notice) {
	a.log.Warn(guard.Event, slog.String("tenant", n.TenantID), slog.String("source", string(n.Source)),
		slog.String("name", n.Name), slog.String("level", string(n.Level)), slog.Int("outstanding", n.Outstanding))
}
