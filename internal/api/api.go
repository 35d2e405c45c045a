package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/compose"
	"github.com/postern-mail/postern/internal/configuration"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/idempotency"
	"github.com/postern-mail/postern/internal/inbox"
	"github.com/postern-mail/postern/internal/invitations"
	"github.com/postern-mail/postern/internal/metrics"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
	"github.com/postern-mail/postern/internal/verification"
)

// Options are what the API needs. All are required but CheckTemplate, Web and
// the last three.
type Options struct {
	Templates *templates.Service
	Settings  *tenants.Service
	// CheckTemplate tells what is unwise in a template; nil finds nothing.
	CheckTemplate func(t connector.TemplateType, c templates.Custom) []templates.Problem
	Access        *access.Service
	Tenants       tenants.Reader
	// Configurations moves configurations between tenants.
	Configurations *configuration.Service
	Audit          audit.Reader
	Router         *routing.Router
	Composer       *compose.Composer
	Outbox         *outbox.Outbox
	Codes          *verification.Service
	Admission      *admission.Service
	Invitations    *invitations.Service
	Hub            *events.Hub
	Intake         *events.Intake
	Suppressions   *suppression.Service
	Messages       events.Reader
	Inbox          *inbox.Box
	Directory      *directory.Service
	Idempotency    idempotency.Store
	// Keys seals the answers that are kept for repeated requests.
	Keys     *secrets.Keys
	Metrics  *metrics.Metrics
	Gatherer prometheus.Gatherer
	// Ready returns an error while database, migrations or queue are not in
	// order.
	Ready func(ctx context.Context) error
	Now   func() time.Time
	Log   *slog.Logger
	// Web serves what is neither API nor health, such as the console; nil
	// means not found.
	Web http.Handler
	// Version of the build, shown on the docs page.
	Version string
	// LogAddresses writes recipients in full to the log.
	LogAddresses bool
}

func (o Options) check() error {
	missing := []string{}
	for name, given := range map[string]bool{
		"Templates": o.Templates != nil, "Settings": o.Settings != nil,
		"Access": o.Access != nil, "Tenants": o.Tenants != nil, "Configurations": o.Configurations != nil,
		"Audit": o.Audit != nil, "Router": o.Router != nil, "Composer": o.Composer != nil,
		"Outbox": o.Outbox != nil, "Codes": o.Codes != nil, "Admission": o.Admission != nil,
		"Invitations": o.Invitations != nil, "Hub": o.Hub != nil,
		"Intake": o.Intake != nil, "Suppressions": o.Suppressions != nil,
		"Messages": o.Messages != nil, "Inbox": o.Inbox != nil, "Directory": o.Directory != nil, "Idempotency": o.Idempotency != nil,
		"Keys": o.Keys != nil, "Metrics": o.Metrics != nil, "Gatherer": o.Gatherer != nil,
		"Ready": o.Ready != nil, "Now": o.Now != nil, "Log": o.Log != nil,
	} {
		if !given {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return errors.New("api: options are missing: " + strings.Join(missing, ", "))
	}
	return nil
}

// server holds what handlers share.
type server struct {
	Options
	mux   *chi.Mux
	huma  huma.API
	tests *testBudget
}

// New makes the handler of the API.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := newServer(o)
	document, err := s.document()
	if err != nil {
		return nil, err
	}
	page, err := docsPage(s.huma.OpenAPI(), o.Version)
	if err != nil {
		return nil, fmt.Errorf("make docs page: %w", err)
	}
	s.mountDocs(document, page)
	s.mountMetrics()
	return s.mux, nil
}

// OpenAPI returns the API's OpenAPI 3.1 document, as GET /api/openapi.json
// serves it, indented. It needs nothing running.
func OpenAPI() ([]byte, error) { return newServer(Options{}).document() }

// newServer mounts every resource.
func newServer(o Options) *server {
	s := &server{Options: o, mux: chi.NewMux(), tests: newTestBudget()}
	s.mux.Use(s.observe, middleware.GetHead)
	s.mux.NotFound(s.notFound)
	s.mux.MethodNotAllowed(s.methodNotAllowed)
	s.huma = humachi.New(s.mux, s.humaConfig())
	for _, mount := range []func(){
		s.mountStatus, s.mountFactories, s.mountConnectors, s.mountFallbacks, s.mountConnectorTest, s.mountCodes,
		s.mountMessages, s.mountInbox, s.mountTemplates, s.mountVersions, s.mountWorkbench, s.mountPartials,
		s.mountSignInExperience, s.mountTenants, s.mountConfiguration, s.mountAudit, s.mountKeys,
		s.mountSuppressions, s.mountCallbacks, s.mountInvitations,
		s.mountApplications, s.mountOrganizations, s.mountOrganizationRoles, s.mountOrganizationUsers, s.mountUsers,
		s.tidyDirectory,
	} {
		mount()
	}
	s.tidyDocument()
	return s
}

// notFound answers for paths that nothing is mounted at.
func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	c := callOf(r.Context())
	if s.Web != nil && r.URL.Path != "/api" && !strings.HasPrefix(r.URL.Path, "/api/") {
		c.route = "web"
		s.Web.ServeHTTP(w, r)
		return
	}
	c.route = "unmatched"
	s.refuse(c, w, errNoPath())
}

// methodNotAllowed answers for paths that are mounted for other methods.
func (s *server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	c := callOf(r.Context())
	c.route = "unmatched"
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	var allowed []string
	for _, method := range []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	} {
		if !s.mux.Match(chi.NewRouteContext(), method, path) {
			continue
		}
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	p := s.problem(c, errMethod())
	p.header.Set("Allow", strings.Join(allowed, ", "))
	writeProblem(w, p)
}
