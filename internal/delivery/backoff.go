package delivery

import (
	"math/rand/v2"
	"time"
)

// backoff returns how long to wait after the given number of failed rounds
// through the connectors (from 1): the step for it, less up to a fifth so that
// messages that failed together do not come back together, but never less than
// the provider asked.
func backoff(rounds int, asked time.Duration) time.Duration {
	wait := step(rounds)
	wait -= rand.N(wait / 5) //nolint:gosec // jitter needs no secret randomness
	return max(wait, asked)
}

// step is the wait after so many failed rounds. A code is worth minutes, so
// the first ones are short; the last one repeats until the deadline.
func step(rounds int) time.Duration {
	steps := [...]time.Duration{
		2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute,
	}
	return steps[min(rounds, len(steps))-1]
}
