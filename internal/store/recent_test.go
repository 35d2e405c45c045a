package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/outbox"
)

func recentMessage(n int, group string) outbox.Message {
	return outbox.Message{ID: fmt.Sprintf("m%06d", n), Supersedes: group, Payload: []byte("sealed"), CreatedAt: time.Now()}
}

// What was handed out once is read from the database from then on: something
// may have happened to it.
func TestRecentHandsOutOnce(t *testing.T) {
	t.Parallel()
	r := newRecent()
	m := recentMessage(1, "")
	if _, _, ok := r.take(m.ID); ok {
		t.Error("there is a message that nobody added")
	}
	r.add(m)
	if got, superseded, ok := r.take(m.ID); !ok || superseded || got.ID != m.ID || string(got.Payload) != "sealed" {
		t.Errorf("%+v, %v, %v", got, superseded, ok)
	}
	if _, _, ok := r.take(m.ID); ok {
		t.Error("it was handed out twice")
	}
}

func TestRecentKnowsTheNewerOne(t *testing.T) {
	t.Parallel()
	r := newRecent()
	for n, group := range []string{"ann", "ann", "bob", ""} {
		r.add(recentMessage(n, group))
	}
	if _, _, ok := r.take("m000001"); !ok { // handed out, and still newer than the first
		t.Error("the second is not there")
	}
	for n, want := range []bool{true, false, false, false} {
		if _, superseded, ok := r.take(fmt.Sprintf("m%06d", n)); n != 1 && (!ok || superseded != want) {
			t.Errorf("message %d: superseded %v, there %v", n, superseded, ok)
		}
	}
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	r := newRecent()
	for n := range 3 * recentLimit {
		r.add(recentMessage(n, fmt.Sprint("group ", n%100)))
	}
	if len(r.byID) != recentLimit || len(r.newest) > 100 {
		t.Errorf("%d messages and %d groups are kept", len(r.byID), len(r.newest))
	}
	old := recentMessage(1_000_000, "")
	old.CreatedAt = time.Now().Add(-recentFor)
	r.add(old)
	large := recentMessage(1_000_001, "group 0")
	large.Payload = make([]byte, recentPayload+1)
	r.add(large)
	for _, m := range []outbox.Message{old, large} {
		if _, _, ok := r.take(m.ID); ok {
			t.Errorf("%s is handed out", m.ID)
		}
	}
	if r.newest["group 0"] != large.ID {
		t.Error("a large message is not seen as the newer one")
	}
}
