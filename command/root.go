package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/config"
	"github.com/postern-mail/postern/internal/fault"
)

// process is what a command has of the process around it.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	version        string // of the build; "" for the module's
	connectors     []connector.Factory
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for could not be done
	exitUsage  = 2 // it was asked for wrongly: flags, arguments, settings
)

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, p process) int {
	root := newRoot(p) //nolint:contextcheck // commands get ctx from ExecuteContextC
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errToldAll) {
		return exitFailed
	}
	usage := isUsage(err)
	text := oneLine(err)
	if usage {
		text += fmt.Sprintf(" (see %s --help)", cmd.CommandPath())
	}
	_, _ = fmt.Fprintf(p.stderr, "postern: %s\n", text) // nowhere left to report a failure
	if usage {
		return exitUsage
	}
	return exitFailed
}

// newRoot builds the tree of commands.
func newRoot(p process) *cobra.Command {
	root := &cobra.Command{
		Use:   "postern",
		Short: "The e-mail layer of sign-in",
		Long: "Postern sends verification codes, invitations and security mail through any provider, " +
			"and checks the codes.",
		Example:       "  postern serve\n  postern send --to ann@example.com --type SignIn --payload '{\"code\":\"123456\"}'",
		Args:          subcommandOnly,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)

	service := &cobra.Group{ID: "service", Title: "Run the service:"}
	client := &cobra.Group{ID: "client", Title: "Work with a running service:"}
	providers := &cobra.Group{ID: "connectors", Title: "Work with connectors:"}
	root.AddGroup(service, client, providers)
	for _, cmd := range []*cobra.Command{newServe(p), newMigrate(p), newKeys(p), newConfig(p)} {
		cmd.GroupID = service.ID
		root.AddCommand(cmd)
	}
	for _, cmd := range []*cobra.Command{newSend(p), newVerify(p), newTemplates(p)} {
		cmd.GroupID = client.ID
		root.AddCommand(cmd)
	}
	connectors := newConnectors(p)
	connectors.GroupID = providers.ID
	root.AddCommand(connectors)
	root.AddCommand(newBench(p), newOpenAPI(p), newVersion(p))
	return root
}

// subcommandOnly refuses what is no subcommand, and names the nearest one.
func subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
	}
	return fmt.Errorf("unknown command %q%s", args[0], hint)
}

// noArgs refuses arguments.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("takes no arguments, but got %q", args[0])
	}
	return nil
}

// workError is an error of a command's work. All others come from cobra, and
// mean that the command line was wrong.
type workError struct{ err error }

func (e *workError) Error() string { return e.err.Error() }
func (e *workError) Unwrap() error { return e.err }

// usageError is one that only a command's work could find.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// errToldAll is a no of which the output has told everything.
var errToldAll = errors.New("no")

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// work turns what a command does into what cobra runs.
func work(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := do(cmd, args); err != nil {
			return &workError{err}
		}
		return nil
	}
}

func isUsage(err error) bool {
	if _, worked := errors.AsType[*workError](err); !worked {
		return true
	}
	_, usage := errors.AsType[*usageError](err)
	return usage
}

// oneLine is an error as it is shown. Those of libraries, and errors.Join,
// have several lines, some of them twice.
func oneLine(err error) string {
	text := err.Error()
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		text = f.Message
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": ")
}

// settingsOf reads the settings of a command.
func settingsOf(cmd *cobra.Command, p process) (config.Settings, error) {
	s, _, err := config.Load(cmd.Flags(), p.environ)
	if err != nil {
		return s, &usageError{err}
	}
	return s, nil
}
