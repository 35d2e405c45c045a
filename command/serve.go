package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern"
	"github.com/postern-mail/postern/internal/config"
)

// Limits of the listener. Answers may wait for a delivery (Prefer: wait, at
// most 30 s), so that writing takes longest.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 90 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 64 << 10
)

func newServe(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long: "Runs the service: the HTTP API, and the deliveries.\n\n" +
			"The first start makes what it needs in the data folder, and shows an API key once.\n" +
			"SIGINT or SIGTERM ends it when the requests and deliveries under way are done; a\n" +
			"second one ends it at once.",
		Example: "  postern serve\n" +
			"  postern serve --addr :8080 --data /var/lib/postern\n" +
			"  POSTERN_DATABASE=postgres://postern@db/postern postern serve",
		Args: noArgs,
		RunE: work(func(cmd *cobra.Command, _ []string) error {
			settings, err := settingsOf(cmd, p)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), p, settings)
		}),
	}
	config.AddFlags(cmd.Flags(), config.Serving)
	return cmd
}

// optionsOf are the settings as the service takes them.
func optionsOf(p process, s config.Settings, log *slog.Logger) postern.Options {
	return postern.Options{
		DataDir: s.Data, DatabaseURL: s.Database, Keyset: s.Keyset, APIKey: s.APIKey,
		MachineRoleTenants:   strings.FieldsFunc(s.MachineRoleTenants, func(r rune) bool { return r == ',' }),
		AllowPrivateNetworks: s.AllowPrivateNetworks, AllowReservedDomains: s.AllowReservedDomains,
		DisposableDomains: s.DisposableDomains,
		LogAddresses:      s.LogAddresses, Workers: s.Workers, Connectors: p.connectors, Logger: log, Version: p.build().Version,
	}
}

// lazyGC lets the heap, which is small, grow to three times what is in use
// before it is swept, unless the operator has set GOGC: half the work of the
// collector, for some megabytes.
func lazyGC(p process) {
	if p.variable("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}

// serve runs the service until ctx ends or a signal comes.
func serve(ctx context.Context, p process, s config.Settings) error {
	lazyGC(p)
	log := newLogger(p, s)
	ctx, stopListening := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stopListening()

	// The address comes first: a second service by mistake must not touch
	// the data of the one that runs.
	listener, err := listen(ctx, s.Addr)
	if err != nil {
		return err
	}
	service, err := start(ctx, p, s, log)
	if err != nil {
		_ = listener.Close() // nobody was served on it
		if ctx.Err() != nil {
			return nil // told to stop before it had begun
		}
		return err
	}
	at := listener.Addr()
	log.Info("listening", "addr", at.String(), "version", p.build().Version, "database", databaseKind(s))
	if !loopback(at) {
		log.Warn("listening beyond this machine without TLS: put a proxy in front that terminates it", "addr", at.String())
	}
	if err := welcome(p, s, at, service); err != nil {
		log.Warn("showing the welcome", "error", err)
	}

	// The start makes several times the garbage that the running service keeps,
	// the API's document above all. Nothing needs that memory again.
	debug.FreeOSMemory()
	server := newServer(service.Handler(), log)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended: // never on its own, unless the listener breaks
		err = fmt.Errorf("serve on %s: %w", at, err)
	case <-ctx.Done():
		stopListening() // from now on a signal does what it does to any program
		log.Info("stopping; a second signal ends at once", "timeout", s.ShutdownTimeout)
	}
	return errors.Join(err, stop(context.WithoutCancel(ctx), server, service, s.ShutdownTimeout, log))
}

func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// listen opens the address.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	var cause syscall.Errno
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen on %s: another program does; stop it, or choose another address with --addr", addr)
	case errors.As(err, &cause):
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, cause)
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// start opens the service and begins its work.
func start(ctx context.Context, p process, s config.Settings, log *slog.Logger) (*postern.Service, error) {
	service, err := postern.New(ctx, optionsOf(p, s, log))
	if err != nil {
		return nil, err
	}
	if err := service.Start(ctx); err != nil {
		return nil, errors.Join(err, service.Stop(context.WithoutCancel(ctx)))
	}
	return service, nil
}

// stop drains the server, then the service: requests that wait for a delivery
// need the deliveries. What is not done within timeout is cut short; accepted
// messages stay in the queue for the next start.
func stop(ctx context.Context, server *http.Server, service *postern.Service, timeout time.Duration, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	requests, cancelRequests := context.WithTimeout(ctx, timeout*3/4)
	defer cancelRequests()
	if err := server.Shutdown(requests); err != nil {
		log.Warn("requests are cut short: the time to stop is over")
		_ = server.Close() // closes what Shutdown gave up on
	}
	err := service.Stop(ctx)
	if err != nil && ctx.Err() != nil {
		log.Warn("deliveries are cut short and made again at the next start", "error", err)
		err = nil
	}
	if err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	log.Info("stopped")
	return nil
}

func databaseKind(s config.Settings) string {
	if s.Database == "" {
		return "SQLite"
	}
	return "PostgreSQL"
}

func loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
