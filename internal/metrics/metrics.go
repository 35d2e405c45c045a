package metrics

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the service's own figures.
type Metrics struct {
	Messages      *prometheus.CounterVec   // by type and status
	Attempts      *prometheus.CounterVec   // by connector (factory id) and outcome
	Verifications *prometheus.CounterVec   // by outcome
	Events        *prometheus.CounterVec   // by connector (factory id), kind and outcome
	ConnectorUp   *prometheus.GaugeVec     // by connector (factory id): 1 or 0
	Accept        prometheus.Histogram     // seconds from request to committed
	Delivery      prometheus.Histogram     // seconds from accepted to sent
	QueueDepth    prometheus.Gauge         // jobs waiting or running
	QueueOldest   prometheus.Gauge         // age of the oldest due job, seconds
	Requests      *prometheus.HistogramVec // seconds, by method, route and status
	RateLimited   *prometheus.CounterVec   // by limit: recipient, ip, tenant, guard, sentinel
	GuardAlert    prometheus.Gauge         // tenants in alert
	GuardRefused  *prometheus.CounterVec   // by source (ip, block, domain) and level (slowed, stopped)
}

// New makes the figures and registers them.
func New(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	fast := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	slow := []float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 600}
	m := &Metrics{
		Messages:      counter("postern_messages_total", "Messages by template type and status reached.", "type", "status"),
		Attempts:      counter("postern_attempts_total", "Attempts to hand a message to a provider.", "connector", "outcome"),
		Verifications: counter("postern_verifications_total", "Codes checked, by outcome.", "outcome"),
		Events:        counter("postern_events_total", "Events that providers reported.", "connector", "kind", "outcome"),
		ConnectorUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "postern_connector_up", Help: "Whether the last attempt found the provider in order.",
		}, []string{"connector"}),
		Accept:      histogram("postern_accept_seconds", "From request to message on disk.", fast),
		Delivery:    histogram("postern_delivery_seconds", "From accepted to sent.", slow),
		QueueDepth:  gauge("postern_queue_depth", "Jobs waiting or running."),
		QueueOldest: gauge("postern_queue_oldest_seconds", "Age of the oldest job that is due."),
		Requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "postern_http_request_seconds", Help: "HTTP requests served.", Buckets: fast,
		}, []string{"method", "route", "status"}),
		RateLimited:  counter("postern_rate_limited_total", "Requests that a limit refused.", "limit"),
		GuardAlert:   gauge("postern_guard_alert", "Tenants under an attack that sends mails to strangers."),
		GuardRefused: counter("postern_guard_refused_total", "Requests that the guard against such attacks refused.", "source", "level"),
	}
	reg.MustRegister(m.Messages, m.Attempts, m.Verifications, m.Events, m.ConnectorUp, m.Accept, m.Delivery,
		m.QueueDepth, m.QueueOldest, m.Requests, m.RateLimited, m.GuardAlert, m.GuardRefused)
	return m
}
