package command

import (
	"context"
	"os"

	"github.com/postern-mail/postern/connector"
)

// Main runs the command line that the process was started with, and returns
// its exit code. The service offers these connectors. version is that of the
// build; if it is empty, the module's is shown.
//
//	func main() { os.Exit(command.Main("", append(connectors.Builtin(), mine.New())...)) }
func Main(version string, connectors ...connector.Factory) int {
	return run(context.Background(), os.Args[1:], process{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(),
		version: version, connectors: connectors,
	})
}
