package idempotency

import (
	"context"
	"time"
)

// Keep is how long an answer is repeated.
const Keep = 24 * time.Hour

// Lock is how long an unfinished request keeps others with its key waiting
// before it counts as lost with its process.
const Lock = time.Minute

// Record is one key in use.
type Record struct {
	// Owner is who chose the key: the id of the API key. Keys of different
	// owners never meet.
	Owner string
	Key   string
	// Request is the SHA-256 of method, path and body.
	Request   []byte
	CreatedAt time.Time
	// Answer is the sealed first answer; nil while the request runs.
	Answer []byte
}

// Store keeps records.
type Store interface {
	// Begin claims the key of r. When it is taken by a record that is younger
	// than Keep and finished or younger than Lock, it returns that one and
	// changes nothing; otherwise r takes its place and found is nil.
	Begin(ctx context.Context, r Record) (found *Record, err error)
	// Finish stores the answer of a claimed key.
	Finish(ctx context.Context, r Record) error
	// Release gives up a claimed key without an answer: the request failed in
	// a way that is worth repeating.
	Release(ctx context.Context, r Record) error
}
