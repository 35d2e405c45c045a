package bench

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestLedgerTellsTheStepsApart(t *testing.T) {
	t.Parallel()
	led := newLedger(10, 4, 0)
	led.accept(0, 100, 110, 150) // its mail comes later
	led.accept(1, 200, 205, 250) // its mail was faster than the answer
	led.accept(2, 300, 300, 310) // its mail is lost
	led.refuse(errors.New("no"))
	for recipient, at := range map[int]time.Duration{10: 190, 11: 240} {
		if !led.arrive(recipient, at) {
			t.Errorf("recipient %d is not known", recipient)
		}
	}
	for _, recipient := range []int{9, 14} {
		if led.arrive(recipient, 1) {
			t.Errorf("recipient %d is not of this run", recipient)
		}
	}
	s := led.steps()
	for name, pair := range map[string][2][]time.Duration{
		"lag":       {s.lag, {10, 5, 0}},
		"accept":    {s.accept, {50, 50, 10}},
		"delivered": {s.delivered, {40, 0}},
		"whole":     {s.whole, {90, 40}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: %d, want %d", name, pair[0], pair[1])
		}
	}
	if led.lost() != 1 || led.span() != 130 || led.failures.Load() != 1 {
		t.Errorf("%d lost, %d failed, within %d", led.lost(), led.failures.Load(), led.span())
	}
}

func TestLedgerAwaitsTheLastMail(t *testing.T) {
	t.Parallel()
	led := newLedger(0, 2, 0)
	led.accept(0, 1, 1, 2)
	led.accept(1, 1, 1, 2)
	led.arrive(0, 3) // before anybody waits
	done := make(chan error, 1)
	go func() { done <- led.await(t.Context(), time.Hour) }()
	led.arrive(1, 4)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLedgerDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	led := newLedger(0, 2, 0)
	if err := led.await(t.Context(), time.Hour); err != nil {
		t.Errorf("nothing was accepted: %v", err)
	}
	led.accept(0, 1, 1, 2)
	if err := led.await(t.Context(), time.Millisecond); err != nil || led.lost() != 1 {
		t.Errorf("a lost mail: %v, %d lost", err, led.lost())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := led.await(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
