package postern_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern"
	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/connectortest"
	"github.com/postern-mail/postern/test/servers"
)

// From a development tenant, whose connector was tested, into production,
// which then sends with the secret that nobody saw again.
func TestFromDevelopmentToProduction(t *testing.T) {
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
			o.APIKey, o.AllowPrivateNetworks, o.AllowReservedDomains = apiKey, true, true
			moves(t, start(t, o), o)
		})
	}
}

func moves(t *testing.T, s *postern.Service, o postern.Options) {
	t.Helper()
	const pass = "hunter2-of-dev"
	server := connectortest.NewSMTPServer(t, connectortest.SMTPOptions{Auth: []string{"PLAIN"}, User: "dev", Pass: pass})
	dev, prod := newTenant(t, s, "dev"), newTenant(t, s, "prod")
	config := fmt.Sprintf(`{"host":%q,"port":%d,"auth":{"user":"dev","pass":%q},"ignoreTLS":true,"fromEmail":"no-reply@example.com"}`,
		server.Host, server.Port, pass)
	want(t, s, dev, http.MethodPost, "/api/connectors/simple-mail-transfer-protocol/test", `{"email":"tester@example.com","config":`+config+`}`, 204)
	want(t, s, dev, http.MethodPost, "/api/connectors", `{"connectorId":"simple-mail-transfer-protocol","config":`+config+`}`, 200)
	want(t, s, dev, http.MethodPut, "/api/email-templates",
		`{"templates":[{"languageTag":"en","templateType":"SignIn","details":{"subject":"Welcome back","content":"{{code}}"}}]}`, 200)

	found := want(t, s, apiKey, http.MethodPost, "/api/tenants/dev/promote", `{"to":"prod","dryRun":true}`, 200)
	var answer struct{ Fingerprint string }
	if err := json.Unmarshal([]byte(found), &answer); err != nil {
		t.Fatal(err)
	}
	// Another node of the installation, if there can be one.
	other := s
	if o.DatabaseURL != "" {
		other = start(t, o)
		want(t, other, prod, http.MethodGet, "/api/connectors", "", 200)
	}
	done := want(t, s, apiKey, http.MethodPost, "/api/tenants/dev/promote",
		`{"to":"prod","fingerprint":"`+answer.Fingerprint+`","testEmail":"owner@example.com"}`, 200)
	// The other node may have looked less than a second ago, and may be the one
	// that sends.
	for !strings.Contains(want(t, other, prod, http.MethodGet, "/api/connectors", "", 200), "simple-mail-transfer-protocol") {
		if t.Context().Err() != nil {
			t.Fatal("the other node never saw it")
		}
	}
	audit := want(t, s, prod, http.MethodGet, "/api/audit-logs", "", 200)
	sealed := want(t, s, prod, http.MethodGet, "/api/tenants/prod/configuration?secrets=sealed", "", 200)
	want(t, s, prod, http.MethodPost, "/api/verification-codes", `{"email":"ann@example.com","type":"SignIn"}`, 204)

	if n := len(server.Arrived(t, "tester@example.com")) + len(server.Arrived(t, "owner@example.com")); n != 2 {
		t.Errorf("%d of 2 test mails arrived", n)
	}
	if mails := server.Arrived(t, "ann@example.com"); len(mails) != 1 || mails[0].Subject != "Welcome back" {
		t.Errorf("production sent %+v", mails)
	}
	for _, text := range []string{found, done, audit, sealed} {
		if strings.Contains(text, pass) {
			t.Errorf("the secret is in %s", text)
		}
	}
	promoteAtOnce(t, s, other, prod)
}

// promoteAtOnce promotes from both nodes at the same time: all of one, and
// nothing of the other.
func promoteAtOnce(t *testing.T, s, other *postern.Service, prod string) {
	t.Helper()
	newTenant(t, s, "stage")
	statuses := make([]int, 8)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() {
			node := []*postern.Service{s, other}[i%2]
			from := []string{"stage", "dev"}[i/2%2]
			statuses[i], _ = call(t, node, apiKey, http.MethodPost, "/api/tenants/"+from+"/promote", `{"to":"prod"}`)
		})
	}
	group.Wait()
	for _, status := range statuses {
		if status != http.StatusOK && status != http.StatusConflict {
			t.Errorf("statuses %v", statuses)
		}
	}
	document := want(t, s, prod, http.MethodGet, "/api/tenants/prod/configuration", "", 200)
	if strings.Contains(document, "simple-mail-transfer-protocol") != strings.Contains(document, "Welcome back") {
		t.Errorf("half of one and half of the other: %s", document)
	}
}

// newTenant makes a tenant and a management key of it.
func newTenant(t *testing.T, s *postern.Service, id string) (key string) {
	t.Helper()
	want(t, s, apiKey, http.MethodPost, "/api/tenants", `{"id":"`+id+`","name":"`+id+`"}`, 201)
	made := want(t, s, apiKey, http.MethodPost, "/api/api-keys", `{"name":"k","scopes":["management"],"tenantId":"`+id+`"}`, 201)
	var answer struct{ Key string }
	if err := json.Unmarshal([]byte(made), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Key
}

// want makes a call that must be answered with a status.
func want(t *testing.T, s *postern.Service, key, method, path, body string, status int) (answer string) {
	t.Helper()
	got, answer := call(t, s, key, method, path, body)
	if got != status {
		t.Fatalf("%s %s: %d %s", method, path, got, answer)
	}
	return answer
}
