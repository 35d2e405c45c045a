package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// addJSON adds the flag --json to a command that prints data.
func addJSON(flags *pflag.FlagSet) *bool {
	return flags.Bool("json", false, "print JSON")
}

// printJSON prints a value as indented JSON.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printf prints text.
func printf(w io.Writer, format string, args ...any) error {
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// isTerminal reports whether someone is at the other end of a stream.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// coloured reports whether w takes colours: a terminal, unless NO_COLOR
// (no-color.org) or a dumb terminal say otherwise.
func (p process) coloured(w io.Writer) bool {
	return isTerminal(w) && p.variable("NO_COLOR") == "" && p.variable("TERM") != "dumb"
}

// The bounds of columns that text is laid out in. Longer lines are hard to
// read, and a stream that is no terminal has no width.
const (
	minColumns     = 40
	defaultColumns = 80
	maxColumns     = 100
)

// columns returns how wide text for w may be.
func columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return defaultColumns
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return defaultColumns
	}
	return min(max(width, minColumns), maxColumns)
}

// variable returns an environment variable, "" if it is not set.
func (p process) variable(name string) string {
	for _, entry := range slices.Backward(p.environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// paint marks up text for terminals (ECMA-48, SGR).
type paint bool

func (on paint) bold(text string) string { return on.sgr("1", text) }
func (on paint) key(text string) string  { return on.sgr("1;32", text) }
func (on paint) dim(text string) string  { return on.sgr("2", text) }

func (on paint) red(text string) string    { return on.sgr("31", text) }
func (on paint) green(text string) string  { return on.sgr("32", text) }
func (on paint) yellow(text string) string { return on.sgr("33", text) }
func (on paint) cyan(text string) string   { return on.sgr("36", text) }

func (on paint) sgr(code, text string) string {
	if !on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
