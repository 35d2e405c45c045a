package bench

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/connector"
)

// Part is one of the things that can be measured.
type Part string

// The parts, in the order in which they are measured.
const (
	Start      Part = "start"      // from the start of the process until it is ready
	Idle       Part = "idle"       // memory before any work
	Delivery   Part = "delivery"   // how long a mail takes at a low rate
	Accept     Part = "accept"     // how long an answer takes at a high rate
	Throughput Part = "throughput" // as many codes as it can
)

// Parts returns all parts in their order.
func Parts() []Part { return []Part{Start, Idle, Delivery, Accept, Throughput} }

// Options say what to measure, and how. Zero values of numbers take the
// defaults.
type Options struct {
	// Program is the executable to start (postern), Environ its environment.
	Program string
	Environ []string
	// Version is shown in the report.
	Version string
	// DataParent is where the data folder is made, and removed again; "" is
	// the system's folder for temporary files.
	DataParent string
	// Database is the URL of an empty PostgreSQL database; "" is SQLite.
	Database connector.Secret
	// LogLevel is the service's; what is logged goes to a file in the data
	// folder.
	LogLevel string

	// URL is that of a service that runs on this machine, to be measured
	// instead of one started for it. It must allow private networks and
	// reserved domains, and have no connector that somebody set up.
	URL string
	// APIKey is a management key of that service, PID its process; 0 leaves
	// CPU and memory out.
	APIKey connector.Secret
	PID    int

	Only     []Part        // what to measure; nil is everything
	Callers  int           // in Throughput
	Count    int           // codes in Throughput
	Rate     int           // requests a second in Accept
	SlowRate int           // requests a second in Delivery
	Duration time.Duration // of Accept and of Delivery
	WarmUp   int           // codes before anything is measured
	Verify   int           // codes of each run to read from their mails and to check

	// Progress is called a few times a second by one goroutine; nil is silent.
	Progress func(Progress)
}

// Progress says how far a benchmark has come.
type Progress struct {
	What        string
	Done, Total int // mails
}

// The defaults are those for which there are figures to reach.
const (
	DefaultCallers  = 32
	DefaultCount    = 20_000
	DefaultRate     = 1000
	DefaultSlowRate = 50
	DefaultDuration = 10 * time.Second
	DefaultWarmUp   = 2000
	DefaultVerify   = 100
	DefaultLogLevel = "warn"
)

func (o Options) withDefaults() Options {
	for _, number := range []struct {
		field  *int
		preset int
	}{
		{&o.Callers, DefaultCallers}, {&o.Count, DefaultCount}, {&o.Rate, DefaultRate},
		{&o.SlowRate, DefaultSlowRate}, {&o.WarmUp, DefaultWarmUp}, {&o.Verify, DefaultVerify},
	} {
		if *number.field == 0 {
			*number.field = number.preset
		}
	}
	if o.Duration == 0 {
		o.Duration = DefaultDuration
	}
	if o.LogLevel == "" {
		o.LogLevel = DefaultLogLevel
	}
	if len(o.Only) == 0 {
		o.Only = Parts()
	}
	return o
}

// check keeps a benchmark within bounds, and on this machine.
func (o Options) check() error {
	for _, number := range []struct {
		name       string
		value, max int
	}{
		{"callers", o.Callers, 1000}, {"count", o.Count, 1_000_000}, {"rate", o.Rate, 50_000},
		{"delivery rate", o.SlowRate, 50_000}, {"warm-up", o.WarmUp, 1_000_000}, {"verify", o.Verify, 10_000},
	} {
		if number.value < 1 || number.value > number.max {
			return fmt.Errorf("the %s must be from 1 to %d", number.name, number.max)
		}
	}
	if o.Duration < 100*time.Millisecond || o.Duration > 10*time.Minute {
		return errors.New("the duration must be from 100ms to 10m")
	}
	for _, part := range o.Only {
		if !slices.Contains(Parts(), part) {
			return fmt.Errorf("there is nothing called %q to measure: %s", part, partNames())
		}
	}
	if o.URL == "" {
		return nil
	}
	if o.Database != "" {
		return errors.New("give a URL or a database, not both: a running service has its own")
	}
	_, err := o.runningAddr()
	return err
}

func partNames() string {
	var names []string
	for _, part := range Parts() {
		names = append(names, string(part))
	}
	return strings.Join(names, ", ")
}

var errNotHere = errors.New("the URL must be http:// with a loopback address: a benchmark stays on its machine")

// runningAddr returns host and port of URL.
func (o Options) runningAddr() (string, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return "", errNotHere
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && !ip.IsLoopback() {
		return "", errNotHere
	}
	return u.Host, nil
}

func (o Options) wants(part Part) bool { return slices.Contains(o.Only, part) }

// perSecond is the interval between requests at a rate.
func perSecond(rate int) time.Duration { return time.Second / time.Duration(rate) }
