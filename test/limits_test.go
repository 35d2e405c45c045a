//go:build unix

package test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// atOnce runs n calls at the same moment and counts how they ended: "204 ",
// "429 request.message_rate_limited" and so on.
func atOnce(n int, call func(i int) (answer, error)) map[string]int {
	var (
		start   = make(chan struct{})
		running sync.WaitGroup
		mu      sync.Mutex
		ended   = map[string]int{}
	)
	for i := range n {
		running.Go(func() {
			<-start
			a, err := call(i)
			outcome := fmt.Sprint(a.status, " ", a.code())
			if err != nil {
				outcome = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			ended[outcome]++
		})
	}
	close(start)
	running.Wait()
	return ended
}

// A thousand requests at once for one mailbox, under several of its names:
// ten are taken, and one budget of tries is all that their codes have.
func TestOneMailboxIsNotBombed(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T, mails *sink) []*node{
		"SQLite": func(t *testing.T, mails *sink) []*node {
			t.Helper()
			n := startNode(t, nodeOptions{data: t.TempDir()})
			n.useSMTP(t, mails.config())
			return []*node{n}
		},
		"two nodes on PostgreSQL": func(t *testing.T, mails *sink) []*node {
			t.Helper()
			nodes := twoNodes(t, mails)
			return nodes[:]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes := start(t, startSink(t))
			nodes[0].askCode(t, "ann.lee@gmail.com")
			ended := atOnce(999, func(i int) (answer, error) {
				to := [...]string{"ann.lee@gmail.com", "annlee+a@gmail.com", "ANNLEE@googlemail.com"}[i%3]
				return nodes[i%len(nodes)].try(http.MethodPost, "/api/verification-codes", map[string]any{"email": to})
			})
			if ended["204 "] != 9 || ended["429 request.message_rate_limited"] != 990 {
				t.Errorf("asked for: %v", ended)
			}
			ended = atOnce(200, func(i int) (answer, error) { return nodes[i%len(nodes)].verify("ann.lee@gmail.com", "wrong") })
			if ended["400 verification_code.code_mismatch"] != 10 || ended["400 verification_code.exceed_max_try"] != 190 {
				t.Errorf("tried: %v", ended)
			}
		})
	}
}

// Codes are checked while further ones are asked for: the code in hand stays
// right, and verifies once.
func TestCheckingRacesAsking(t *testing.T) {
	t.Parallel()
	mails := startSink(t)
	nodes := twoNodes(t, mails)
	for round := range 5 {
		to := fmt.Sprintf("racer%d@example.com", round)
		nodes[0].awaitStatus(t, nodes[0].askCode(t, to), "sent")
		code := mails.code(to)
		ended := atOnce(22, func(i int) (answer, error) {
			n := nodes[i%len(nodes)]
			if i < 2 {
				return n.try(http.MethodPost, "/api/verification-codes", map[string]any{"email": to})
			}
			return n.verify(to, code)
		})
		// A code that was asked for after the check is another one.
		refused := ended["400 verification_code.not_found"] + ended["400 verification_code.code_mismatch"] +
			ended["400 verification_code.exceed_max_try"]
		if ended["204 "] != 3 || refused != 19 {
			t.Errorf("round %d: %v", round, ended)
		}
	}
}
