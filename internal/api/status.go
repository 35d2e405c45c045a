package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/postern-mail/postern/internal/fault"
)

// readyTime is how long the parts of the service may take to say that they
// are in order.
const readyTime = 2 * time.Second

type healthOutput struct {
	Body healthJSON
}

type healthJSON struct {
	Status string `json:"status" example:"ok"`
}

func (s *server) mountStatus() {
	register(s, operation{
		id: "getStatus", method: http.MethodGet, path: "/api/status", tag: tagHealth,
		summary: "Is the API there", description: "Answers 204 while the process serves requests.",
	}, func(context.Context, *struct{}) (*struct{}, error) { return &struct{}{}, nil })
	register(s, operation{
		id: "getHealth", method: http.MethodGet, path: "/healthz", tag: tagHealth,
		summary: "Is the process alive",
	}, func(context.Context, *struct{}) (*healthOutput, error) {
		return &healthOutput{Body: healthJSON{Status: "ok"}}, nil
	})
	register(s, operation{
		id: "getReadiness", method: http.MethodGet, path: "/readyz", tag: tagHealth,
		summary:     "Can the service do its work",
		description: "Checks database, migrations and queue. Send requests to this node only while it answers 200.",
		failures:    map[int]string{http.StatusServiceUnavailable: "`service.not_ready`"},
	}, s.readiness)
}

func (s *server) readiness(ctx context.Context, _ *struct{}) (*healthOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		f := fault.New(fault.Unavailable, "service.not_ready", "The service cannot do its work now. The log says why.")
		f.Err = fmt.Errorf("not ready: %w", err)
		f.RetryAfter = time.Second
		return nil, f
	}
	return &healthOutput{Body: healthJSON{Status: "ok"}}, nil
}

// mountMetrics serves the figures in Prometheus' own format, which is no part
// of the OpenAPI document.
func (s *server) mountMetrics() {
	s.mux.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(s.Gatherer, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError,
	}))
}
