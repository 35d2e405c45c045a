package queue

import (
	"context"
	"time"
)

// Priorities of jobs; lower runs first. River allows 1 to 4.
const (
	PriorityCode   = 1 // someone is waiting for it
	PriorityNormal = 2
)

// Job is one message to deliver.
type Job struct {
	MessageID string
	Priority  int       // PriorityCode or PriorityNormal
	DueAt     time.Time // not run before; zero means at once
}

// Result is what a handler wants to happen to its job.
type Result struct {
	// RetryAt is when to run the job again. Zero means that it is done.
	RetryAt time.Time
}

// Handler runs one job. An error means that the handler itself broke (the
// database was away, say): the engine runs the job again with back-off, and
// never gives it up. ctx ends when the engine is stopped and the drain time
// is over, or when the lease is lost.
type Handler func(ctx context.Context, messageID string) (Result, error)

// Engine runs the jobs of one node.
type Engine interface {
	// Start begins to run jobs with h, several at a time. It returns when the
	// engine is ready; ctx bounds the start only.
	Start(ctx context.Context, h Handler) error
	// Stop takes no more jobs and waits for the running ones. When ctx ends
	// first it cancels them, waits for their handlers to return, and leaves
	// the jobs for the next start. Nil when all ended by themselves.
	Stop(ctx context.Context) error
	// Cancel removes the waiting jobs of a message. A running one is left to
	// its handler.
	Cancel(ctx context.Context, messageID string) error
	// Depth tells how many jobs are waiting or running, and when the oldest
	// waiting and due one became due (zero when there is none).
	Depth(ctx context.Context) (Depth, error)
}

// Depth is the state of a queue at one moment.
type Depth struct {
	Jobs      int
	OldestDue time.Time
}
