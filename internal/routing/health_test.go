package routing

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/connector"
)

func failed(class connector.Class, after time.Duration) *connector.Error {
	return &connector.Error{Class: class, RetryAfter: after}
}

// TestHealth runs on a clock of its own, which stands still unless the test
// waits.
func TestHealth(t *testing.T) {
	t.Parallel()
	permits := func(o *Opened) bool { return o.health.permits(time.Now()) }
	want := func(t *testing.T, o *Opened, what string, permitted bool) {
		t.Helper()
		if got := permits(o); got != permitted {
			t.Errorf("%s: permitted %v, want %v", what, got, permitted)
		}
	}
	for name, story := range map[string]func(t *testing.T, o *Opened){
		"it takes three failures in a row": func(t *testing.T, o *Opened) {
			for range 10 {
				o.Failed(failed(connector.Temporary, 0), time.Now())
				o.Failed(failed(connector.ConfigFault, 0), time.Now())
				o.Sent()
			}
			want(t, o, "two failures at a time", true)
			for range 3 {
				o.Failed(failed(connector.Temporary, 0), time.Now())
			}
			want(t, o, "three in a row", false)
			if o.Up(time.Now()) {
				t.Error("it is said to be up")
			}
		},
		"what is not the provider's failure does not count": func(t *testing.T, o *Opened) {
			for _, class := range []connector.Class{connector.Recipient, connector.Permanent, connector.InvalidResponse} {
				for range 5 {
					o.Failed(failed(class, 0), time.Now())
				}
				want(t, o, string(class), true)
			}
		},
		"one message finds out": func(t *testing.T, o *Opened) {
			open(o)
			time.Sleep(probeAfter * 7 / 10) //nolint:forbidigo // of the bubble's clock
			want(t, o, "too early", false)
			time.Sleep(probeAfter / 2) //nolint:forbidigo // of the bubble's clock
			want(t, o, "the probe", true)
			want(t, o, "another one beside it", false)
			o.Failed(failed(connector.Temporary, 0), time.Now())
			want(t, o, "after a probe that failed", false)
			time.Sleep(probeAfter * 6 / 5) //nolint:forbidigo // of the bubble's clock
			want(t, o, "the next probe", true)
			o.Sent()
			want(t, o, "after a probe that succeeded", true)
			want(t, o, "and for everybody", true)
		},
		"a probe that does not come about is given back": func(t *testing.T, o *Opened) {
			open(o)
			time.Sleep(probeAfter * 6 / 5) //nolint:forbidigo // of the bubble's clock
			want(t, o, "the probe", true)
			o.Untried()
			want(t, o, "the next one", true)
		},
		"a pause": func(t *testing.T, o *Opened) {
			o.Failed(failed(connector.Throttled, time.Minute), time.Now())
			want(t, o, "in the pause", false)
			time.Sleep(time.Minute) //nolint:forbidigo // of the bubble's clock
			want(t, o, "after it", true)
			o.Failed(failed(connector.Throttled, 24*time.Hour), time.Now())
			time.Sleep(maxPause) //nolint:forbidigo // of the bubble's clock
			want(t, o, "after the longest pause", true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { story(t, &Opened{health: newHealth()}) })
		})
	}
}

func open(o *Opened) {
	for range failuresToOpen {
		o.Failed(failed(connector.Temporary, 0), time.Now())
	}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	connectors := func(n int) []*Opened {
		list := make([]*Opened, n)
		for i := range list {
			list[i] = &Opened{Record: Record{Slot: i}, health: newHealth()}
		}
		return list
	}
	walk := func(list []*Opened) []int {
		route := &Route{connectors: list, now: time.Now}
		order := []int{}
		for {
			o, ok := route.Next()
			if !ok {
				return order
			}
			order = append(order, o.Slot)
		}
	}
	for name, tt := range map[string]struct {
		n          int
		down, want []int
	}{
		"all in order":               {3, nil, []int{0, 1, 2}},
		"the first is down":          {3, []int{0}, []int{1, 2}},
		"the middle is down":         {3, []int{1}, []int{0, 2}},
		"all are down: the first":    {3, []int{0, 1, 2}, []int{0}},
		"the only one, though down":  {1, []int{0}, []int{0}},
		"the only one that is there": {1, nil, []int{0}},
	} {
		list := connectors(tt.n)
		for _, i := range tt.down {
			open(list[i])
		}
		if got := walk(list); !slices.Equal(got, tt.want) {
			t.Errorf("%s: tried %v, want %v", name, got, tt.want)
		}
	}
}
