package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	sqliteName   = "SQLite"
	postgresName = "PostgreSQL"

	// starts is how often the start is measured where it leaves nothing.
	starts = 5
	// settle is how long a service rests before its idle memory is read.
	settle = 2 * time.Second
	// openCallers is how many requests of an open loop may be under way.
	openCallers = 64
	// connections is how many the service may open to the sink.
	connections = 8
	// patience is how long no mail may come before those missing are lost.
	patience = 10 * time.Second
	// longest bounds a whole benchmark.
	longest = 30 * time.Minute
)

// bench is one benchmark on its way.
type bench struct {
	Options

	clock   clock
	dir     string // of its own; "" for a running service
	sink    *sink
	service *service
	admin   *client
	before  usedConnector
	next    int // number of the next recipient
	report  *Report
}

// Measure measures what the options say. Ending ctx ends it, and the service that
// it started. It returns an error when the measurement could not be made; what
// was found to be wrong with the service is in the report (Sound).
func Measure(ctx context.Context, o Options) (report *Report, err error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	b := &bench{Options: o, clock: newClock(), report: &Report{
		When: time.Now(), Version: o.Version, Figures: []Figure{}, Runs: []Run{},
	}}
	defer func() {
		if err = errors.Join(err, b.close(context.WithoutCancel(ctx))); err != nil {
			report = nil
		}
	}()
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	if err := b.loads(ctx); err != nil {
		return nil, err
	}
	return b.report, nil
}

// open brings up what is to be measured and what measures it.
func (b *bench) open(ctx context.Context) (err error) {
	if b.sink, err = startSink(ctx, b.clock); err != nil {
		return err
	}
	if b.URL == "" {
		err = b.start(ctx)
	} else {
		err = b.attach()
	}
	if err != nil {
		return err
	}
	b.admin = newClient(b.service.addr, b.service.apiKey)
	b.before, err = b.admin.sendTo(ctx, b.sink.port(), connections)
	return err
}

// attach takes a service that runs already.
func (b *bench) attach() (err error) {
	addr, err := b.runningAddr()
	if err != nil {
		return err
	}
	b.service = &service{pid: b.PID, addr: addr, apiKey: b.APIKey.Reveal()}
	b.report.Machine, err = describe(os.TempDir())
	b.report.Machine.FileSystem, b.report.Machine.Sync = "", Quantiles{} // its data is elsewhere
	return err
}

// start starts a service of its own, several times where that says more.
func (b *bench) start(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp(b.DataParent, "postern-bench-"); err != nil {
		return fmt.Errorf("make a data folder: %w", err)
	}
	if b.report.Machine, err = describe(b.dir); err != nil {
		return err
	}
	b.report.Database, b.report.LogLevel = sqliteName, b.LogLevel
	times := starts
	if b.Database != "" {
		b.report.Database = postgresName
		times = 1 // the first one is the only one with an empty database
	}
	if !b.wants(Start) {
		times = 1
	}
	for i := range times {
		if b.service != nil {
			if err := b.service.stop(); err != nil {
				return err
			}
		}
		b.tell("starting", i, times)
		if err := b.startIn(ctx, filepath.Join(b.dir, strconv.Itoa(i))); err != nil {
			return err
		}
		b.report.Starts = append(b.report.Starts, millis(b.service.ready))
	}
	return b.rest(ctx)
}

func (b *bench) startIn(ctx context.Context, data string) (err error) {
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("make a data folder: %w", err)
	}
	b.service, err = startService(ctx, serviceOptions{
		program: b.Program, environ: b.Environ, data: data, database: b.Database.Reveal(), logLevel: b.LogLevel,
	})
	return err
}

// rest notes the figures of a service that has not worked yet.
func (b *bench) rest(ctx context.Context) error {
	if b.wants(Start) {
		b.report.Figures = append(b.report.Figures, startFigure(b.report.Starts))
	}
	if !b.wants(Idle) {
		return nil
	}
	b.tell("resting", 0, 0)
	if err := pause(ctx, settle); err != nil {
		return err
	}
	if usage, ok := b.usage(); ok {
		b.report.Figures = append(b.report.Figures, idleFigure(usage.rss))
	}
	return nil
}

// loads makes the runs, the gentle ones first.
func (b *bench) loads(ctx context.Context) error {
	seconds := b.Duration.Seconds()
	plans := []plan{
		{Delivery, b.SlowRate, load{int(seconds * float64(b.SlowRate)), openCallers, perSecond(b.SlowRate)}},
		{Accept, b.Rate, load{int(seconds * float64(b.Rate)), openCallers, perSecond(b.Rate)}},
		{Throughput, 0, load{b.Count, b.Callers, 0}},
	}
	wanted := plans[:0]
	for _, p := range plans {
		if b.wants(p.part) {
			wanted = append(wanted, p)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if _, err := b.run(ctx, plan{"warm-up", 0, load{b.WarmUp, b.Callers, 0}}); err != nil {
		return err
	}
	for _, p := range wanted {
		run, err := b.run(ctx, p)
		if err != nil {
			return err
		}
		b.report.Runs = append(b.report.Runs, run)
		b.report.Figures = append(b.report.Figures, run.figure(b.report.Database))
	}
	if usage, ok := b.usage(); ok && b.wants(Throughput) {
		b.report.Figures = append(b.report.Figures, peakFigure(usage.peak))
	}
	return nil
}

// usage is the service's, where it can be known.
func (b *bench) usage() (processUsage, bool) {
	if b.service.pid == 0 {
		return processUsage{}, false
	}
	u, err := usageOf(b.service.pid)
	return u, err == nil // there is no /proc on this system
}

func (b *bench) tell(what string, done, total int) {
	if b.Progress != nil {
		b.Progress(Progress{what, done, total})
	}
}

// close ends everything in the order in which nobody is left waiting.
func (b *bench) close(ctx context.Context) error {
	var errs []error
	if b.admin != nil {
		if b.URL != "" && b.before.FactoryID != "" {
			errs = append(errs, b.admin.restore(ctx, b.before))
		}
		b.admin.close()
	}
	if b.service != nil {
		errs = append(errs, b.service.stop())
	}
	if b.sink != nil {
		b.sink.close()
	}
	if b.dir != "" {
		errs = append(errs, os.RemoveAll(b.dir))
	}
	return errors.Join(errs...)
}
