package bench

import "time"

// Report is what a benchmark found. Its JSON form is stable.
type Report struct {
	When     time.Time `json:"when"`
	Version  string    `json:"version,omitempty"`
	Machine  Machine   `json:"machine"`
	Database string    `json:"database"` // "SQLite", "PostgreSQL", or "" for a running service
	LogLevel string    `json:"logLevel,omitempty"`
	Figures  []Figure  `json:"figures"`
	Runs     []Run     `json:"runs"`
	// Starts are the times until the service was ready, each with an empty
	// data folder, in milliseconds.
	Starts []float64 `json:"startsMs,omitempty"`
}

// Figure is a number with what it is to reach.
type Figure struct {
	Name     string  `json:"name"`
	Unit     string  `json:"unit"`
	Measured float64 `json:"measured"`
	// Target is the bound: a least one if More is good, else a greatest one.
	// 0 means that there is none for this measurement.
	Target float64 `json:"target,omitempty"`
	Goal   float64 `json:"goal,omitempty"` // beyond the target
	More   bool    `json:"moreIsBetter,omitempty"`
}

// Reached tells whether the target is met; true when there is none.
func (f Figure) Reached() bool { return f.Target == 0 || f.within(f.Target) }

func (f Figure) within(bound float64) bool {
	if f.More {
		return f.Measured >= bound
	}
	return f.Measured <= bound
}

// Run is one load and what became of it.
type Run struct {
	Part    Part    `json:"part"`
	Callers int     `json:"callers"`
	Rate    int     `json:"rate,omitempty"` // requests a second; 0: as many as can be
	Count   int     `json:"count"`
	Seconds float64 `json:"seconds"` // from the first request to the last mail
	// PerSecond counts the mails that came in that time.
	PerSecond float64 `json:"codesPerSecond"`

	// Accept is from when the request was due to the answer that its mail is
	// on disk, Delivered from that answer to when the sink had the mail (0
	// when the mail was faster than the answer), Whole from due to mail.
	Accept    Quantiles `json:"acceptMs"`
	Delivered Quantiles `json:"acceptToDeliveredMs"`
	Whole     Quantiles `json:"requestToDeliveredMs"`
	// Lag is the generator's part of Accept: how late it made the request.
	Lag Quantiles `json:"generatorLagMs"`

	CPU *Cost `json:"cpuMicrosecondsPerCode,omitempty"` // nil: not known

	Failed   int    `json:"failed"` // requests without a 2xx
	Failure  string `json:"failure,omitempty"`
	Lost     int    `json:"lost"`     // accepted, but no mail came
	Copies   int    `json:"copies"`   // mails beyond the first
	Verified int    `json:"verified"` // codes read from mails that the service took for right
}

// Cost is CPU time for each code, in microseconds.
type Cost struct {
	Service   float64 `json:"service"`
	Generator float64 `json:"generatorAndSink"`
	Other     float64 `json:"rest"` // the rest of the machine: PostgreSQL, and whatever else ran
}

// Sound tells whether everything that was asked for was accepted, came once,
// and was right.
func (r Report) Sound() bool {
	for _, run := range r.Runs {
		if run.Failed+run.Lost+run.Copies > 0 {
			return false
		}
	}
	return true
}

// The figures to reach (milliseconds and megabytes of 10^6 bytes).
const (
	leastSQLite, goalSQLite = 4000, 6000
	leastPostgres           = 2000
	slowestAccept           = 10
	slowestSQLite           = 5
	slowestPostgres         = 15
	largestIdle             = 40
	largestLoaded           = 120
	slowestStart            = 300
)

// figure is the one that a run is about. Its target holds for the default
// load only.
func (r Run) figure(database string) Figure {
	postgres := database == postgresName
	switch r.Part {
	case Throughput:
		f := Figure{Name: r.title(), Unit: "codes/s", Measured: r.PerSecond, More: true}
		switch {
		case r.Callers != DefaultCallers:
		case postgres:
			f.Target = leastPostgres
		default:
			f.Target, f.Goal = leastSQLite, goalSQLite
		}
		return f
	case Accept:
		f := Figure{Name: r.title() + ": accept p99", Unit: "ms", Measured: r.Accept.P99}
		if r.Rate == DefaultRate {
			f.Target = slowestAccept
		}
		return f
	default:
		f := Figure{Name: r.title() + ": accept to delivered p50", Unit: "ms", Measured: r.Delivered.P50}
		switch {
		case r.Rate != DefaultSlowRate:
		case postgres:
			f.Target = slowestPostgres
		default:
			f.Target = slowestSQLite
		}
		return f
	}
}

func idleFigure(bytes int64) Figure {
	return Figure{Name: "memory, idle", Unit: "MB", Measured: megabytes(bytes), Target: largestIdle}
}

func peakFigure(bytes int64) Figure {
	return Figure{Name: "memory, peak under load", Unit: "MB", Measured: megabytes(bytes), Target: largestLoaded}
}

func startFigure(starts []float64) Figure {
	durations := make([]time.Duration, len(starts))
	for i, ms := range starts {
		durations[i] = time.Duration(ms * float64(time.Millisecond))
	}
	return Figure{
		Name: "start to ready, empty data folder", Unit: "ms",
		Measured: quantilesOf(durations).P50, Target: slowestStart,
	}
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
