package api_test

import (
	"strings"
	"testing"
)

// Fallbacks move with the connector in use, each with its own secret.
func TestFallbacksMove(t *testing.T) {
	t.Parallel()
	s := start(t)
	dev, _ := s.configured()
	document := func(fallbacks string) string {
		return `{"version":1,"connector":` + providerWith("********", "dev@example.com") + `,"fallbackConnectors":[` + fallbacks +
			`],"settings":{},"templates":[],"partials":[]}`
	}
	put := func(body string) answer { return s.withKey(dev, "PUT", "/api/tenants/dev/configuration", body) }
	masked := func(from string) string { return providerWith("********", from) }

	e := put(document(masked("one@example.com"))).refuses(400, "configuration.secrets_required").problem()
	if got := strings.Join(e.paths(), " "); got != "fallbackConnectors[0].config.apiKey" {
		t.Errorf("fields at fault %s", got)
	}
	put(document(providerWith(otherSecret, "one@example.com") + `,{"connectorId":"postern-email","config":{}}`)).is(200)
	put(document(masked("uno@example.com") + `,{"connectorId":"postern-email","config":{}}`)).is(200) // its own secret stays

	moved := read[shownChanges](s.post("/api/tenants/dev/promote", `{"to":"prod"}`).is(200))
	if !strings.Contains(moved.String(), "added fallbackConnectors 0 [connectorId config.apiKey config.fromEmail]\nadded fallbackConnectors 1 [connectorId") {
		t.Errorf("promoted %s", moved)
	}
	devs, prods := s.get("/api/tenants/dev/configuration").is(200).body, s.get("/api/tenants/prod/configuration").is(200).body
	if devs != prods || !strings.Contains(prods, "uno@example.com") {
		t.Errorf("the target differs from its source:\n%s%s", devs, prods)
	}
	state, err := s.store.ConfigurationState(t.Context(), "prod")
	if err != nil || len(state.Connectors) != 3 {
		t.Fatalf("connectors %+v, %v", state.Connectors, err)
	}
	for slot, secret := range map[int]string{0: providerSecret, 1: otherSecret} {
		if plain, err := s.router.Settings(state.Connectors[slot]); err != nil || !strings.Contains(string(plain), secret) {
			t.Errorf("slot %d has another secret: %v", slot, err)
		}
	}
	// One fewer, and then none.
	put(document(masked("uno@example.com"))).is(200)
	s.post("/api/tenants/dev/promote", `{"to":"prod"}`).is(200)
	put(document("")).is(200)
	if moved := read[shownChanges](s.post("/api/tenants/dev/promote", `{"to":"prod"}`).is(200)); !strings.HasPrefix(moved.String(), "removed fallbackConnectors 0 ") {
		t.Errorf("promoted %s", moved)
	}
	if strings.Contains(s.shown.String()+s.log.String(), otherSecret) {
		t.Error("a secret was shown")
	}
}
