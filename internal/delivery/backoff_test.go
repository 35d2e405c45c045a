package delivery

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		attempts := rapid.IntRange(1, 1000).Draw(t, "attempts")
		asked := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "asked"))
		wait := backoff(attempts, asked)
		longest := step(attempts)
		if wait < asked || wait < longest*4/5 || wait > max(longest, asked) {
			t.Fatalf("backoff(%d, %v) = %v", attempts, asked, wait)
		}
	})
}
