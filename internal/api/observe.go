package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/routing"
)

// call is one request on its way through: what its handler may need to know
// of it, and what the log and the figures will say.
type call struct {
	r       *http.Request
	w       http.ResponseWriter // the connection's own
	id      string
	started time.Time
	key     access.Key      // zero where none is needed
	via     *routing.Opened // whose provider calls, for callbacks
	maxBody int             // largest body that the operation takes, in bytes

	route   string // "" means the one that chi found
	message string // id of the message accepted
	to      string // its recipient
	code    string // of the error answered
	cause   error  // what the answer does not say
}

type callKey struct{}

// callOf returns the call that a context belongs to.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// observe is around everything else: it gives the request its id, sets the
// headers of every answer, and writes one line and one figure about it. A
// panic ends here, as an unexpected error.
func (s *server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r, w: w, started: s.Now(), id: requestID(r)}
		answer := &answerWriter{ResponseWriter: w}
		h := w.Header()
		h.Set("X-Request-Id", c.id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		ctx := context.WithValue(r.Context(), callKey{}, c)
		defer func() {
			if thrown := recover(); thrown != nil {
				s.panicked(ctx, c, answer, thrown)
			}
			s.report(ctx, c, answer)
		}()
		next.ServeHTTP(answer, r.WithContext(ctx))
	})
}

// panicked turns a panic into an unexpected error.
func (s *server) panicked(ctx context.Context, c *call, w *answerWriter, thrown any) {
	err, ok := thrown.(error)
	if ok && errors.Is(err, http.ErrAbortHandler) {
		panic(thrown)
	}
	if !ok {
		// What was thrown may hold anything, so the log gets its type and the stack.
		err = fmt.Errorf("panic of type %T", thrown)
	}
	err = fmt.Errorf("%w\n%s", err, debug.Stack())
	if w.status != 0 { // too late to answer: break the connection instead
		c.cause = err
		s.report(ctx, c, w)
		panic(http.ErrAbortHandler)
	}
	s.refuse(c, w, err)
}

// report writes the line and the figure about a request.
func (s *server) report(ctx context.Context, c *call, w *answerWriter) {
	took := s.Now().Sub(c.started)
	route := c.route
	if route == "" {
		route = chi.RouteContext(ctx).RoutePattern()
	}
	method, status := knownMethod(c.r.Method), max(w.status, http.StatusOK)
	s.Metrics.Requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())

	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		level = slog.LevelError
	case quiet(route):
		level = slog.LevelDebug
	}
	if !s.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("method", method), slog.String("route", route), slog.Int("status", status),
		slog.Duration("took", took), slog.String("request", c.id))
	for _, optional := range [...]struct{ name, value string }{
		{"key", c.key.ID}, {"message", c.message}, {"code", c.code},
	} {
		if optional.value != "" {
			attrs = append(attrs, slog.String(optional.name, optional.value))
		}
	}
	if s.LogAddresses && c.to != "" {
		attrs = append(attrs, slog.String("to", c.to))
	}
	if c.cause != nil {
		attrs = append(attrs, slog.String("cause", c.cause.Error()))
	}
	s.Log.LogAttrs(ctx, level, "request", attrs...)
}

// quiet names the routes that machines ask every few seconds.
func quiet(route string) bool {
	return route == "/healthz" || route == "/readyz" || route == "/metrics"
}

// knownMethod keeps methods of a client's own making out of the figures.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// requestID is the client's own id where it is a sane one, else a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" || len(id) > 64 {
		return rand.Text()
	}
	for i := range len(id) {
		if c := id[i]; !alphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return rand.Text()
		}
	}
	return id
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// answerWriter remembers the status. It hides the connection's deadlines on
// purpose: they are the listener's, and waiting calls move them by themselves.
type answerWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *answerWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}
