package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/guard"
	"github.com/postern-mail/postern/internal/secrets"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/tenants"
	"github.com/postern-mail/postern/test/servers"
)

// ear is an observer.
type ear chan guard.Observation

func (e ear) Observe(o guard.Observation) { e <- o }

// What one node's guard sees, the others hear, in order and each once; it does
// not hear itself, nor who has another keyset.
func TestNodesHearOfEachOther(t *testing.T) {
	t.Parallel()
	url := servers.Postgres(t)
	keys := newKeys(t)
	first, _, stopFirst := startNode(t, url, keys)
	defer stopFirst()
	second, heard, stopSecond := startNode(t, url, keys)
	defer stopSecond()
	stranger, _, stopStranger := startNode(t, url, newKeys(t))
	defer stopStranger()

	stranger.share(guard.Observation{TenantID: "t1", Person: "forged@mail.example", Act: guard.Verified})
	second.share(guard.Observation{TenantID: "t1", Person: "own@mail.example", Act: guard.Verified})
	const many = 3*tellAtOnce + 1
	long := strings.Repeat("&", 64) + "@" + strings.Repeat("b", 60) + ".com" // JSON writes & in six bytes
	tenant := strings.Repeat("t", tenants.MaxID)
	for i := range many {
		first.share(guard.Observation{TenantID: tenant, Person: fmt.Sprint(i, long), IP: "2001:db8:ffff:ffff::/64", Act: guard.Passed})
	}
	for i := range many {
		if o := <-heard; o.Person != fmt.Sprint(i, long) || o.TenantID != tenant || o.Act != guard.Passed {
			t.Fatalf("heard %+v as number %d", o, i)
		}
	}
	for _, noise := range []string{"", "%", base64.RawStdEncoding.EncodeToString([]byte("noise"))} {
		second.hear(noise)
	}
	first.share(guard.Observation{TenantID: "t2", Person: "last@mail.example", Act: guard.Verified})
	if o := <-heard; o.TenantID != "t2" || o.Act != guard.Verified {
		t.Errorf("heard %+v last", o)
	}
}

func newKeys(t *testing.T) *secrets.Keys {
	t.Helper()
	data, err := secrets.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secrets.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// startNode starts a node that tells and hears, and returns when it hears.
func startNode(t *testing.T, url string, keys *secrets.Keys) (*nodes, ear, func()) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{PostgresURL: url})
	if err != nil {
		t.Fatal(err)
	}
	n, heard, ready := newNodes(s, keys, slog.New(slog.DiscardHandler)), make(ear, 1000), make(chan struct{})
	n.guard, n.hears = heard, func() { close(ready) }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.run(ctx)
	}()
	<-ready
	return n, heard, func() {
		cancel()
		<-done
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
