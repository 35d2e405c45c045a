//go:build !linux

package bench

import (
	"context"
	"time"
)

// nap waits about as long as d.
func nap(ctx context.Context, d time.Duration) error { return pause(ctx, d) }
