package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/api"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/verification"
)

// forgetful takes codes and messages and keeps none: what is measured is the
// way to the store.
type forgetful struct{ verification.Store }

func (forgetful) SaveCode(context.Context, verification.Code, outbox.Message) error { return nil }

func (forgetful) SaveMessage(_ context.Context, m outbox.Message) (string, error) { return m.ID, nil }

// discard is a response writer without a connection.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

func benchmarkPost(b *testing.B, path, body string, status int) {
	b.Helper()
	s := start(b, func(o *api.Options) {
		store := forgetful{}
		o.Outbox = outbox.New(store, o.Keys, o.Now)
		o.Codes = verification.New(verification.Options{
			Store: store, Outbox: o.Outbox, Keys: o.Keys, Now: o.Now,
			Settings: o.Settings.Settings,
		})
		o.Log = slog.New(slog.NewJSONHandler(&discard{}, nil))
	})
	s.keepMails()
	header := http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.admin},
		"User-Agent": {"bench"}, "Accept": {"*/*"},
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			r.Header = header
			w := &discard{header: http.Header{}}
			s.handler.ServeHTTP(w, r)
			if w.status != status {
				b.Errorf("status %d", w.status)
				return
			}
		}
	})
}

func BenchmarkCreateCode(b *testing.B) {
	benchmarkPost(b, "/api/verification-codes",
		`{"email":"ann@example.com","type":"SignIn","payload":{"application":{"name":"Shop"}}}`, 204)
}

func BenchmarkCreateMessage(b *testing.B) {
	benchmarkPost(b, "/api/messages",
		`{"to":"ann@example.com","type":"SignIn","payload":{"code":"123456","application":{"name":"Shop"}},"ip":"203.0.113.7"}`, 202)
}

func BenchmarkRefuse(b *testing.B) {
	benchmarkPost(b, "/api/verification-codes", `{"email":"a@b.c,d@e.f"}`, 400)
}
