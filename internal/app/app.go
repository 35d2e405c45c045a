package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/api"
	"github.com/postern-mail/postern/internal/compose"
	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/delivery"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/guard"
	"github.com/postern-mail/postern/internal/inbox"
	"github.com/postern-mail/postern/internal/invitations"
	"github.com/postern-mail/postern/internal/metrics"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/queue"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templatecheck"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
	"github.com/postern-mail/postern/internal/verification"
)

// Options are what the service can be told.
type Options struct {
	// DataDir holds the keyset and, without DatabaseURL, the SQLite database.
	DataDir string
	// DatabaseURL chooses PostgreSQL.
	DatabaseURL connector.Secret
	// Keyset is the keyset's JSON, in place of the file in DataDir.
	Keyset connector.Secret
	// APIKey becomes a management key if it is not one yet.
	APIKey connector.Secret
	// AllowPrivateNetworks lets connectors reach private addresses.
	AllowPrivateNetworks bool
	// MachineRoleTenants are the ids of tenants whose connectors may act as the
	// machine's own role at its cloud, where their settings name no credentials.
	// Whoever may change a connector of theirs acts as the machine.
	MachineRoleTenants []string
	// AllowReservedDomains accepts mail to reserved names such as .test.
	AllowReservedDomains bool
	// DisposableDomains is a file of domains of throw-away mailboxes, one a
	// line, read again when it changes; "" means the built-in list.
	DisposableDomains string
	// LogAddresses writes recipients in full to the log.
	LogAddresses bool
	// Workers is how many deliveries run at once; 0 means DefaultWorkers.
	Workers int
	// Connectors are the factories to offer.
	Connectors []connector.Factory
	// Logger gets the service's log; nil discards it.
	Logger  *slog.Logger
	Version string
}

// DefaultWorkers is how many deliveries run at once unless told otherwise.
const DefaultWorkers = 64

// templateCacheSize bounds what the parsed templates kept take, in bytes.
const templateCacheSize = 16 << 20

// now is the service's clock.
func now() time.Time { return time.Now() }

// App is the running service.
type App struct {
	store    *store.Store
	router   *routing.Router
	access   *access.Service
	delivery *delivery.Deliverer
	handler  http.Handler
	guard    *guard.Guard
	nodes    *nodes // nil where there is one node alone
	metrics  *metrics.Metrics
	invites  *invitations.Service
	log      *slog.Logger
	lock     *os.File
	firstKey string

	running    atomic.Bool
	stopUpkeep context.CancelFunc
	upkeepDone sync.WaitGroup

	stopOnce sync.Once
	stopErr  error
}

// New opens the store, brings its schema up, does what a first start needs
// and wires everything. It starts no work. On an error nothing stays open.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Workers == 0 {
		o.Workers = DefaultWorkers
	}
	a := &App{log: o.Logger}
	if err := a.open(ctx, o); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context, o Options) (err error) {
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return fmt.Errorf("create data folder: %w", err)
	}
	if o.DatabaseURL == "" {
		// Two services on one SQLite file would each deliver every message.
		if a.lock, err = lockDataDir(o.DataDir); err != nil {
			return err
		}
	}
	if a.store, err = openStore(ctx, o); err != nil {
		return err
	}
	if _, _, err := a.store.Migrate(ctx); err != nil {
		return err
	}
	keys, err := openKeys(ctx, a.store, o)
	if err != nil {
		return err
	}
	return a.wire(ctx, o, keys)
}

func openStore(ctx context.Context, o Options) (*store.Store, error) {
	return store.Open(ctx, store.Options{
		DataDir: o.DataDir, PostgresURL: o.DatabaseURL.Reveal(),
		Queue: queue.Options{Workers: o.Workers, Logger: o.Logger, Now: now},
	})
}

// wire builds the packages from the bottom up.
func (a *App) wire(ctx context.Context, o Options, keys *secrets.Keys) error {
	registry, err := connector.NewRegistry(o.Connectors...)
	if err != nil {
		return err
	}
	if a.access, err = access.New(a.store, now); err != nil {
		return err
	}
	builtin, err := templates.NewBuiltin()
	if err != nil {
		return fmt.Errorf("built-in templates: %w", err)
	}
	prom := prometheus.NewRegistry()
	prom.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.metrics = metrics.New(prom)

	box := inbox.New(a.store, keys, now)
	dial := newDialer(o.AllowPrivateNetworks)
	carrier := newHTTP(dial)
	a.router = routing.New(routing.Options{
		Store: a.store, Keys: keys, Registry: registry, Now: now, Log: o.Logger,
		Host: func(tenantID string) connector.Host {
			return connector.Host{
				Dial: dial, HTTP: carrier, Inbox: box.Of(tenantID),
				MachineRole: slices.Contains(o.MachineRoleTenants, tenantID),
			}
		},
	})
	out := outbox.New(a.store, keys, now)
	settings := tenants.NewService(a.store, now)
	stored := templates.NewService(a.store, now)
	composer := compose.New(builtin, stored, settings, template.NewCache(templateCacheSize))
	hub := events.NewHub(a.store)
	suppressions := suppression.NewService(a.store, now)
	admit, err := a.newAdmission(o, settings, keys)
	if err != nil {
		return err
	}
	codes := verification.New(verification.Options{
		Store: a.store, Outbox: out, Keys: keys, Settings: settings.Settings, Now: now,
	})
	people := directory.NewService(a.store, now)
	a.invites = invitations.New(invitations.Options{
		Store: a.store, Outbox: out, Keys: keys, Now: now, Admit: admit.Admit, Keeps: a.router.Keeps,
		Variables: people.Variables,
	})
	a.delivery = delivery.New(delivery.Options{
		Store: a.store, Outbox: out, Router: a.router, Composer: composer, Suppressions: suppressions,
		Charges: admit.Charges, Hub: hub, Metrics: a.metrics, Now: now, Log: o.Logger, LogAddresses: o.LogAddresses,
	})
	intake := events.NewIntake(events.IntakeOptions{
		Store: a.store, Suppressions: suppressions, Hub: hub, Keys: keys, Metrics: a.metrics, Now: now,
	})
	configurations := configuration.New(configuration.Options{
		Store: a.store, Router: a.router, Templates: stored, Settings: settings, Keys: keys, Now: now,
		FirstConnector: firstConnector(),
	})
	if a.firstKey, err = firstStart(ctx, a.store, a.router, a.access, o); err != nil {
		return err
	}
	a.handler, err = api.New(api.Options{
		Tenants: a.store, Configurations: configurations, Audit: a.store,
		Templates: stored, CheckTemplate: templatecheck.Check, Settings: settings, Access: a.access, Router: a.router,
		Composer: composer, Outbox: out, Codes: codes, Admission: admit, Invitations: a.invites, Hub: hub,
		Intake: intake, Suppressions: suppressions, Messages: a.store, Inbox: box,
		Directory: people, Idempotency: a.store, Keys: keys, Metrics: a.metrics, Gatherer: prom,
		Ready: a.ready, Now: now, Log: o.Logger, Version: o.Version,
		LogAddresses: o.LogAddresses,
	})
	return err
}

// Handler serves the API.
func (a *App) Handler() http.Handler { return a.handler }

// FirstKey returns the API key that this first start made, to be shown once.
func (a *App) FirstKey() (text string, made bool) { return a.firstKey, a.firstKey != "" }

// Start begins to deliver.
func (a *App) Start(ctx context.Context) error {
	if err := a.store.Queue().Start(ctx, a.delivery.Deliver); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	upkeep, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stopUpkeep = stop
	a.upkeepDone.Go(func() { a.upkeep(upkeep) })
	if a.nodes != nil {
		a.upkeepDone.Go(func() { a.nodes.run(upkeep) })
	}
	a.running.Store(true)
	return nil
}

// ready tells whether mail can be accepted and delivered now. The schema is
// current since New.
func (a *App) ready(ctx context.Context) error {
	if !a.running.Load() {
		return errors.New("deliveries are not running")
	}
	return a.store.Ping(ctx)
}

// Stop ends deliveries and closes everything. Those under way finish; when
// ctx ends first they are cut short and made again at the next start. Further
// calls return what the first one did.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		a.running.Store(false)
		if a.stopUpkeep != nil {
			a.stopUpkeep()
			a.upkeepDone.Wait()
			a.stopErr = a.store.Queue().Stop(ctx)
		}
		if err := a.access.StoreUses(ctx); err != nil {
			a.log.Warn("at stop", "error", err) // the next use of a key tells as well
		}
		a.stopErr = errors.Join(a.stopErr, a.close())
	})
	return a.stopErr
}

func (a *App) close() error {
	var errs []error
	if a.router != nil {
		errs = append(errs, a.router.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}
