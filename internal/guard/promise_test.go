package guard_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-mail/postern/internal/guard"
)

// drawn returns what a generator draws for a seed: always the same.
func drawn[V any](seed int, draw func(*rapid.T) V) V { return rapid.Custom(draw).Example(seed) }

func even(time.Duration) float64 { return 1 }

// The promise: of an attack with 10,000 addresses from 500 IP addresses at
// least nine in ten are cut, of the people who come meanwhile none.
func TestAttackIsCut(t *testing.T) {
	t.Parallel()
	for seed := range 24 {
		people, hostile := drawn(seed, drawTraffic), drawn(seed, drawAttack)
		t.Run(fmt.Sprintf("%d %s %s %s", seed, hostile.Order, hostile.Where, hostile.Domains), func(t *testing.T) {
			t.Parallel()
			w := newWorld(people)
			w.live(29*time.Hour, even)
			w.suffer(hostile, 25*time.Hour+w.seconds(0, 1800))
			got := w.run(1)
			if got.passed*10 > got.hostile || got.hostile != 10_000 {
				t.Errorf("%d of %d passed: %+v, %+v", got.passed, got.hostile, hostile, people)
			}
			if got.refused != 0 {
				t.Errorf("%d of %d people refused: %v; %+v, %+v", got.refused, got.people, got.refusals, hostile, people)
			}
			if n := got.notices[guard.Tenant]; n != 1 && n != 2 { // a long one may begin again
				t.Errorf("%d alerts", n)
			}
		})
	}
}

// Nodes that tell each other what they see judge as one does, but for what
// comes to all of them in the same moments.
func TestNodesShare(t *testing.T) {
	t.Parallel()
	for seed := range 4 {
		people, hostile := drawn(seed, drawTraffic), drawn(seed, drawAttack)
		hostile.Order = "random"
		w := newWorld(people)
		w.live(29*time.Hour, even)
		w.suffer(hostile, 25*time.Hour+w.seconds(0, 1800))
		got := w.run(3)
		if got.passed*10 > got.hostile || got.refused != 0 {
			t.Errorf("%d of %d passed, %d people refused: %v; %+v", got.passed, got.hostile, got.refused, got.refusals, hostile)
		}
	}
}

// Without IP addresses an attack can be told from people by its domain alone.
func TestAttackWithoutIPs(t *testing.T) {
	t.Parallel()
	for seed, domains := range []string{"victim", "usual", "random"} {
		people, hostile := drawn(seed, drawTraffic), drawn(seed, drawAttack)
		people.NoIP, hostile.Domains = true, domains
		w := newWorld(people)
		w.live(29*time.Hour, even)
		w.suffer(hostile, 25*time.Hour)
		got := w.run(1)
		if got.refused != 0 || got.notices[guard.Tenant] == 0 {
			t.Errorf("%s: %d people refused, notices: %v", domains, got.refused, got.notices)
		}
		if cut := got.passed*10 <= got.hostile; cut != (domains == "victim") {
			t.Errorf("%s: %d of %d passed", domains, got.passed, got.hostile)
		}
	}
}

// A week with ten times as many people for an hour, who verify as usual.
func TestPeopleAreLeftInPeace(t *testing.T) {
	t.Parallel()
	for seed := range 8 {
		people := drawn(seed, drawTraffic)
		people.NoIP = seed%2 == 1
		people.Apart = 0
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(people)
			launch := w.seconds(30*3600, 160*3600)
			w.live(7*24*time.Hour, func(at time.Duration) float64 {
				if launch <= at && at < launch+time.Hour {
					return 10
				}
				return 1
			})
			got := w.run(1)
			if got.refused != 0 || len(got.notices) != 0 {
				t.Errorf("%d of %d people refused: %v; notices: %v; %+v", got.refused, got.people, got.refusals, got.notices, people)
			}
		})
	}
}

// Two people who come at one home at once, in an attack, before the first has
// verified: the second may have to wait, and is sent a code when they ask
// again.
func TestTwoAtOnceWait(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.attack()
	b.passes("ann@example.com", "62.1.2.3")
	wait := b.refused("bob@example.org", "62.1.2.3", guard.Slowed)
	b.now = b.now.Add(wait - time.Second)
	b.refused("bob@example.org", "62.1.2.3", guard.Slowed)
	b.now = b.now.Add(time.Second)
	b.passes("bob@example.org", "62.1.2.3")
}
