package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/bench"
)

func newBench(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the service on this machine",
		Long: "Starts a service of its own with an empty data folder, asks it for codes, takes the mails with\n" +
			"an SMTP server of its own, and shows how many came through, how long each step took, and what\n" +
			"that cost. Nothing leaves the machine; afterwards everything is removed.\n\n" +
			"The exit code is 1 when a code was refused, lost, sent twice or wrong. A target that is missed\n" +
			"does not count as a failure: load generator and mail server share the machine with the service.",
		Example: "  postern bench\n" +
			"  postern bench --only throughput --callers 64 --count 50000\n" +
			"  POSTERN_DATABASE=postgres://postgres@localhost/empty postern bench --json",
		Args: noArgs,
	}
	o, asJSON := addBenchFlags(cmd.Flags())
	database := cmd.Flags().String("database", "", "PostgreSQL `url` of an empty database, instead of SQLite")
	cmd.RunE = work(func(cmd *cobra.Command, _ []string) (err error) {
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if *database == "" && o.URL == "" {
			*database = p.variable("POSTERN_DATABASE")
		}
		o.Database = connector.Secret(*database)
		key := p.variable("POSTERN_API_KEY")
		o.APIKey = connector.Secret(key)
		if o.Program, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		o.Environ, o.Version = p.environ, p.build().Version
		return benchAndReport(ctx, p, *o, *asJSON)
	})
	return cmd
}

// addBenchFlags adds the flags and returns what they fill.
func addBenchFlags(flags *pflag.FlagSet) (o *bench.Options, asJSON *bool) {
	o = &bench.Options{}
	flags.StringVar(&o.DataParent, "data", "", "`folder` in which the data folder is made; by default the system's temporary one")
	flags.StringVar(&o.LogLevel, "log-level", bench.DefaultLogLevel, "what the service logs, to a file: debug, info, warn or error")
	flags.StringVar(&o.URL, "url", "",
		"measure the service that runs at this `url` on this machine, with the key in POSTERN_API_KEY, instead of starting one")
	flags.IntVar(&o.PID, "pid", 0, "process of the service at --url, for its CPU time and memory")
	flags.Var((*partsFlag)(&o.Only), "only", "measure some `parts` only: start, idle, delivery, accept, throughput")
	flags.IntVar(&o.Callers, "callers", bench.DefaultCallers, "throughput: how many ask at once")
	flags.IntVar(&o.Count, "count", bench.DefaultCount, "throughput: how many codes")
	flags.IntVar(&o.Rate, "rate", bench.DefaultRate, "accept: requests a second")
	flags.IntVar(&o.SlowRate, "delivery-rate", bench.DefaultSlowRate, "delivery: requests a second")
	flags.DurationVar(&o.Duration, "duration", bench.DefaultDuration, "how long accept and delivery take each")
	flags.IntVar(&o.WarmUp, "warm-up", bench.DefaultWarmUp, "codes before anything is measured")
	flags.IntVar(&o.Verify, "verify", bench.DefaultVerify, "codes of each run to read from their mails and to check")
	return o, addJSON(flags)
}

// benchAndReport measures, and prints what was found.
func benchAndReport(ctx context.Context, p process, o bench.Options, asJSON bool) error {
	report, err := measure(ctx, p, o)
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(p.stdout, report)
	} else {
		err = report.Write(p.stdout)
	}
	if err == nil && !report.Sound() {
		err = errors.New("codes were refused, lost or sent twice: the figures do not count")
	}
	return err
}

// measure shows how far it is while somebody is looking.
func measure(ctx context.Context, p process, o bench.Options) (*bench.Report, error) {
	if isTerminal(p.stderr) {
		o.Progress = func(s bench.Progress) { showProgress(p, s) }
		defer showProgress(p, bench.Progress{}) // clears the line
	}
	return bench.Measure(ctx, o)
}

// showProgress writes one line over the last one.
func showProgress(p process, s bench.Progress) {
	line := s.What
	if s.Total > 0 {
		line = fmt.Sprintf("%s  %3d %%  %d of %d", s.What, 100*s.Done/s.Total, s.Done, s.Total)
	}
	_ = printf(p.stderr, "\r\x1b[K%s", line) // nobody is looking if that fails
}

// partsFlag is a list of parts, separated by commas.
type partsFlag []bench.Part

// String implements pflag.Value.
func (f *partsFlag) String() string {
	var names []string
	for _, part := range *f {
		names = append(names, string(part))
	}
	return strings.Join(names, ",")
}

// Set implements pflag.Value. Names are checked when the benchmark begins.
func (f *partsFlag) Set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		*f = append(*f, bench.Part(strings.TrimSpace(name)))
	}
	return nil
}

// Type implements pflag.Value.
func (f *partsFlag) Type() string { return "parts" }
