package queue

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	defaultWorkers       = 32
	defaultEmbeddedLease = time.Minute
	defaultRiverLease    = 30 * time.Second

	firstBackoff = time.Second
	maxBackoff   = time.Minute

	// River allows priorities from 1 to 4; the embedded engine goes along.
	maxPriority = 4
)

// Options are the settings of an engine. The zero value works.
type Options struct {
	// Workers is how many handlers run at once in this process; default 32.
	Workers int
	// Lease is for how long the jobs of an engine that has stopped giving signs
	// of life stay its own; after that another one runs them. A living engine
	// extends its lease several times within that time. Default 60 s for
	// Embedded (where a restart does not wait for it) and 30 s for River.
	Lease time.Duration
	// Backoff tells how long to wait after a handler broke failures times in a
	// row. Default: 1 s, 2 s, 4 s and so on up to 60 s, with jitter.
	Backoff func(failures int) time.Duration
	// Logger gets what goes wrong; default: nothing is logged.
	Logger *slog.Logger
	// Now is the clock of the embedded engine; default time.Now. River uses
	// the clock of the database.
	Now func() time.Time
}

func (o Options) withDefaults(lease time.Duration) (Options, error) {
	if o.Workers < 0 || o.Lease < 0 {
		return o, errors.New("queue: workers and lease must not be negative")
	}
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	if o.Lease == 0 {
		o.Lease = lease
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

// backoff doubles from one second up to a minute. Its jitter only shortens, by
// up to a quarter, so that a minute is the longest pause.
func backoff(failures int) time.Duration {
	d := maxBackoff
	if shift := failures - 1; shift < 6 {
		d = min(d, firstBackoff<<max(shift, 0))
	}
	return d - rand.N(d/4) //nolint:gosec // jitter needs no secret randomness
}

func (j Job) check() error {
	if j.MessageID == "" {
		return errors.New("queue: a job without a message")
	}
	if j.Priority < 1 || j.Priority > maxPriority {
		return fmt.Errorf("queue: priority %d is not within 1 and %d", j.Priority, maxPriority)
	}
	return nil
}
