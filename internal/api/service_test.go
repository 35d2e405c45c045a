package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connectors/builtin"
	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/admission"
	"github.com/postern-mail/postern/internal/api"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/blocklist"
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
	"github.com/postern-mail/postern/internal/routing"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/suppression"
	"github.com/postern-mail/postern/internal/template"
	"github.com/postern-mail/postern/internal/templates"
	"github.com/postern-mail/postern/internal/tenants"
	"github.com/postern-mail/postern/internal/verification"
)

// service is the real thing on a SQLite file, with a provider whose answers
// the test chooses. What it answers and logs is searched for secrets at the
// end.
type service struct {
	t        testing.TB
	handler  http.Handler
	options  api.Options
	store    *store.Store
	router   *routing.Router
	deliver  func(context.Context)
	provider *provider
	clock    *clock
	guard    *guard.Guard
	strict   bool // reserved domains are refused
	log      *record
	shown    *record // all answers but those that must show a secret

	admin, sender, checker string // API keys
}

// providerSecret is in the settings of every provider connector.
const providerSecret = "pr0vider-s3cret-Zq8"

// start makes a service without connector that delivers.
func start(t testing.TB, change ...func(*api.Options)) *service {
	t.Helper()
	return startWith(t, &service{}, change...)
}

func startWith(t testing.TB, s *service, change ...func(*api.Options)) *service {
	t.Helper()
	s.t, s.clock, s.log, s.shown, s.provider = t, &clock{}, &record{}, &record{}, &provider{}
	s.build(change)
	ctx, cancel := context.WithCancel(context.Background())
	s.deliver(ctx)
	t.Cleanup(func() {
		cancel()
		log := s.auditLog()
		stop, release := context.WithTimeout(context.Background(), 10*time.Second)
		defer release()
		if err := errors.Join(s.store.Queue().Stop(stop), s.router.Close(), s.store.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
		s.searchForSecrets(log)
	})
	return s
}

// auditLog is the text of all audit entries of all tenants.
func (s *service) auditLog() string {
	s.t.Helper()
	ctx := context.Background()
	var text strings.Builder
	for _, tenant := range must[[]tenants.Tenant](s.t)(s.store.ListTenants(ctx)) {
		list, _, err := s.store.AuditEntries(ctx, tenant.ID, audit.Filter{})
		if err != nil {
			s.t.Error(err)
		}
		for _, e := range list {
			text.WriteString(e.Actor + " " + string(e.Action) + " " + e.Subject + " " + string(e.Details) + "\n")
		}
	}
	return text.String()
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (s *service) build(change []func(*api.Options)) {
	t := s.t
	t.Helper()
	ctx := t.Context()
	s.store = must[*store.Store](t)(store.Open(ctx, store.Options{DataDir: t.TempDir()}))
	if _, _, err := s.store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.store.EnsureTenant(ctx, tenants.Tenant{ID: tenants.Default, Name: "Default", CreatedAt: s.clock.now()}); err != nil {
		t.Fatal(err)
	}
	keys := must[*secrets.Keys](t)(secrets.Parse(must[[]byte](t)(secrets.Generate())))
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	box := inbox.New(s.store, keys, s.clock.now)
	s.router = routing.New(routing.Options{
		Store: s.store, Keys: keys, Now: s.clock.now, Log: log,
		Registry: must[*connector.Registry](t)(connector.NewRegistry(builtin.New(), s.provider.factory(), s.provider.reporting())),
		Host:     func(tenantID string) connector.Host { return connector.Host{Inbox: box.Of(tenantID)} },
	})
	registry := prometheus.NewRegistry()
	stored, settings := templates.NewService(s.store, s.clock.now), tenants.NewService(s.store, s.clock.now)
	o := api.Options{
		Templates: stored, Settings: settings, Tenants: s.store, Audit: s.store,
		Configurations: configuration.New(configuration.Options{
			Store: s.store, Router: s.router, Templates: stored, Settings: settings, Keys: keys, Now: s.clock.now,
			FirstConnector: configuration.Connector{ConnectorID: builtin.ID, Config: json.RawMessage("{}")},
		}),
		Access: must[*access.Service](t)(access.New(s.store, s.clock.now)), Router: s.router,
		Composer: compose.New(must[*templates.Builtin](t)(templates.NewBuiltin()), stored, settings, template.NewCache(100)),
		Outbox:   outbox.New(s.store, keys, s.clock.now), Hub: events.NewHub(s.store), Messages: s.store,
		Inbox: box, Idempotency: s.store, Keys: keys, Metrics: metrics.New(registry), Gatherer: registry,
		Ready: s.store.Ping, Now: s.clock.now, Log: log, Version: "v1.2.3-test",
	}
	o.Directory = directory.NewService(s.store, s.clock.now)
	o.Suppressions = suppression.NewService(s.store, s.clock.now)
	o.Intake = events.NewIntake(events.IntakeOptions{
		Store: s.store, Suppressions: o.Suppressions, Hub: o.Hub, Keys: keys, Metrics: o.Metrics, Now: s.clock.now,
	})
	s.guard = guard.New(guard.Options{Now: s.clock.now, Notify: func(guard.Notice) {}, Refused: func(guard.Kind, guard.Level) {}})
	o.Admission = admission.New(admission.Options{
		Settings: settings.Settings, Keys: keys, Lists: blocklist.New(func(domain string) bool { return domain == "trash.example" }),
		Guard: s.guard, AllowReserved: !s.strict,
	})
	o.Codes = verification.New(verification.Options{
		Store: s.store, Outbox: o.Outbox, Keys: keys, Settings: settings.Settings, Now: s.clock.now,
	})
	o.Invitations = invitations.New(invitations.Options{
		Store: s.store, Outbox: o.Outbox, Keys: keys, Now: s.clock.now, Admit: o.Admission.Admit,
		Variables: o.Directory.Variables, Keeps: s.router.Keeps,
	})
	for _, f := range change {
		f(&o)
	}
	deliverer := delivery.New(delivery.Options{
		Store: s.store, Outbox: o.Outbox, Router: s.router, Composer: o.Composer, Hub: o.Hub,
		Suppressions: o.Suppressions, Charges: o.Admission.Charges, Metrics: o.Metrics, Now: s.clock.now, Log: log,
	})
	s.deliver = func(ctx context.Context) {
		if err := s.store.Queue().Start(ctx, deliverer.Deliver); err != nil {
			t.Fatal(err)
		}
	}
	s.handler = must[http.Handler](t)(api.New(o))
	s.options = o
	s.admin = s.key(access.Management)
	s.sender = s.key(access.SendMessages)
	s.checker = s.key(access.Verification)
}

// key makes an API key with one scope.
func (s *service) key(scope access.Scope) string {
	s.t.Helper()
	_, text, err := s.options.Access.Create(s.t.Context(), tenants.Default, "test", []access.Scope{scope}, time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// searchForSecrets fails the test when an answer, the log or the audit log
// holds what none may hold.
func (s *service) searchForSecrets(auditLog string) {
	secrets := append(s.provider.codes(), providerSecret, signature, s.admin, s.sender, s.checker)
	for name, text := range map[string]string{"an answer": s.shown.String(), "the log": s.log.String(), "the audit log": auditLog} {
		for _, secret := range secrets {
			// A code is six digits, which may also be part of a number.
			if regexp.MustCompile(`(^|\D)` + regexp.QuoteMeta(secret) + `($|\D)`).MatchString(text) {
				s.t.Errorf("%s holds the secret %q", name, secret)
			}
		}
		if strings.Contains(text, "ann@example.com") && name == "the log" && !s.options.LogAddresses {
			s.t.Errorf("the log holds an address in full")
		}
	}
}

// request is one call.
type request struct {
	method, path string
	key          string // API key; "" for none
	body         string
	header       map[string]string
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// do calls the service.
func (s *service) do(r request) answer {
	s.t.Helper()
	return s.doWith(context.Background(), r)
}

func (s *service) doWith(ctx context.Context, r request) answer {
	s.t.Helper()
	a := s.send(ctx, r)
	s.shown.Write([]byte(a.body + "\n"))
	for _, values := range a.header {
		s.shown.Write([]byte(strings.Join(values, "\n") + "\n"))
	}
	return a
}

// doSecretly calls the service where the answer must show a secret.
func (s *service) doSecretly(r request) answer {
	s.t.Helper()
	return s.send(context.Background(), r)
}

func (s *service) send(ctx context.Context, r request) answer {
	s.t.Helper()
	in := httptest.NewRequestWithContext(ctx, r.method, r.path, strings.NewReader(r.body))
	if r.body != "" {
		in.Header.Set("Content-Type", "application/json")
	} else {
		in.Body = http.NoBody
	}
	if r.key != "" {
		in.Header.Set("Authorization", "Bearer "+r.key)
	}
	for name, value := range r.header {
		in.Header.Set(name, value)
	}
	out := httptest.NewRecorder()
	s.handler.ServeHTTP(out, in)
	return answer{t: s.t, status: out.Code, header: out.Result().Header, body: out.Body.String()}
}

// get reads a resource with the management key.
func (s *service) get(path string) answer {
	s.t.Helper()
	return s.do(request{method: "GET", path: path, key: s.admin})
}

// post posts with the management key.
func (s *service) post(path, body string, header ...string) answer {
	s.t.Helper()
	r := request{method: "POST", path: path, key: s.admin, body: body, header: map[string]string{}}
	for i := 0; i+1 < len(header); i += 2 {
		r.header[header[i]] = header[i+1]
	}
	return s.do(r)
}

// is fails the test unless the answer has this status.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// refuses fails the test unless the answer is an error of this kind in the
// one shape.
func (a answer) refuses(status int, code string) answer {
	a.t.Helper()
	a.is(status)
	e := a.problem()
	if e.Code != code {
		a.t.Fatalf("code %q, want %q: %s", e.Code, code, a.body)
	}
	return a
}

// shape is the one shape of errors.
type shape struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Issues []struct {
			Path    []any  `json:"path"`
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"issues"`
		RequestID      string `json:"requestId"`
		Class          string `json:"class"`
		Status         int    `json:"status"`
		EnhancedStatus string `json:"enhancedStatus"`
		OpenMessages   int    `json:"openMessages"`
	} `json:"data"`
	Details string `json:"details"`
}

func (a answer) problem() shape {
	a.t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/json" {
		a.t.Fatalf("content type %q of an error", got)
	}
	var e shape
	a.into(&e)
	if e.Code == "" || e.Message == "" {
		a.t.Fatalf("not an error in the one shape: %s", a.body)
	}
	return e
}

// paths lists the fields at fault, as templates[0].subject; (all) is the whole
// body.
func (e shape) paths() []string {
	paths := []string{}
	for _, issue := range e.Data.Issues {
		var b strings.Builder
		if len(issue.Path) == 0 {
			b.WriteString("(all)")
		}
		for _, step := range issue.Path {
			switch step := step.(type) {
			case string:
				if b.Len() > 0 {
					b.WriteByte('.')
				}
				b.WriteString(step)
			case float64:
				b.WriteString("[" + string(rune('0'+int(step))) + "]")
			}
		}
		paths = append(paths, b.String())
	}
	slices.Sort(paths)
	return paths
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.t.Fatalf("%v in %q", err, a.body)
	}
}

func read[T any](a answer) T {
	a.t.Helper()
	var v T
	a.into(&v)
	return v
}

// keepMails sets the built-in connector.
func (s *service) keepMails() {
	s.t.Helper()
	s.post("/api/connectors", `{"connectorId":"postern-email"}`).is(200)
}

// useProvider sets the provider connector, which the test answers for.
func (s *service) useProvider() {
	s.t.Helper()
	s.post("/api/connectors", `{"connectorId":"test-email","config":{"apiKey":"`+providerSecret+`","fromEmail":"no-reply@example.com"}}`).is(200)
}

// set changes settings of the tenant.
func (s *service) set(settings string) {
	s.t.Helper()
	if _, err := s.options.Settings.Change(s.t.Context(), tenants.Default, json.RawMessage(settings)); err != nil {
		s.t.Fatal(err)
	}
}

// clock is the real one and a bit.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// record is text that several goroutines add to.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
