package compose

import "github.com/postern-mail/postern/connector"

// Sample returns variables for a mail of a type, such as a real one could
// have: what previews are filled with. Each call returns new ones.
func Sample(t connector.TemplateType) map[string]any {
	payload := map[string]any{
		"application":  map[string]any{"id": "shop", "name": "Example Shop", "displayName": "Example Shop"},
		"organization": map[string]any{"id": "example", "name": "Example Ltd"},
		"user":         samplePerson("ann", "Ann Example"),
	}
	if t.CarriesCode() {
		payload["code"] = "507293"
		return payload
	}
	payload["link"] = "https://example.com/invitation/7c3e9a57"
	payload["inviter"] = samplePerson("bob", "Bob Example")
	return payload
}

func samplePerson(username, name string) map[string]any {
	return map[string]any{
		"id": username, "name": name, "username": username, "primaryEmail": username + "@example.com",
		"primaryPhone": nil, "avatar": nil, "profile": map[string]any{},
	}
}
