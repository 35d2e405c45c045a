package queue

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	for failures, longest := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 32 * time.Second,
		7: time.Minute, 8: time.Minute, 1000: time.Minute,
	} {
		seen := make(map[time.Duration]bool)
		for range 100 {
			d := backoff(failures)
			if d > longest || d <= longest*3/4 {
				t.Errorf("after %d failures: %s, want at most %s and more than 3/4 of it", failures, d, longest)
			}
			seen[d] = true
		}
		if len(seen) == 1 {
			t.Errorf("after %d failures: no jitter", failures)
		}
	}
}
