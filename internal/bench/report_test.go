package bench

import (
	"strings"
	"testing"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	throughput := func(callers int, perSecond float64) Run {
		return Run{Part: Throughput, Callers: callers, PerSecond: perSecond}
	}
	cases := []struct {
		name     string
		figure   Figure
		reached  bool
		verdict  string
		measured string
	}{
		{"least", throughput(32, 4000).figure(sqliteName), true, "reached (goal 6,000)", "4,000"},
		{"goal", throughput(32, 6001).figure(sqliteName), true, "reached, and the goal of 6,000", "6,001"},
		{"too few", throughput(32, 3999).figure(sqliteName), false, "missed by 1 %", "3,999"},
		{"PostgreSQL", throughput(32, 2000).figure(postgresName), true, "reached", "2,000"},
		{"PostgreSQL, too few", throughput(32, 1500).figure(postgresName), false, "missed by 25 %", "1,500"},
		{"other callers", throughput(1, 10).figure(sqliteName), true, "", "10.0"},
		{"accept", Run{Part: Accept, Rate: 1000, Accept: Quantiles{P99: 10}}.figure(sqliteName), true, "reached", "10.0"},
		{"slow", Run{Part: Accept, Rate: 1000, Accept: Quantiles{P99: 20.5}}.figure(sqliteName), false, "missed by 105 %", "20.5"},
		{"other rate", Run{Part: Accept, Rate: 999, Accept: Quantiles{P99: 20.5}}.figure(sqliteName), true, "", "20.5"},
		{"delivery", Run{Part: Delivery, Rate: 50, Delivered: Quantiles{P50: 5.5}}.figure(sqliteName), false, "missed by 10 %", "5.50"},
		{"delivery, PostgreSQL", Run{Part: Delivery, Rate: 50, Delivered: Quantiles{P50: 5.5}}.figure(postgresName), true, "reached", "5.50"},
		{"idle", idleFigure(40_000_000), true, "reached", "40.0"},
		{"fat", peakFigure(120_000_001), false, "missed by 1 %", "120"},
		{"start", startFigure([]float64{900, 300, 100}), true, "reached", "300"},
	}
	for _, c := range cases {
		if c.figure.Reached() != c.reached || c.figure.verdict() != c.verdict || precise(c.figure.Measured) != c.measured {
			t.Errorf("%s: %s %s, %v", c.name, precise(c.figure.Measured), c.figure.verdict(), c.figure.Reached())
		}
	}
}

func TestReportReads(t *testing.T) {
	t.Parallel()
	r := Report{
		Version: "v1", Database: sqliteName, LogLevel: "warn",
		Machine: Machine{Platform: "linux/amd64", CPUs: 2, Go: "go1", FileSystem: "tmpfs", Sync: Quantiles{P50: 0.5, P99: 1.25}},
		Figures: []Figure{{Name: "something", Unit: "ms", Measured: 1234.4, Target: 300}},
		Runs: []Run{
			{Part: Accept, Rate: 1000, Count: 10_000, Accept: Quantiles{1, 2, 3, 4}},
			{Part: Throughput, Callers: 32, Count: 20_000, CPU: &Cost{250, 60, 0}, Lost: 1, Failure: "it said no"},
		},
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Postern v1 · SQLite", "data on tmpfs: a write and its fsync take 0.50 ms (p99 1.25)", "1,234 ms", "≤ 300", "missed by 312 %",
		"1,000/s", "32 callers", "1.00 / 2.00 / 3.00", "250", "0 / 1 / 0", "32 callers: the first failure: it said no",
		"level warn", "tmpfs",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %q in:\n%s", want, b.String())
		}
	}
	if r.Sound() {
		t.Error("a lost code is no sound report")
	}
}
