package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/postern-mail/postern/connector"
)

// signature is what the provider of the test signs its callbacks with.
const signature = "s1gnature-of-the-provider"

// reporting is a factory whose provider reports by callback. Its reports are
// the JSON of connector.Report, with a header as their signature.
func (p *provider) reporting() connector.Factory {
	return connector.New(connector.Metadata{
		ID: "report-email", Target: "report", Name: map[string]string{"en": "Reporting"},
		Description: map[string]string{"en": "Reports what the test says."}, Logo: "data:image/svg+xml;base64,PHN2Zy8+", Readme: "# Reporting",
	}, reportingSettings{}, func(s reportingSettings, _ connector.Host) (connector.Connector, error) {
		return reporter{openProvider{p}, s}, nil
	})
}

type reportingSettings struct {
	Key connector.Secret `json:"key" form:"Text" label:"Key"`
}

type reporter struct {
	openProvider

	settings reportingSettings
}

// ReadEvents implements connector.EventReader.
func (r reporter) ReadEvents(ctx context.Context, c connector.Callback) (connector.Report, error) {
	switch {
	case r.settings.Key == "":
		return connector.Report{}, fmt.Errorf("key: %w", connector.ErrNotSetUp)
	case c.Header.Get("X-Signature") != r.settings.Key.Reveal():
		return connector.Report{}, fmt.Errorf("header: %w", connector.ErrNotGenuine)
	case c.Header.Get("X-Broken") != "":
		return connector.Report{}, fmt.Errorf("fetch the certificate: %w", context.DeadlineExceeded)
	}
	r.mu.Lock()
	r.bodies = append(r.bodies, string(c.Body))
	r.mu.Unlock()
	if ctx.Err() != nil || time.Since(c.At) > time.Minute {
		return connector.Report{}, connector.ErrNotGenuine
	}
	var report connector.Report
	if json.Unmarshal(c.Body, &report) != nil {
		return connector.Report{}, fmt.Errorf("JSON: %w", connector.ErrBadCallback)
	}
	return report, nil
}

var _ connector.EventReader = reporter{}

// useReporting sets the connector whose provider reports, and returns its
// callback path.
func (s *service) useReporting() string {
	s.t.Helper()
	a := s.doSecretly(request{
		method: "POST", path: "/api/connectors", key: s.admin,
		body: `{"connectorId":"report-email","config":{"key":"` + signature + `"}}`,
	}).is(200)
	return read[struct{ CallbackPath string }](a).CallbackPath
}

// report calls as the provider does.
func (s *service) report(path string, events ...connector.Event) answer {
	s.t.Helper()
	return s.callback(path, connector.Report{Events: events})
}

func (s *service) callback(path string, r connector.Report, header ...string) answer {
	s.t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.rawCallback(path, string(body), header...)
}

func (s *service) rawCallback(path, body string, header ...string) answer {
	s.t.Helper()
	r := request{method: http.MethodPost, path: path, body: body, header: map[string]string{"X-Signature": signature}}
	for i := 0; i+1 < len(header); i += 2 {
		r.header[header[i]] = header[i+1]
	}
	return s.do(r)
}
