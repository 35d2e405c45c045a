package command

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/config"
)

func logTo(format string, level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return newLogger(process{stderr: &out}, config.Settings{LogFormat: format, LogLevel: level}), &out
}

func TestLogIsJSONWhereNobodyLooks(t *testing.T) {
	t.Parallel()
	log, out := logTo(config.LogAuto, slog.LevelInfo)
	log.Debug("not important")
	log.Info("listening", "addr", "127.0.0.1:1", "took", 1500*time.Microsecond)
	var line struct {
		Time  time.Time
		Level string
		Msg   string
		Addr  string
		Took  float64
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if line.Level != "INFO" || line.Msg != "listening" || line.Addr != "127.0.0.1:1" || line.Time.IsZero() {
		t.Errorf("got %s", out)
	}
	if line.Took != 0.0015 {
		t.Errorf("a duration is %v, want 0.0015 seconds", line.Took)
	}
}

func TestLogForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	h := newLineHandler(&out, slog.LevelInfo, false)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	entry := func(log slog.Handler, level slog.Level, attrs ...slog.Attr) string {
		out.Reset()
		r := slog.NewRecord(at, level, "what happened", 0)
		r.AddAttrs(attrs...)
		if err := log.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, test := range []struct{ got, want string }{
		{entry(h, slog.LevelInfo), "03:04:05.006 INFO  what happened\n"},
		{entry(h, slog.LevelError, slog.String("error", "two words")), "03:04:05.006 ERROR what happened error=\"two words\"\n"},
		{entry(h, slog.LevelWarn+1, slog.Duration("took", time.Second)), "03:04:05.006 WARN+1 what happened took=1s\n"},
		{
			entry(h.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("a", 1)}), slog.LevelInfo, slog.String("b", "x")),
			"03:04:05.006 INFO  what happened g.a=1 g.b=x\n",
		},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
	if h.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("it takes entries below its level")
	}
	loud := newLineHandler(&out, slog.LevelInfo, true)
	if got := entry(loud, slog.LevelWarn); !strings.Contains(got, "\x1b[33mWARN ") {
		t.Errorf("a warning does not stand out: %q", got)
	}
}

// Entries that are written at once do not mix.
func TestLogLinesStayWhole(t *testing.T) {
	t.Parallel()
	log, out := logTo(config.LogText, slog.LevelInfo)
	done := make(chan struct{})
	const writers, entries = 8, 100
	for range writers {
		go func() {
			defer func() { done <- struct{}{} }()
			for range entries {
				log.With("a", 1).Info("one", "b", 2)
			}
		}()
	}
	for range writers {
		<-done
	}
	n := 0
	for line := range strings.Lines(out.String()) {
		n++
		if !strings.HasSuffix(line, " INFO  one a=1 b=2\n") {
			t.Fatalf("broken line %q", line)
		}
	}
	if n != writers*entries {
		t.Errorf("%d lines, want %d", n, writers*entries)
	}
}
