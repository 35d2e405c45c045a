//go:build unix

package test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/postern-mail/postern/test/servers"
)

// twoNodes starts two nodes on one new PostgreSQL database at the same moment,
// sets up at one of them that mail goes to mails, and returns when both do so.
func twoNodes(t *testing.T, mails *sink) [2]*node {
	t.Helper()
	o := nodeOptions{data: t.TempDir(), database: servers.Postgres(t)}
	var nodes [2]*node
	for i := range nodes {
		nodes[i] = launch(t, o)
	}
	for _, n := range nodes {
		n.awaitReady(t)
	}
	nodes[0].useSMTP(t, mails.config())
	for i, n := range nodes {
		await(t, "the other node's connector is in use here, too", func() bool {
			id := n.askCode(t, recipient(-i-1))
			n.awaitStatus(t, id, "sent")
			return mails.has(id)
		})
	}
	return nodes
}

// Codes asked at either node are delivered once and verified at the other.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	mails := startSink(t)
	nodes := twoNodes(t, mails)

	const codes = 200
	ids := make([]string, codes)
	var asking sync.WaitGroup
	for i, n := range nodes {
		asking.Go(func() {
			for c := i; c < codes; c += len(nodes) {
				id, _, err := n.ask(recipient(c))
				if err != nil {
					t.Errorf("ask for a code: %v", err)
					return
				}
				ids[c] = id
			}
		})
	}
	asking.Wait()
	if t.Failed() {
		return
	}
	for c, id := range ids {
		other := nodes[(c+1)%len(nodes)]
		if m := other.awaitStatus(t, id, "sent"); len(m.Attempts) != 1 {
			t.Errorf("%d attempts at message %s", len(m.Attempts), id)
		}
		other.wantVerified(t, recipient(c), mails.code(recipient(c)))
		nodes[c%len(nodes)].wantRefused(t, recipient(c), mails.code(recipient(c)), "verification_code.not_found")
	}
	wantOnceEach(t, mails, ids)
	for _, n := range nodes {
		n.stop(t)
	}
}

// wantOnceEach checks that each of these messages came, and once.
func wantOnceEach(t *testing.T, mails *sink, ids []string) {
	t.Helper()
	delivered := mails.delivered()
	for _, id := range ids {
		if times := len(delivered[id]); times != 1 {
			t.Errorf("message %s delivered %d times", id, times)
		}
	}
}

// However many check one code at once, wherever: one of them succeeds.
func TestOneCodeChecksOnceAcrossNodes(t *testing.T) {
	t.Parallel()
	mails := startSink(t)
	nodes := twoNodes(t, mails)
	nodes[0].awaitStatus(t, nodes[0].askCode(t, "ann@example.com"), "sent")
	code := mails.code("ann@example.com")

	const checks = 50
	var (
		start    = make(chan struct{})
		checking sync.WaitGroup
		mu       sync.Mutex
		outcomes = map[string]int{}
	)
	for i := range checks {
		checking.Go(func() {
			<-start
			a, err := nodes[i%len(nodes)].verify("ann@example.com", code)
			outcome := fmt.Sprint(a.status, " ", a.code())
			if err != nil {
				outcome = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[outcome]++
		})
	}
	close(start)
	checking.Wait()
	if outcomes["204 "] != 1 || outcomes["400 verification_code.not_found"] != checks-1 {
		t.Errorf("outcomes: %v", outcomes)
	}
}

func recipient(i int) string { return fmt.Sprintf("user%d@example.com", i) }
