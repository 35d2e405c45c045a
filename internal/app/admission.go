package app

import (
	"log/slog"

	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/blocklist"
	"github.com/postern-mail/postern/internal/disposable"
	"github.com/postern-mail/postern/internal/guard"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/tenants"
)

// newAdmission makes what decides whether a mail may be asked for.
func (a *App) newAdmission(o Options, settings *tenants.Service, keys *secrets.Keys) (*admission.Service, error) {
	throwaway, err := disposable.Open(o.DisposableDomains, now, a.log)
	if err != nil {
		return nil, err
	}
	options := guard.Options{
		Now: now, Notify: a.rateLimited,
		Refused: func(k guard.Kind, l guard.Level) {
			a.metrics.GuardRefused.WithLabelValues(string(k), string(l)).Inc()
		},
	}
	if a.store.Shared() {
		a.nodes = newNodes(a.store, keys, a.log)
		options.Share = a.nodes.share
	}
	a.guard = guard.New(options)
	if a.nodes != nil {
		a.nodes.guard = a.guard
	}
	return admission.New(admission.Options{
		Settings: settings.Settings, Keys: keys, Guard: a.guard,
		Lists:         blocklist.New(throwaway.Holds),
		AllowReserved: o.AllowReservedDomains,
	}), nil
}

// rateLimited tells the operator that the guard slows down or stops a source.
func (a *App) rateLimited(n guard.Notice) {
	a.log.Warn("mails are limited", slog.String("event", guard.Event), slog.String("tenant", n.TenantID),
		slog.String("kind", string(n.Source)), slog.String("name", n.Name), slog.String("measure", string(n.Level)),
		slog.Int("outstanding", n.Outstanding))
}
