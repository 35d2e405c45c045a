package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"
)

// panicError is a handler's panic. It tells the type of the value and not the
// value itself, which may hold what must not be logged, unless the value comes
// from the Go runtime.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	if err, ok := e.value.(runtime.Error); ok {
		return "handler panicked: " + err.Error()
	}
	return fmt.Sprintf("handler panicked with a %T", e.value)
}

// call runs h; a panic comes back as a *panicError.
func call(ctx context.Context, h Handler, messageID string) (res Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			res, err = Result{}, &panicError{value: v, stack: debug.Stack()}
		}
	}()
	return h(ctx, messageID)
}

func logFailure(ctx context.Context, l *slog.Logger, messageID string, err error, failures int, pause time.Duration) {
	attrs := []any{
		slog.String("message", messageID), slog.Any("error", err),
		slog.Int("failures", failures), slog.Duration("again_in", pause),
	}
	if p := (*panicError)(nil); errors.As(err, &p) {
		l.ErrorContext(ctx, "a job's handler panicked", append(attrs, slog.String("stack", string(p.stack)))...)
		return
	}
	l.WarnContext(ctx, "a job's handler failed", attrs...)
}
