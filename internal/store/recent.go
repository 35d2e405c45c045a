package store

import (
	"sync"
	"time"

	"github.com/postern-mail/postern/internal/outbox"
)

const (
	// recentLimit is how many messages are kept in memory, and recentPayload the
	// largest payload of one: a few megabytes at the most.
	recentLimit   = 4096
	recentPayload = 2 << 10
	// recentFor is how long they are. It is shorter than any lease: a job that
	// is run again after a crash of its node reads the database.
	recentFor = time.Second
)

// recent holds messages that this process has just saved, so that their first
// delivery need not read them back. Each is handed out once: a later attempt
// reads what the database says.
type recent struct {
	mu     sync.Mutex
	byID   map[string]outbox.Message
	newest map[string]string // the last message of a group (Supersedes) among them
	order  []string          // ids, oldest first, in a ring
	next   int
}

func newRecent() *recent {
	return &recent{
		byID: make(map[string]outbox.Message), newest: make(map[string]string),
		order: make([]string, recentLimit),
	}
}

// add takes in a message whose commit is on disk.
func (r *recent) add(m outbox.Message) {
	if len(m.Payload) > recentPayload {
		m.Payload = nil // not to be handed out, but newer than others
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if oldest, ok := r.byID[r.order[r.next]]; ok {
		delete(r.byID, oldest.ID)
		if r.newest[oldest.Supersedes] == oldest.ID {
			delete(r.newest, oldest.Supersedes)
		}
	}
	r.order[r.next] = m.ID
	r.next = (r.next + 1) % len(r.order)
	r.byID[m.ID] = m
	if m.Supersedes != "" && r.newest[m.Supersedes] < m.ID {
		r.newest[m.Supersedes] = m.ID
	}
}

// take hands out a message that nothing has happened to yet.
func (r *recent) take(id string) (m outbox.Message, superseded, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok = r.byID[id]
	if !ok || m.Payload == nil || time.Since(m.CreatedAt) >= recentFor {
		return outbox.Message{}, false, false
	}
	spent := m
	spent.Payload = nil
	r.byID[id] = spent // stays until it is the oldest, as newest needs it
	return m, r.newest[m.Supersedes] > id, true
}
