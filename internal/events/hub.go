package events

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Stories reads what happened to a message.
type Stories interface {
	// Story returns the story of a message, or a fault with the kind NotFound.
	Story(ctx context.Context, tenantID, messageID string) (Story, error)
}

// otherNodes is how often a waiter looks at the store, for verdicts that
// another node reached.
const otherNodes = 100 * time.Millisecond

// Hub lets requests wait for the first verdict on a message.
type Hub struct {
	stories Stories

	mu      sync.Mutex
	waiters map[string]map[chan struct{}]struct{} // by message id
}

// NewHub makes a Hub that reads from stories.
func NewHub(stories Stories) *Hub {
	return &Hub{stories: stories, waiters: make(map[string]map[chan struct{}]struct{})}
}

// Publish wakes those who wait for a message. Call it after the verdict is
// stored.
func (h *Hub) Publish(messageID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.waiters[messageID] {
		select {
		case ch <- struct{}{}:
		default: // it is awake already
		}
	}
}

// Wait returns the story of a message once there is a verdict on it, and the
// story as it stands when ctx ends first.
func (h *Hub) Wait(ctx context.Context, tenantID, messageID string) (Story, error) {
	woken := make(chan struct{}, 1)
	h.add(messageID, woken)
	defer h.remove(messageID, woken)
	look := time.NewTicker(otherNodes)
	defer look.Stop()
	for {
		story, err := h.stories.Story(context.WithoutCancel(ctx), tenantID, messageID)
		if err != nil {
			return Story{}, fmt.Errorf("wait for message: %w", err)
		}
		if story.Decided() {
			return story, nil
		}
		select {
		case <-ctx.Done():
			return story, nil
		case <-woken:
		case <-look.C:
		}
	}
}

func (h *Hub) add(id string, ch chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiters[id] == nil {
		h.waiters[id] = make(map[chan struct{}]struct{})
	}
	h.waiters[id][ch] = struct{}{}
}

func (h *Hub) remove(id string, ch chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiters[id], ch)
	if len(h.waiters[id]) == 0 {
		delete(h.waiters, id)
	}
}
