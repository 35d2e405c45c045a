package bench

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// nap sleeps in the kernel: the runtime's timers wake from epoll, which counts
// in whole milliseconds, and the requests due meanwhile would look slow.
func nap(ctx context.Context, d time.Duration) error {
	ts := syscall.NsecToTimespec(d.Nanoseconds())
	if err := syscall.Nanosleep(&ts, nil); err != nil && !errors.Is(err, syscall.EINTR) {
		return fmt.Errorf("sleep: %w", err)
	}
	return ctx.Err()
}
