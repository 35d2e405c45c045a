package command

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"

	"github.com/postern-mail/postern/internal/config"
)

// newLogger returns the log on stderr: for people on a terminal, JSON for
// everything else, unless the settings say otherwise.
func newLogger(p process, s config.Settings) *slog.Logger {
	format := s.LogFormat
	if format == config.LogAuto {
		format = config.LogJSON
		if isTerminal(p.stderr) {
			format = config.LogText
		}
	}
	if format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: s.LogLevel, ReplaceAttr: inSeconds}))
	}
	return slog.New(newLineHandler(p.stderr, s.LogLevel, paint(p.coloured(p.stderr))))
}

// inSeconds writes durations as numbers of seconds, as the metrics do, where
// slog would write nanoseconds.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.Float64Value(a.Value.Duration().Seconds())
	}
	return a
}

// lineHandler writes entries for people: the time of day, the level, the
// message, and the attributes as slog.TextHandler writes them.
type lineHandler struct {
	out   *lineWriter
	attrs slog.Handler // writes the attributes, and the rest through out
	paint paint
}

func newLineHandler(w io.Writer, level slog.Leveler, on paint) *lineHandler {
	out := &lineWriter{w: w}
	attrs := slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutBuiltins})
	return &lineHandler{out: out, attrs: attrs, paint: on}
}

// withoutBuiltins drops what lineHandler writes itself.
func withoutBuiltins(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.attrs.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	var head []byte
	if !r.Time.IsZero() {
		head = r.Time.AppendFormat(head, "15:04:05.000 ")
	}
	level := (r.Level.String() + " ")[:max(5, len(r.Level.String()))]
	switch {
	case r.Level >= slog.LevelError:
		level = h.paint.sgr("31", level)
	case r.Level >= slog.LevelWarn:
		level = h.paint.sgr("33", level)
	}
	head = append(head, level+" "+h.paint.bold(r.Message)+" "...)

	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.head = head
	return h.attrs.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{out: h.out, attrs: h.attrs.WithAttrs(attrs), paint: h.paint}
}

// WithGroup implements slog.Handler.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	return &lineHandler{out: h.out, attrs: h.attrs.WithGroup(name), paint: h.paint}
}

// lineWriter puts a head before what one entry writes, in one write.
type lineWriter struct {
	mu   sync.Mutex // held over one entry
	w    io.Writer
	head []byte
}

func (l *lineWriter) Write(line []byte) (int, error) {
	head := l.head
	if len(line) == 1 { // no attributes: the head ends the line
		head = bytes.TrimRight(head, " ")
	}
	if _, err := l.w.Write(slices.Concat(head, line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
