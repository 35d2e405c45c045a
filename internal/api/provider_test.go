package api_test

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/postern-mail/postern/connector"
)

// provider takes mails as the test tells it to.
type provider struct {
	mu     sync.Mutex
	answer func(ctx context.Context, m connector.Message) error // nil takes everything
	taken  []connector.Message
	bodies []string // of callbacks, as they came
	closed int
}

type providerSettings struct {
	APIKey    connector.Secret `json:"apiKey" form:"Text,required" label:"API key"`
	FromEmail string           `json:"fromEmail" form:"Text,required" label:"From"`
}

func (p *provider) factory() connector.Factory {
	return connector.New(connector.Metadata{
		ID: "test-email", Target: "test", Name: map[string]string{"en": "Test"},
		Description: map[string]string{"en": "Takes mails as the test tells it to."},
		Logo:        "data:image/svg+xml;base64,PHN2Zy8+", LogoDark: "data:image/svg+xml;base64,PHN2Zy8+", Readme: "# Test",
	}, providerSettings{}, func(providerSettings, connector.Host) (connector.Connector, error) {
		return openProvider{p}, nil
	})
}

type openProvider struct{ *provider }

// Send implements connector.Connector.
func (p openProvider) Send(ctx context.Context, m connector.Message) (connector.Receipt, error) {
	p.mu.Lock()
	answer := p.answer
	p.taken = append(p.taken, m)
	p.mu.Unlock()
	if answer != nil {
		if err := answer(ctx, m); err != nil {
			return connector.Receipt{}, err
		}
	}
	return connector.Receipt{ProviderID: "provider-1", Answer: "250 2.0.0 queued"}, nil
}

// Close implements io.Closer.
func (p openProvider) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed++
	return nil
}

var _ io.Closer = openProvider{}

func (p *provider) answers(answer func(context.Context, connector.Message) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *provider) fails(e connector.Error) {
	p.answers(func(context.Context, connector.Message) error { return &e })
}

func (p *provider) mails() []connector.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.taken)
}

// codes lists the codes in the mails taken, which nobody else may see.
func (p *provider) codes() []string {
	var codes []string
	for _, m := range p.mails() {
		if code, ok := m.Payload["code"].(string); ok {
			codes = append(codes, code)
		}
	}
	return codes
}
