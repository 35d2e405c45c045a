package postern_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern"
	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connectors"
	"github.com/postern-mail/postern/test/servers"
)

const apiKey = "a key that the operator chose"

// start starts a service that is stopped when the test ends.
func start(t *testing.T, o postern.Options) *postern.Service {
	t.Helper()
	s, err := postern.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// call sends a request straight to the handler.
func call(t *testing.T, s *postern.Service, key, method, path, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Prefer", "wait=30")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	data, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(data)
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]func(t *testing.T) postern.Options{
		"SQLite": func(t *testing.T) postern.Options { return postern.Options{DataDir: t.TempDir()} },
		"PostgreSQL": func(t *testing.T) postern.Options {
			return postern.Options{DataDir: t.TempDir(), DatabaseURL: connector.Secret(servers.Postgres(t))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			s := start(t, o)
			key, made := s.FirstKey()
			if !made {
				t.Fatal("the first start makes no key")
			}
			if status, answer := call(t, s, key, http.MethodGet, "/api/connectors", ""); status != 200 || !strings.Contains(answer, `"connectorId":"postern-email"`) {
				t.Errorf("connectors: %d %s", status, answer)
			}
			if status, answer := call(t, s, key, http.MethodPost, "/api/verification-codes", `{"email":"ann@example.com"}`); status != 204 {
				t.Errorf("code: %d %s", status, answer)
			}
			_, told := call(t, s, key, http.MethodGet, "/api/audit-logs?actor=system", "")
			if strings.Count(told, `"action":"api-key.created"`) != 1 || strings.Count(told, `"action":"connector.created"`) != 1 || strings.Contains(told, key) {
				t.Errorf("audit log %s", told)
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(filepath.Join(o.DataDir, "keyset.json")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("keyset: %v %v", info, err)
			}
			again, err := postern.New(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Stop(context.Background())
			if _, made := again.FirstKey(); made {
				t.Error("the second start makes another key")
			}
			if status, answer := call(t, again, key, http.MethodGet, "/api/messages", ""); status != 200 || !strings.Contains(answer, "ann@example.com") {
				t.Errorf("messages after a restart: %d %s", status, answer)
			}
		})
	}
}

func TestNodesThatStartAtOnceMakeOneKey(t *testing.T) {
	t.Parallel()
	o := postern.Options{DataDir: t.TempDir(), DatabaseURL: connector.Secret(servers.Postgres(t))}
	keys := make([]string, 4)
	nodes := make([]*postern.Service, len(keys))
	var group sync.WaitGroup
	for i := range nodes {
		group.Go(func() {
			s, err := postern.New(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			nodes[i] = s
			keys[i], _ = s.FirstKey()
		})
	}
	group.Wait()
	made := strings.Fields(strings.Join(keys, " "))
	if len(made) != 1 {
		t.Fatalf("%d keys made", len(made))
	}
	for _, s := range nodes {
		if status, answer := call(t, s, made[0], http.MethodGet, "/api/connectors", ""); status != 200 {
			t.Errorf("connectors: %d %s", status, answer)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestTheOperatorsKey(t *testing.T) {
	t.Parallel()
	o := postern.Options{DataDir: t.TempDir(), APIKey: apiKey}
	s := start(t, o)
	if _, made := s.FirstKey(); made {
		t.Error("a key was made beside the operator's")
	}
	status, answer := call(t, s, apiKey, http.MethodGet, "/api/api-keys", "")
	var keys []struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &keys); err != nil || status != 200 || len(keys) != 1 {
		t.Fatalf("keys: %d %s", status, answer)
	}
	if told := fmt.Sprint(call(t, s, apiKey, http.MethodGet, "/api/audit-logs?actor=system&subject="+keys[0].ID, "")); !strings.Contains(told, "POSTERN_API_KEY") || strings.Contains(told, apiKey) {
		t.Errorf("audit log %s", told)
	}
	if strings.Contains(answer, apiKey[:8]) {
		t.Errorf("the list shows part of the operator's key: %s", answer)
	}
	call(t, s, apiKey, http.MethodDelete, "/api/api-keys/"+keys[0].ID, "")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := postern.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "revoked") || strings.Contains(err.Error(), apiKey) {
		t.Errorf("start with a revoked key: %v", err)
	}
	o.APIKey = "short"
	if _, err := postern.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("start with a short key: %v", err)
	}
}

// With another keyset every code would be refused and every connector be
// unreadable, so the service does not start.
func TestTheKeysetMustBeTheDatabases(t *testing.T) {
	t.Parallel()
	o := postern.Options{DataDir: t.TempDir(), APIKey: apiKey}
	s := start(t, o)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.DataDir, "keyset.json")
	keyset, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := postern.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "keyset.json") {
		t.Errorf("start without the keyset: %v", err)
	}
	other := postern.Options{DataDir: t.TempDir()}
	if err := start(t, other).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	wrong, err := os.ReadFile(filepath.Join(other.DataDir, "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	o.Keyset = connector.Secret(wrong)
	if _, err := postern.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "not the keyset") {
		t.Errorf("start with another keyset: %v", err)
	}
	o.Keyset = connector.Secret(keyset)
	s, err = postern.New(t.Context(), o)
	if err != nil {
		t.Fatalf("start with the keyset given: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOneServiceServesFromAFolder(t *testing.T) {
	t.Parallel()
	o := postern.Options{DataDir: t.TempDir(), APIKey: apiKey}
	start(t, o)
	if _, err := postern.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another postern") {
		t.Errorf("a second service on one folder: %v", err)
	}
	admin, err := postern.OpenAdmin(t.Context(), o)
	if err != nil {
		t.Fatalf("administration beside the service: %v", err)
	}
	if err := admin.Close(); err != nil {
		t.Error(err)
	}
}

// An own connector is a settings struct and a Send.
func ExampleNew() {
	type settings struct {
		Greeting string `json:"greeting" form:"Text,required" label:"Greeting"`
	}
	delivered := make(chan string, 1)
	shout := connector.New(
		connector.Metadata{ID: "shout", Target: "shout", Name: map[string]string{"en": "Shout"}},
		settings{},
		func(s settings, _ connector.Host) (connector.Connector, error) {
			return send(func(m connector.Message) { delivered <- s.Greeting + " " + m.To }), nil
		},
	)
	dir, err := os.MkdirTemp("", "postern")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	service, err := postern.New(ctx, postern.Options{
		DataDir: dir, APIKey: "example-management-key", AllowReservedDomains: true, Connectors: append(connectors.Builtin(), shout),
	})
	if err != nil {
		panic(err)
	}
	if err := service.Start(ctx); err != nil {
		panic(err)
	}
	defer service.Stop(ctx)
	for _, request := range [][2]string{
		{"/api/connectors", `{"connectorId":"shout","config":{"greeting":"Hello,"}}`},
		{"/api/verification-codes", `{"email":"ann@example.com"}`},
	} {
		r := httptest.NewRequest(http.MethodPost, request[0], strings.NewReader(request[1]))
		r.Header.Set("Authorization", "Bearer example-management-key")
		r.Header.Set("Content-Type", "application/json")
		service.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	fmt.Println(<-delivered)
	// Output: Hello, ann@example.com
}

type send func(connector.Message)

func (s send) Send(_ context.Context, m connector.Message) (connector.Receipt, error) {
	s(m)
	return connector.Receipt{}, nil
}

// TestMachineRole proves that only connectors of the tenants that the operator
// names get the machine's role.
func TestMachineRole(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tenants []string
		want    bool
	}{{nil, false}, {[]string{"prod"}, false}, {[]string{"prod", "default"}, true}} {
		lent := make(chan bool, 1)
		factory := connector.New(connector.Metadata{ID: "identified", Target: "identified", Name: map[string]string{"en": "x"}}, struct{}{},
			func(_ struct{}, host connector.Host) (connector.Connector, error) {
				lent <- host.MachineRole
				return send(func(connector.Message) {}), nil
			})
		s := start(t, postern.Options{
			DataDir: t.TempDir(), APIKey: apiKey, MachineRoleTenants: tt.tenants, AllowReservedDomains: true,
			Connectors: append(connectors.Builtin(), factory),
		})
		if status, answer := call(t, s, apiKey, http.MethodPost, "/api/connectors/identified/test", `{"email": "ann@example.com", "config": {}}`); status != 204 {
			t.Fatalf("test: %d %s", status, answer)
		}
		if got := <-lent; got != tt.want {
			t.Errorf("lent to %v: %v, want %v", tt.tenants, got, tt.want)
		}
	}
}
