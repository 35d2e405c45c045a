package connector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/postern-mail/postern/connector"
)

// A whole connector, for a provider that takes a mail as one POST of JSON.

// settings is all there is to say about the configuration: decoding, the
// form, its documentation and the masking of secrets are read from it.
type settings struct {
	Endpoint  string              `json:"endpoint" form:"Text,required" label:"Endpoint" placeholder:"https://api.example.com/send"`
	APIKey    connector.Secret    `json:"apiKey" form:"Text,required" label:"API key" desc:"From the provider's page, under Keys."`
	FromEmail string              `json:"fromEmail" form:"Text,required" label:"From"`
	Priority  string              `json:"priority" form:"Select" label:"Priority" options:"normal=Normal|high=At once"`
	Templates connector.Templates `json:"templates" form:"Json" label:"Templates"`
}

// NewExample returns the factory: what the provider is called, the values of
// absent keys, and how settings become a connector.
func NewExample() connector.Factory {
	meta := connector.Metadata{ID: "example-email", Target: "example", Name: map[string]string{"en": "Example"}}
	defaults := settings{Priority: "high"}
	return connector.New(meta, defaults, func(s settings, host connector.Host) (connector.Connector, error) {
		client := &http.Client{Transport: &http.Transport{DialContext: host.Dial}}
		return &example{settings: s, client: client}, nil
	})
}

type example struct {
	settings settings
	client   *http.Client
}

// ConfigTemplates makes the settings' own wording known.
func (e *example) ConfigTemplates() []connector.Template { return e.settings.Templates }

// Send makes one attempt. It says what a failure means; the queue decides
// what to do about it.
func (e *example) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	body, err := json.Marshal(map[string]string{
		"from": e.settings.FromEmail, "to": m.To, "subject": m.Subject, "html": m.HTML, "text": m.Text, "priority": e.settings.Priority,
	})
	if err != nil {
		return connector.Receipt{}, &connector.Error{Class: connector.Permanent, Message: "the mail has no form in JSON", Err: err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.settings.Endpoint, bytes.NewReader(body))
	if err != nil {
		return connector.Receipt{}, &connector.Error{Class: connector.ConfigFault, Message: "the endpoint is not a URL", Err: err}
	}
	request.Header.Set("Authorization", "Bearer "+e.settings.APIKey.Reveal())
	request.Header.Set("Idempotency-Key", m.ID)
	answer, err := e.client.Do(request)
	if err != nil {
		return connector.Receipt{}, &connector.Error{Class: connector.Temporary, Message: "the provider cannot be reached", Err: err}
	}
	defer func() { _ = answer.Body.Close() }()
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests:
		return connector.Receipt{}, &connector.Error{Class: connector.Throttled, Status: code, Message: "the provider asks to slow down"}
	case code == http.StatusUnauthorized:
		return connector.Receipt{}, &connector.Error{Class: connector.ConfigFault, Status: code, Message: "the provider does not know the API key"}
	case code >= http.StatusMultipleChoices:
		return connector.Receipt{}, &connector.Error{Class: connector.Temporary, Status: code, Message: "the provider is out of order"}
	}
	return connector.Receipt{ProviderID: answer.Header.Get("X-Id")}, nil
}

func Example() {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Id", "42 for "+r.Header.Get("Authorization"))
	}))
	defer provider.Close()
	factory := NewExample()

	// What is wrong with settings is said all at once.
	fmt.Println(factory.Check(json.RawMessage(`{"endpoint": 7, "apiKey": "key", "form": "a@example.com"}`)))

	// What is read back holds no secret.
	config := json.RawMessage(`{"endpoint":"` + provider.URL + `","apiKey":"key","fromEmail":"a@example.com"}`)
	masked, err := factory.Mask(json.RawMessage(`{"apiKey":"key","fromEmail":"a@example.com"}`))
	fmt.Println(string(masked), err)

	mailer, err := factory.Open(config, connector.Host{})
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := mailer.Send(context.Background(), connector.Message{ID: "1", To: "b@example.com", Subject: "Hello", Text: "Hello"})
	fmt.Println(receipt.ProviderID, err)

	// Output:
	// the settings are not valid: endpoint must be a string; fromEmail is required; form is not a known key
	// {"apiKey":"********","fromEmail":"a@example.com"} <nil>
	// 42 for Bearer key <nil>
}
