// Package postern is the e-mail layer of sign-in as a Go library: it sends
// verification codes, invitations and security mail through any provider, and
// checks the codes. The command cmd/postern is a thin program around it.
//
//	service, err := postern.New(ctx, postern.Options{DataDir: "./data"})
//	…
//	err = service.Start(ctx)
//	http.Handle("/", service.Handler())
//	…
//	err = service.Stop(ctx)
package postern

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connectors"
	"github.com/postern-mail/postern/internal/app"
)

// Options are what a service can be told. The zero value, with a DataDir,
// works.
type Options struct {
	// DataDir holds the keyset and, without DatabaseURL, the SQLite database.
	// It is made if it is not there.
	DataDir string
	// DatabaseURL (postgres://…) chooses PostgreSQL, which several services
	// may share.
	DatabaseURL connector.Secret
	// Keyset is the keyset's JSON, in place of the file in DataDir.
	Keyset connector.Secret
	// APIKey becomes a management key if it is not one yet.
	APIKey connector.Secret
	// AllowPrivateNetworks lets connectors reach private and local addresses.
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
	// Workers is how many deliveries run at once; 0 means 64.
	Workers int
	// Connectors are the factories to offer; nil means all built-in ones.
	Connectors []connector.Factory
	// Logger gets the service's log; nil discards it.
	Logger *slog.Logger
	// Version is shown in the API document.
	Version string
}

func (o Options) app() app.Options {
	if o.Connectors == nil {
		o.Connectors = connectors.Builtin()
	}
	return app.Options(o)
}

// Service is an embedded Postern.
type Service struct{ app *app.App }

// New opens the database, brings its schema up, and on a first start makes
// the tenant "default", its connector, a keyset and an API key. It starts no
// work; nothing stays open after an error.
func New(ctx context.Context, o Options) (*Service, error) {
	a, err := app.New(ctx, o.app())
	if err != nil {
		return nil, err
	}
	return &Service{app: a}, nil
}

// FirstKey returns the API key that this first start made. It is not stored
// and cannot be had again.
func (s *Service) FirstKey() (text string, made bool) { return s.app.FirstKey() }

// Handler serves the HTTP API.
func (s *Service) Handler() http.Handler { return s.app.Handler() }

// Start begins to deliver mail. ctx bounds the start only.
func (s *Service) Start(ctx context.Context) error { return s.app.Start(ctx) }

// Stop ends deliveries and closes everything. Deliveries under way finish;
// when ctx ends first they are cut short and made again at the next start.
// Take the Handler out of service before.
func (s *Service) Stop(ctx context.Context) error { return s.app.Stop(ctx) }

// Migrate brings a database's schema up to this version's and returns the
// versions before and after.
func Migrate(ctx context.Context, o Options) (from, to int64, err error) {
	return app.Migrate(ctx, o.app())
}

// Admin works on a database without serving from it.
type Admin = app.Admin

// OpenAdmin opens a database to administer it, also beside a service that
// runs on it.
func OpenAdmin(ctx context.Context, o Options) (*Admin, error) { return app.OpenAdmin(ctx, o.app()) }
