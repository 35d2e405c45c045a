package bench

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// title names a run.
func (r Run) title() string {
	if r.Rate > 0 {
		return grouped(float64(r.Rate)) + "/s"
	}
	return strconv.Itoa(r.Callers) + " callers"
}

// Write writes the report for people.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	r.writeHead(&b)
	r.writeFigures(&b)
	r.writeRuns(&b)
	r.writeNotes(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) writeHead(b *strings.Builder) {
	m := r.Machine
	what := []string{"Postern " + r.Version}
	switch r.Database {
	case sqliteName:
		what = append(what, "SQLite, each commit synced (synchronous=FULL)")
	case "":
		what = append(what, "a running service")
	default:
		what = append(what, r.Database)
	}
	fmt.Fprintln(b, strings.Join(what, " · "))
	processor := m.Processor
	if processor == "" {
		processor = "processors"
	}
	fmt.Fprintf(b, "%d × %s · %s %s · %s\n", m.CPUs, processor, m.Platform, m.Kernel, m.Go)
	if m.Sync.P50 > 0 {
		fmt.Fprintf(b, "data on %s: a write and its fsync take %s ms (p99 %s)\n",
			m.FileSystem, precise(m.Sync.P50), precise(m.Sync.P99))
	}
	fmt.Fprintln(b)
}

func (r Report) writeFigures(b *strings.Builder) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "figure\tmeasured\ttarget\t")
	for _, f := range r.Figures {
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\n", f.Name, precise(f.Measured), f.Unit, f.bound(), f.verdict())
	}
	_ = t.Flush() // a strings.Builder takes everything
	fmt.Fprintln(b)
}

func (f Figure) bound() string {
	if f.Target == 0 {
		return "-"
	}
	if f.More {
		return "≥ " + grouped(f.Target)
	}
	return "≤ " + grouped(f.Target)
}

func (f Figure) verdict() string {
	switch {
	case f.Target == 0:
		return ""
	case !f.Reached():
		return fmt.Sprintf("missed by %.0f %%", math.Ceil(100*math.Abs(f.Measured-f.Target)/f.Target))
	case f.Goal != 0 && f.within(f.Goal):
		return "reached, and the goal of " + grouped(f.Goal)
	case f.Goal != 0:
		return "reached (goal " + grouped(f.Goal) + ")"
	}
	return "reached"
}

// writeRuns shows each run in full, one column each.
func (r Report) writeRuns(b *strings.Builder) {
	if len(r.Runs) == 0 {
		return
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cell func(Run) string) {
		cells := []string{name}
		for _, run := range r.Runs {
			cells = append(cells, cell(run))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t")+"\t")
	}
	row("", Run.title)
	row("codes", func(r Run) string { return grouped(float64(r.Count)) })
	row("codes/s, request to mail", func(r Run) string { return precise(r.PerSecond) })
	for _, step := range []struct {
		name string
		of   func(Run) Quantiles
	}{
		{"accept", func(r Run) Quantiles { return r.Accept }},
		{"accept to delivered", func(r Run) Quantiles { return r.Delivered }},
		{"request to delivered", func(r Run) Quantiles { return r.Whole }},
		{"the generator's own delay", func(r Run) Quantiles { return r.Lag }},
	} {
		row(step.name+", p50 / p95 / p99 ms", func(r Run) string { return step.of(r).text() })
	}
	for _, cost := range []struct {
		name string
		of   func(Cost) float64
	}{
		{"the service", func(c Cost) float64 { return c.Service }},
		{"generator and sink", func(c Cost) float64 { return c.Generator }},
		{"the rest of the machine", func(c Cost) float64 { return c.Other }},
	} {
		row("CPU a code, "+cost.name+", µs", func(r Run) string {
			if r.CPU == nil {
				return "-"
			}
			return precise(cost.of(*r.CPU))
		})
	}
	row("failed / lost / copies", func(r Run) string { return fmt.Sprintf("%d / %d / %d", r.Failed, r.Lost, r.Copies) })
	row("codes read and verified", func(r Run) string { return grouped(float64(r.Verified)) })
	_ = t.Flush() // a strings.Builder takes everything
	fmt.Fprintln(b)
}

func (r Report) writeNotes(b *strings.Builder) {
	for _, run := range r.Runs {
		if run.Failure != "" {
			fmt.Fprintf(b, "%s: the first failure: %s\n", run.title(), run.Failure)
		}
	}
	if r.LogLevel != "" {
		fmt.Fprintf(b, "The service logged to a file, level %s. ", r.LogLevel)
	}
	fmt.Fprintln(b, "Service, generator and sink share the processors.")
	if r.Machine.FileSystem == "tmpfs" {
		fmt.Fprintln(b, "The data lay in memory (tmpfs), where syncing costs nothing: choose another --data for honest figures.")
	}
}

func (q Quantiles) text() string {
	return precise(q.P50) + " / " + precise(q.P95) + " / " + precise(q.P99)
}

// precise writes a number with about three digits that mean something.
func precise(v float64) string {
	switch {
	case v >= 100:
		return grouped(v)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// grouped writes a whole number with its thousands apart.
func grouped(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
