package api_test

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/connector"
)

func (s *service) putFallbacks(body string) answer {
	s.t.Helper()
	return s.do(request{method: "PUT", path: "/api/connectors/fallbacks", key: s.admin, body: body})
}

func TestFallbackConnectors(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	if body := s.get("/api/connectors/fallbacks").is(200).body; body != "[]\n" {
		t.Errorf("fallbacks of a new tenant: %s", body)
	}
	set := read[[]shownConnector](s.putFallbacks(`{"fallbackConnectors":[
		{"connectorId":"postern-email"}, {"connectorId":"test-email","id":"spare","config":` + providerConfig + `}]}`).is(200))
	if len(set) != 2 || set[0].ConnectorID != "postern-email" || set[1].ID != "spare" || set[1].Config["apiKey"] != "********" {
		t.Fatalf("fallbacks %+v", set)
	}
	if n := len(read[[]shownConnector](s.get("/api/connectors").is(200))); n != 1 {
		t.Errorf("%d connectors in use, want 1", n)
	}
	s.get("/api/connectors/spare").is(200)
	s.putFallbacks(`{"fallbackConnectors":[{"connectorId":"test-email","id":"spare","config":{"apiKey":"********","fromEmail":"b@example.com"}}]}`).is(200)
	opened, err := s.router.Get(t.Context(), "default", "spare")
	if err != nil || opened.Slot != 1 || !strings.Contains(string(opened.PlainConfig), providerSecret) {
		t.Errorf("the mask replaced the stored secret: %v", err)
	}
	s.do(request{method: "DELETE", path: "/api/connectors/spare", key: s.admin}).is(204)
	s.putFallbacks(`{"fallbackConnectors":[]}`).is(200)
}

func TestRefusedFallbacks(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	inUse := read[[]shownConnector](s.get("/api/connectors"))[0].ID
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{}`:                                   {400, "guard.invalid_input"},
		`{"fallbackConnectors":{}}`:            {400, "guard.invalid_input"},
		`{"fallbackConnectors":[{},{},{},{}]}`: {400, "guard.invalid_input"},
		`{"fallbackConnectors":[{"connectorId":"nothing"}]}`:                                                             {422, "connector.not_found_with_connector_id"},
		`{"fallbackConnectors":[{"connectorId":"postern-email","id":"a b"}]}`:                                            {400, "guard.invalid_input"},
		`{"fallbackConnectors":[{"connectorId":"postern-email","id":"fallbacks"}]}`:                                      {400, "guard.invalid_input"},
		`{"fallbackConnectors":[{"connectorId":"postern-email","id":"` + inUse + `"}]}`:                                  {422, "entity.unique_integrity_violation"},
		`{"fallbackConnectors":[{"connectorId":"test-email","config":{}}]}`:                                              {400, "connector.invalid_config"},
		`{"fallbackConnectors":[{"connectorId":"test-email","config":{"apiKey":"********","fromEmail":"a@b.example"}}]}`: {400, "connector.invalid_config"},
	} {
		s.putFallbacks(body).refuses(want.status, want.code)
	}
	s.post("/api/connectors", `{"connectorId":"postern-email","id":"fallbacks"}`).refuses(400, "guard.invalid_input")
	if body := s.get("/api/connectors/fallbacks").is(200).body; body != "[]\n" {
		t.Errorf("fallbacks after refusals: %s", body)
	}
}

// TestAMailGoesOutThroughTheFallback: the API's view of a failover.
func TestAMailGoesOutThroughTheFallback(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.putFallbacks(`{"fallbackConnectors":[{"connectorId":"postern-email"}]}`).is(200)
	s.provider.fails(connector.Error{Class: connector.ConfigFault, Status: 401, Message: "the key is wrong"})
	a := s.do(request{
		method: "POST", path: "/api/verification-codes", key: s.admin, body: `{"email":"ann@example.com"}`,
		header: map[string]string{"Prefer": "wait=10"},
	}).is(204)
	story := read[struct {
		Status   string
		Attempts []struct{ FactoryID, Outcome, Answer string }
	}](s.get("/api/messages/" + a.header.Get("Postern-Message-Id")).is(200))
	if story.Status != "sent" || len(story.Attempts) != 2 || story.Attempts[0].Outcome != "config" || story.Attempts[1].FactoryID != "postern-email" {
		t.Errorf("story %+v", story)
	}
}
