package api_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/connector"
)

type shownConnector struct {
	ID, ConnectorID, Type, Target string
	Platform, LogoDark            *string
	Name, Description             map[string]string
	Config                        map[string]any
	Metadata, ExtraInfo           map[string]any
	SyncProfile, IsDemo           *bool
	EnableTokenStorage            *bool
	FormItems                     []struct{ Key, Type, Label string }
}

const providerConfig = `{"apiKey":"` + providerSecret + `","fromEmail":"no-reply@example.com"}`

func TestFactories(t *testing.T) {
	t.Parallel()
	s := start(t)
	list := read[[]map[string]any](s.get("/api/connector-factories").is(200))
	if len(list) != 3 || list[0]["id"] != "postern-email" || list[1]["id"] != "test-email" {
		t.Fatalf("factories %v", list)
	}
	one := read[map[string]any](s.get("/api/connector-factories/test-email").is(200))
	for _, key := range []string{"id", "type", "target", "platform", "name", "description", "logo", "logoDark", "readme", "formItems", "isDemo"} {
		if _, ok := one[key]; !ok {
			t.Errorf("a factory lacks %s: %v", key, one)
		}
	}
	if one["type"] != "Email" || one["platform"] != nil || one["isDemo"] != false || one["target"] != "test" {
		t.Errorf("factory %v", one)
	}
	item := one["formItems"].([]any)[0].(map[string]any)
	if item["key"] != "apiKey" || item["isConfidential"] != true || item["required"] != true {
		t.Errorf("form item %v", item)
	}
	page := s.get("/api/connector-factories?page=2&page_size=1").is(200)
	if got := read[[]struct{ ID string }](page); len(got) != 1 || got[0].ID != "test-email" || page.header.Get("Total-Number") != "3" {
		t.Errorf("page %s %v", page.body, page.header)
	}
	if body := s.get("/api/connector-factories?page=4&page_size=1").is(200).body; body != "[]\n" {
		t.Errorf("page beyond the last: %s", body)
	}
}

func TestConnectorIsSetShownChangedAndDeleted(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := read[shownConnector](s.post("/api/connectors", `{"connectorId":"test-email","id":"mine","config":`+providerConfig+`,"syncProfile":false,"unknown":1}`).is(200))
	if c.ID != "mine" || c.ConnectorID != "test-email" || c.Type != "Email" || c.Target != "test" || c.Platform != nil || c.LogoDark == nil ||
		c.Metadata == nil || len(c.Metadata) != 0 || c.ExtraInfo == nil || c.SyncProfile == nil || *c.SyncProfile || c.IsDemo == nil || *c.IsDemo ||
		c.EnableTokenStorage == nil || *c.EnableTokenStorage || len(c.FormItems) != 2 || c.Name["en"] != "Test" {
		t.Errorf("connector %+v", c)
	}
	if c.Config["apiKey"] != "********" || c.Config["fromEmail"] != "no-reply@example.com" {
		t.Errorf("config %v", c.Config)
	}
	for path, want := range map[string]int{"": 1, "?target=test": 1, "?target=smtp": 0, "?page=1": 1, "?page=2": 0} {
		if got := len(read[[]shownConnector](s.get("/api/connectors" + path).is(200))); got != want {
			t.Errorf("%s lists %d, want %d", path, got, want)
		}
	}

	changed := read[shownConnector](s.do(request{
		method: "PATCH", path: "/api/connectors/mine", key: s.admin, body: `{"config":{"apiKey":"********","fromEmail":"other@example.com"}}`,
	}).is(200))
	if changed.Config["fromEmail"] != "other@example.com" || changed.Config["apiKey"] != "********" {
		t.Errorf("config %v", changed.Config)
	}
	opened, err := s.router.Get(t.Context(), "default", "mine")
	if err != nil || !strings.Contains(string(opened.PlainConfig), providerSecret) {
		t.Errorf("the mask replaced the stored secret: %v", err)
	}

	// A refused one leaves the old one in use.
	s.post("/api/connectors", `{"connectorId":"postern-email","config":{"colour":1}}`).refuses(400, "connector.invalid_config")
	if got := read[shownConnector](s.get("/api/connectors/mine").is(200)); got.ConnectorID != "test-email" {
		t.Errorf("connector %+v", got)
	}
	// A new one takes its place.
	s.post("/api/connectors", `{"connectorId":"postern-email"}`).is(200)
	s.get("/api/connectors/mine").refuses(404, "entity.not_found")
	id := read[[]shownConnector](s.get("/api/connectors"))[0].ID
	s.do(request{method: "DELETE", path: "/api/connectors/" + id, key: s.admin}).is(204)
	s.do(request{method: "DELETE", path: "/api/connectors/" + id, key: s.admin}).refuses(404, "entity.not_found")
}

func TestConnectorIsNeededByOpenMessages(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	id := read[[]shownConnector](s.get("/api/connectors"))[0].ID
	s.provider.fails(connector.Error{Class: connector.Temporary, Message: "down"})
	s.sendCode(`{"email":"ann@example.com"}`).is(204)
	e := s.do(request{method: "DELETE", path: "/api/connectors/" + id, key: s.admin}).refuses(422, "connector.in_use").problem()
	if e.Data.OpenMessages != 1 {
		t.Errorf("problem %+v", e)
	}
	s.do(request{method: "DELETE", path: "/api/connectors/" + id + "?force=true", key: s.admin}).is(204)
}

func (s *service) test(body string) answer {
	s.t.Helper()
	return s.post("/api/connectors/test-email/test", body)
}

func TestConnectorIsTested(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.test(`{"email":"ann@example.com","config":` + providerConfig + `,"payload":{"code":"999999","application":{"name":"Shop"}}}`).is(204)
	mails := s.provider.mails()
	if len(mails) != 1 || mails[0].Type != connector.Generic || mails[0].Payload["code"] != "000000" || !strings.Contains(mails[0].Text, "000000") {
		t.Fatalf("mails %+v", mails)
	}
	if a.header.Get("Postern-Message-Id") != mails[0].ID || s.provider.closed != 1 {
		t.Errorf("headers %v, closed %d times", a.header, s.provider.closed)
	}
	s.test(`{"email":"ann@example.com","type":"OrganizationInvitation","locale":"de","config":` + providerConfig + `}`).is(204)
	if m := s.provider.mails()[1]; m.Type != connector.OrganizationInvitation || m.Payload["link"] == "" || m.Payload["code"] != nil {
		t.Errorf("mail %+v", m)
	}
	// Nothing of it is stored.
	if s.get("/api/messages").body != "[]\n" || s.get("/api/connectors").body != "[]\n" {
		t.Error("a test left something behind")
	}
	// A mask stands for the secret of the connector in use.
	s.useProvider()
	s.test(`{"email":"ann@example.com","config":{"apiKey":"********","fromEmail":"a@example.com"}}`).is(204)
	// The built-in connector keeps its test mail in the inbox.
	s.post("/api/connectors/postern-email/test", `{"email":"ann@example.com","config":{}}`).is(204)
	if n := len(read[[]message](s.get("/api/inbox"))); n != 1 {
		t.Errorf("%d mails in the inbox", n)
	}
}

func TestConnectorTestFails(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := `{"email":"ann@example.com","config":` + providerConfig + `}`
	for class, code := range map[connector.Class]string{
		connector.Temporary: "connector.general", connector.ConfigFault: "connector.general", connector.Recipient: "connector.general",
		connector.Permanent: "connector.general", connector.InvalidResponse: "connector.invalid_response",
	} {
		s.provider.fails(connector.Error{Class: class, Message: "535 5.7.8 no", Status: 535, Enhanced: "5.7.8"})
		e := s.test(body).refuses(400, code).problem()
		if e.Data.Class != string(class) || !strings.Contains(e.Message, "535 5.7.8 no") {
			t.Errorf("%s: %+v", class, e)
		}
	}
	s.provider.fails(connector.Error{Class: connector.Throttled, Message: "slow down", RetryAfter: 90 * time.Second})
	if a := s.test(body).refuses(429, "connector.rate_limit_exceeded"); a.header.Get("Retry-After") != "90" {
		t.Errorf("headers %v", a.header)
	}
	s.provider.answers(func(ctx context.Context, _ connector.Message) error {
		return &connector.Error{Class: connector.Temporary, Message: "no answer", Err: context.DeadlineExceeded}
	})
	s.test(body).refuses(400, "connector.general")
	s.provider.fails(connector.Error{Class: connector.Permanent, Message: "no template", Err: connector.ErrTemplateNotFound})
	s.test(body).refuses(400, "connector.template_not_found")
	if s.provider.closed != 8 {
		t.Errorf("closed %d of 8 connectors", s.provider.closed)
	}
}

func TestConnectorTestsAreLimited(t *testing.T) {
	t.Parallel()
	s := start(t)
	body := `{"email":"ann@example.com","config":` + providerConfig + `}`
	s.test(`{"email":"ann","config":{}}`).refuses(400, "guard.invalid_input") // costs nothing
	for range 10 {
		s.test(body).is(204)
	}
	a := s.test(body).refuses(429, "connector.rate_limit_exceeded")
	if wait := a.header.Get("Retry-After"); wait != "60" && wait != "59" && wait != "58" {
		t.Errorf("Retry-After %s", wait)
	}
	s.clock.advance(time.Minute)
	s.test(body).is(204)
}

// A secret is not even shown to those who gave it wrong.
func TestRefusedConfigShowsNoSecret(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, config := range []string{
		`{"apiKey":"` + providerSecret + `","colour":"` + providerSecret + `"}`,
		`{"apiKey":["` + providerSecret + `"],"fromEmail":{"x":"` + providerSecret + `"}}`,
		`"` + providerSecret + `"`,
	} {
		if !json.Valid([]byte(config)) {
			t.Fatal(config)
		}
		s.post("/api/connectors", `{"connectorId":"test-email","config":`+config+`}`).refuses(400, "connector.invalid_config")
		s.test(`{"email":"ann@example.com","config":`+config+`}`).refuses(400, "connector.invalid_config")
	}
}
