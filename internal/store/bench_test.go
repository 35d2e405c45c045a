package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/delivery"
	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/limits"
	"github.com/postern-mail/postern/internal/outbox"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/verification"
	"github.com/postern-mail/postern/test/servers"
)

// BenchmarkSave is what accepting costs the store: a code, a message and a
// job on disk, with 32 callers.
func BenchmarkSave(b *testing.B) {
	onBoth(b, func(b *testing.B, s *store.Store, i string) {
		if err := save(b, s, i).err; err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkSaveLimited is BenchmarkSave with what limits cost: one on each
// recipient, one on an IP address that many share.
func BenchmarkSaveLimited(b *testing.B) {
	onBoth(b, func(b *testing.B, s *store.Store, i string) {
		err := save(b, s, i,
			limits.Charge{Key: "r" + i, Rule: limits.Rule{Limit: 10, Period: 10 * time.Minute}},
			limits.Charge{Key: "ip" + i[:2], Rule: limits.Rule{Limit: 1_000_000, Period: time.Hour}}).err
		if err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkSaveAndRecord is accepting, loading for delivery and storing the
// outcome, without the queue's own work.
func BenchmarkSaveAndRecord(b *testing.B) {
	onBoth(b, func(b *testing.B, s *store.Store, i string) {
		saved := save(b, s, i)
		if saved.err != nil {
			b.Error(saved.err)
			return
		}
		if _, _, ok, err := s.LoadMessage(b.Context(), saved.id); err != nil || !ok {
			b.Errorf("load: %v, %v", ok, err)
		}
		err := s.RecordOutcome(b.Context(), delivery.Outcome{
			MessageID: saved.id, Status: outbox.Sent, Event: events.Event{Kind: events.Sent, At: time.Now(), Detail: "250 2.0.0 Ok: queued"},
			Attempt: &events.Attempt{Number: 1, ConnectorID: "c", FactoryID: "f", StartedAt: time.Now(), Answer: "250 2.0.0 Ok: queued"},
		})
		if err != nil {
			b.Error(err)
		}
	})
}

type saved struct {
	id  string
	err error
}

func save(b *testing.B, s *store.Store, i string, charges ...limits.Charge) saved {
	id, err := uuid.NewV7()
	if err != nil {
		return saved{err: err}
	}
	now := time.Now()
	to := "user" + i + "@example.com"
	return saved{id.String(), s.SaveCode(b.Context(), verification.Code{
		ID: id.String(), Subject: verification.Subject{TenantID: "t", Address: to, Type: connector.SignIn},
		Hash: make([]byte, 37), CreatedAt: now, ExpiresAt: now.Add(time.Minute),
	}, outbox.Message{
		ID: id.String(), TenantID: "t", Type: connector.SignIn, To: to, Payload: make([]byte, 120),
		Supersedes: "AAAAAAAAAAAAAAAAAAAA" + i, CreatedAt: now, Deadline: now.Add(time.Minute), Status: outbox.Accepted, Charges: charges,
	})}
}

func onBoth(b *testing.B, op func(b *testing.B, s *store.Store, i string)) {
	b.Helper()
	for name, o := range map[string]func() store.Options{
		"SQLite":     func() store.Options { return store.Options{DataDir: b.TempDir()} },
		"PostgreSQL": func() store.Options { return store.Options{PostgresURL: servers.PostgresDurable(b)} },
	} {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(b.Context(), o())
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if _, _, err := s.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					op(b, s, uuid.NewString())
				}
			})
		})
	}
}
