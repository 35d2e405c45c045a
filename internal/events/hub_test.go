package events_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/outbox"
)

// stories tells what the test says, and how often it was asked.
type stories struct {
	story atomic.Pointer[events.Story]
	asked atomic.Int32
}

func (s *stories) Story(context.Context, string, string) (events.Story, error) {
	s.asked.Add(1)
	story := s.story.Load()
	if story == nil {
		return events.Story{}, errors.New("no database")
	}
	return *story, nil
}

func (s *stories) tell(status outbox.Status, attempts int) {
	s.story.Store(&events.Story{Message: outbox.Message{Status: status, Attempts: attempts}})
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stories{}
		hub := events.NewHub(s)
		if _, err := hub.Wait(t.Context(), "t", "m"); err == nil {
			t.Error("waits without a database")
		}

		// Whoever waits is woken at once.
		s.tell(outbox.Accepted, 0)
		began := time.Now()
		done := make(chan events.Story)
		for range 2 {
			go func() {
				story, err := hub.Wait(t.Context(), "t", "m")
				if err != nil {
					t.Error(err)
				}
				done <- story
			}()
		}
		synctest.Wait()
		hub.Publish("another")
		s.tell(outbox.Accepted, 1)
		hub.Publish("m")
		hub.Publish("m")
		for range 2 {
			if story := <-done; story.Message.Attempts != 1 {
				t.Errorf("story %+v", story)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("woken after %v", took)
		}

		// What another node decides is found by looking.
		s.tell(outbox.Accepted, 0)
		go func() {
			story, _ := hub.Wait(t.Context(), "t", "m")
			done <- story
		}()
		synctest.Wait()
		s.tell(outbox.Suppressed, 0)
		if story := <-done; story.Message.Status != outbox.Suppressed {
			t.Errorf("story %+v", story)
		}

		// Nobody waits for longer than it is worth.
		s.tell(outbox.Accepted, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		story, err := hub.Wait(ctx, "t", "m")
		if err != nil || story.Message.Status != outbox.Accepted {
			t.Errorf("%v, %+v", err, story)
		}
		hub.Publish("m") // to nobody
	})
}
