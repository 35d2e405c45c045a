package events_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/events"
	"github.com/postern-mail/postern/internal/outbox"
)

func TestDelivery(t *testing.T) {
	t.Parallel()
	says := func(kinds ...events.Kind) events.Story {
		var s events.Story
		for _, k := range kinds {
			e := events.Event{Kind: k, Source: "provider"}
			switch k {
			case "hard", "soft":
				e.Kind, e.Bounce = events.Bounced, events.Bounce(k)
			case "our own":
				e.Kind, e.Source = events.Suppressed, ""
			}
			s.Events = append(s.Events, e)
		}
		return s
	}
	for name, c := range map[string]struct {
		story events.Story
		want  events.Delivery
	}{
		"nothing":                       {says(), ""},
		"taken":                         {says(events.Accepted), ""},
		"opened":                        {says(events.Other), ""},
		"our own word is not theirs":    {says("our own"), ""},
		"on its way":                    {says(events.Accepted, events.Sent), "sent"},
		"deferred, then delivered":      {says(events.Deferred, events.Delivered), "delivered"},
		"delivered, then deferred":      {says(events.Delivered, events.Deferred), "delivered"},
		"came back for a while":         {says("soft", events.Delivered), "delivered"},
		"came back for a while, is all": {says(events.Deferred, "soft"), "bounced"},
		"delivered, then came back":     {says(events.Delivered, "hard"), "bounced"},
		"complained of":                 {says(events.Complained, events.Delivered, events.Sent), "complained"},
		"refused by the provider":       {says(events.Accepted, events.Rejected), "rejected"},
		"on the provider's list":        {says(events.Sent, events.Suppressed), "suppressed"},
	} {
		if got := c.story.Delivery(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func someEvent() *rapid.Generator[events.Event] {
	return rapid.Custom(func(t *rapid.T) events.Event {
		return events.Event{
			Kind:   rapid.SampledFrom(events.Kinds()).Draw(t, "kind"),
			Bounce: rapid.SampledFrom([]events.Bounce{"", events.Hard, events.Soft}).Draw(t, "bounce"),
			Source: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "source"),
		}
	})
}

// The order of events and how often each comes make no difference, and the
// answer is one of those that are documented.
func TestDeliveryInAnyOrder(t *testing.T) {
	t.Parallel()
	known := map[events.Delivery]bool{"": true}
	for _, d := range events.Deliveries() {
		known[d] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(someEvent()).Draw(t, "events")
		want := events.Story{Events: list}.Delivery()
		if !known[want] {
			t.Fatalf("delivery %q", want)
		}
		again := rapid.Permutation(append(list, list...)).Draw(t, "again")
		if got := (events.Story{Events: again}).Delivery(); got != want {
			t.Fatalf("%q, then %q", want, got)
		}
	})
}

// A wait for the verdict ends with the last connector's attempt, whatever a
// provider says meanwhile.
func TestDecided(t *testing.T) {
	t.Parallel()
	own := func(kinds ...events.Kind) (list []events.Event) {
		for _, k := range kinds {
			list = append(list, events.Event{Kind: k})
		}
		return list
	}
	reported := events.Event{Kind: events.Delivered, Source: "f"}
	for name, tt := range map[string]struct {
		status   outbox.Status
		attempts int
		events   []events.Event
		want     bool
	}{
		"new":                     {outbox.Accepted, 0, own(events.Accepted), false},
		"deferred":                {outbox.Accepted, 1, own(events.Accepted, events.Deferred), true},
		"rerouted":                {outbox.Accepted, 1, own(events.Accepted, events.Rerouted), false},
		"rerouted, and reported":  {outbox.Accepted, 1, append(own(events.Accepted, events.Rerouted), reported), false},
		"rerouted, then deferred": {outbox.Accepted, 2, own(events.Accepted, events.Rerouted, events.Deferred), true},
		"sent":                    {outbox.Sent, 1, own(events.Accepted, events.Sent), true},
		"superseded":              {outbox.Superseded, 0, own(events.Accepted, events.Superseded), true},
	} {
		s := events.Story{Message: outbox.Message{Status: tt.status, Attempts: tt.attempts}, Events: tt.events}
		if got := s.Decided(); got != tt.want {
			t.Errorf("%s: decided %v", name, got)
		}
	}
}
