package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// plan is a load and what it is for.
type plan struct {
	part Part
	rate int
	load load
}

// run makes one run: requests until all are answered, then the mails that are
// still on their way, then some of the codes.
func (b *bench) run(ctx context.Context, p plan) (Run, error) {
	if p.load.count < 1 {
		return Run{}, fmt.Errorf("%s: no request fits into %s", p.part, b.Duration)
	}
	led := newLedger(b.next, p.load.count, (p.load.count+b.Verify-1)/b.Verify)
	b.next += p.load.count
	callers, err := b.callers(ctx, p.load.callers)
	if err != nil {
		return Run{}, err
	}
	defer func() {
		for _, c := range callers {
			c.close()
		}
	}()
	b.sink.ledger.Store(led)
	stop := b.watch(string(p.part), led)
	defer stop()
	before, metered := b.meter()
	if err := p.load.drive(ctx, b.clock, callers, led); err != nil {
		return Run{}, fmt.Errorf("%s: %w", p.part, err)
	}
	if err := led.await(ctx, patience); err != nil {
		return Run{}, fmt.Errorf("%s: %w", p.part, err)
	}
	after, stillMetered := b.meter()
	r := p.result(led)
	if metered && stillMetered {
		r.CPU = before.until(after, int(led.came.Load()))
	}
	r.Verified, err = b.verify(ctx, led)
	if err != nil {
		return Run{}, fmt.Errorf("%s: %w", p.part, err)
	}
	return r, nil
}

// callers opens the connections before anything is measured.
func (b *bench) callers(ctx context.Context, n int) ([]*caller, error) {
	callers := make([]*caller, n)
	for i := range callers {
		callers[i] = newCaller(b.service.addr, b.service.apiKey)
		if err := callers[i].connect(ctx); err != nil {
			for _, c := range callers[:i] {
				c.close()
			}
			return nil, err
		}
	}
	return callers, nil
}

// result sums up a ledger.
func (p plan) result(led *ledger) Run {
	s := led.steps()
	r := Run{
		Part: p.part, Callers: p.load.callers, Rate: p.rate, Count: p.load.count,
		Seconds: led.span().Seconds(),
		Accept:  quantilesOf(s.accept), Delivered: quantilesOf(s.delivered),
		Whole: quantilesOf(s.whole), Lag: quantilesOf(s.lag),
		Failed: int(led.failures.Load()), Lost: led.lost(), Copies: int(led.copies.Load()),
	}
	if r.Seconds > 0 {
		r.PerSecond = float64(led.came.Load()) / r.Seconds
	}
	if err := led.firstFailure(); err != nil {
		r.Failure = err.Error()
	}
	return r
}

// watchEvery is how often progress is told.
const watchEvery = 250 * time.Millisecond

// watch tells of the progress of a run until it is stopped.
func (b *bench) watch(what string, led *ledger) (stop func()) {
	if b.Progress == nil {
		return func() {}
	}
	over := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		every := time.NewTicker(watchEvery)
		defer every.Stop()
		for {
			b.tell(what, int(led.came.Load()), len(led.due))
			select {
			case <-every.C:
			case <-over:
				return
			}
		}
	})
	return func() {
		close(over)
		done.Wait()
	}
}

// reading is the CPU time used by everybody up to a moment.
type reading struct{ service, generator, machine time.Duration }

// meter reads it; false where that can not be known.
func (b *bench) meter() (reading, bool) {
	service, ok := b.usage()
	if !ok {
		return reading{}, false
	}
	generator, err1 := usageOf(os.Getpid())
	machine, err2 := machineBusy()
	return reading{service.cpu, generator.cpu, machine}, err1 == nil && err2 == nil
}

// until is what each of n codes has cost since r.
func (r reading) until(after reading, n int) *Cost {
	if n == 0 {
		return nil
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	service, generator := after.service-r.service, after.generator-r.generator
	return &Cost{
		Service: each(service), Generator: each(generator),
		Other: each(max(0, after.machine-r.machine-service-generator)),
	}
}

// verify reads the codes from the mails that were kept and has them checked.
func (b *bench) verify(ctx context.Context, led *ledger) (verified int, err error) {
	led.mu.Lock()
	kept := maps.Clone(led.kept)
	led.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(kept)) {
		code, err := codeIn(kept[n])
		if err == nil {
			err = b.admin.verify(ctx, recipient(n), code)
		}
		if err != nil {
			return verified, fmt.Errorf("verify the code of %s: %w", recipient(n), err)
		}
		verified++
	}
	return verified, nil
}
