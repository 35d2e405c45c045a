//go:build unix

package test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	crashes       = 20 // how often the process is killed
	stops         = 5  // how often it is stopped in order
	crashWorkers  = 8  // deliveries that it makes at once
	crashCallers  = 16 // requests that are made of it at once
	crashRequests = 40 // accepted requests after which it is killed
)

// A process killed under load, again and again, loses nothing that it
// accepted, and repeats no more than what was on its way at a kill.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			mails := startSink(t)
			l := &load{at: crashCallers}
			t.Cleanup(l.callers.Wait) // they end with the last node, before it
			o := nodeOptions{
				data: t.TempDir(), database: db.create(t),
				env: []string{"POSTERN_WORKERS=" + strconv.Itoa(crashWorkers)},
			}
			n := startNode(t, o)
			n.useSMTP(t, mails.config())

			interrupted := 0
			for range crashes {
				l.until(t, n, crashRequests)
				n.kill(t)
				l.callers.Wait()
				mails.kills(t)
				interrupted += mails.missing(l.accepted)
				n = startNode(t, o)
			}
			if interrupted == 0 {
				t.Error("every kill came when all was done: nothing was put to the test")
			}
			wantAllDelivered(t, n, mails, l.accepted)
			wantFewRepeats(t, mails)
			n.stop(t)
		})
	}
}

// A process told to stop under load, again and again, loses nothing that it
// accepted and repeats nothing.
func TestStops(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			mails := startSink(t)
			l := &load{at: crashCallers}
			t.Cleanup(l.callers.Wait)
			o := nodeOptions{data: t.TempDir(), database: db.create(t)}
			n := startNode(t, o)
			n.useSMTP(t, mails.config())

			for range stops {
				l.until(t, n, crashRequests)
				n.stop(t)
				l.callers.Wait()
				n = startNode(t, o)
			}
			wantAllDelivered(t, n, mails, l.accepted)
			wantOnceEach(t, mails, l.accepted)
		})
	}
}

// load asks for codes, each for an address of its own.
type load struct {
	at      int // how many ask at once
	callers sync.WaitGroup
	next    atomic.Int64

	mu       sync.Mutex
	accepted []string // message ids
}

// until keeps callers asking and returns once so many more were accepted. The
// callers go on until the node is gone.
func (l *load) until(t *testing.T, n *node, more int) {
	t.Helper()
	enough := make(chan struct{})
	var count atomic.Int64
	for range l.at {
		l.callers.Go(func() {
			for {
				email := fmt.Sprintf("user%d@example.com", l.next.Add(1))
				id, killed, err := n.ask(email)
				if killed {
					return
				}
				if err != nil {
					t.Errorf("ask for a code: %v", err)
					return
				}
				l.mu.Lock()
				l.accepted = append(l.accepted, id)
				l.mu.Unlock()
				if count.Add(1) == int64(more) {
					close(enough)
				}
			}
		})
	}
	select {
	case <-enough:
	case <-n.ended:
		t.Fatalf("postern ended by itself: %v", n.err)
	}
}

// wantAllDelivered waits until every accepted message has come to the sink, or
// has ended as expired.
func wantAllDelivered(t *testing.T, n *node, mails *sink, accepted []string) {
	t.Helper()
	for _, id := range accepted {
		var m message
		await(t, "message "+id+" has ended", func() bool {
			m = n.message(t, id)
			return m.Status != "accepted"
		})
		if m.Status == "sent" && mails.has(id) || m.Status == "expired" {
			continue
		}
		t.Errorf("message %s is %s; delivered: %v; events: %v", id, m.Status, mails.has(id), m.Events)
	}
}

// wantFewRepeats checks that between two deliveries of one message there was a
// kill, and that no kill made more repeats than there were deliveries on their
// way.
func wantFewRepeats(t *testing.T, mails *sink) {
	t.Helper()
	repeats := 0
	for id, times := range mails.delivered() {
		repeats += len(times) - 1
		for i := 1; i < len(times); i++ {
			if times[i].epoch == times[i-1].epoch {
				t.Errorf("message %s was delivered twice by one process: %v", id, times)
			}
		}
	}
	t.Logf("%d messages delivered, %d repeats", len(mails.delivered()), repeats)
	if most := crashes * crashWorkers; repeats > most {
		t.Errorf("%d repeats, at most %d were on their way", repeats, most)
	}
}
