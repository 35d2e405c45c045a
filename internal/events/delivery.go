package events

// Delivery is what became of a mail after the provider took it, as far as the
// provider tells; "" when it tells nothing.
type Delivery string

// Deliveries returns all of them, the weakest first: see Story.Delivery.
func Deliveries() []Delivery {
	return []Delivery{
		Delivery(Sent), Delivery(Deferred), Delivery(Suppressed), Delivery(Rejected),
		Delivery(Delivered), Delivery(Bounced), Delivery(Complained),
	}
}

// Delivery returns the strongest of the provider's events. Providers report
// late, twice and in any order, so the order does not matter: an event is
// stronger than another if it would have the last word in the life of a mail.
//
//	sent < deferred < bounced, soft < suppressed < rejected < delivered < bounced, hard < complained
//
// A mail that was deferred or came back for a while may be delivered after
// all. One that was delivered may still come back for good: servers take mails
// first and look for the mailbox later. And only who has it complains.
func (s Story) Delivery() Delivery {
	var strongest Event
	for _, e := range s.Events {
		if e.strength() > strongest.strength() {
			strongest = e
		}
	}
	return Delivery(strongest.Kind)
}

// strength ranks the events of providers; 0 is one that tells nothing of what
// became of the mail.
func (e Event) strength() int {
	if e.Source == "" {
		return 0
	}
	switch e.Kind {
	case Sent:
		return 1
	case Deferred:
		return 2
	case Bounced:
		if e.Bounce == Hard {
			return 7
		}
		return 3
	case Suppressed:
		return 4
	case Rejected:
		return 5
	case Delivered:
		return 6
	case Complained:
		return 8
	case Accepted, Rerouted, Failed, Expired, Superseded, Other:
	}
	return 0
}
