package bench

import (
	"math"
	"slices"
	"time"
)

// Quantiles sum up many durations, in milliseconds. They are values that were
// measured, not estimates between them (nearest rank).
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// quantilesOf sorts durations and reads the quantiles off; all are 0 when
// there are none.
func quantilesOf(durations []time.Duration) Quantiles {
	slices.Sort(durations)
	return Quantiles{
		P50: millis(rank(durations, 0.50)), P95: millis(rank(durations, 0.95)),
		P99: millis(rank(durations, 0.99)), Max: millis(rank(durations, 1)),
	}
}

// rank returns the smallest of the sorted durations that at least the share q
// of them do not exceed.
func rank(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	n := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(n, 1), len(sorted))-1]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
