package fault

import (
	"fmt"
	"time"
)

// Kind is what sort of failure a fault is. Package api maps it to a status.
type Kind int

// The kinds of faults.
const (
	Internal       Kind = iota // our own failure
	Invalid                    // the request is malformed
	Unprocessable              // well-formed, but cannot be done as asked
	Unauthorized               // no or bad credentials
	Forbidden                  // credentials without the needed scope
	NotFound                   // no such thing
	Conflict                   // another request is in the way
	TooLarge                   // over a size limit
	TooMany                    // over a rate limit
	NotImplemented             // what it needs is not set up
	Unavailable                // a dependency is down; try again
)

// Fault is an error that may be shown. Its texts hold no secret, no code and
// no internals.
type Fault struct {
	Kind    Kind
	Code    string // e.g. "verification_code.expired"; contract with clients
	Message string // one English sentence: what went wrong and what to do
	Issues  []Issue
	Data    map[string]any // further machine-readable facts, may be nil
	// RetryAfter is how long to wait before trying again, or 0.
	RetryAfter time.Duration
	// Err is the cause for logs; it is never shown.
	Err error
}

// Issue is one field at fault.
type Issue struct {
	Path    []any  `json:"path"` // object keys (string) and array indexes (int)
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *Fault) Error() string { return f.Code + ": " + f.Message }

func (f *Fault) Unwrap() error { return f.Err }

// New makes a fault with a formatted message.
func New(kind Kind, code, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Input makes the fault for one bad field of a request.
func Input(message string, path ...any) *Fault {
	return &Fault{
		Kind: Invalid, Code: "guard.invalid_input", Message: "The request is not valid.",
		Issues: []Issue{{Path: path, Code: "invalid_value", Message: message}},
	}
}
