package command

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says what this program was built from.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (p process) build() build {
	b := build{Version: p.version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" {
		b.Version = info.Main.Version // that of the module, or made from the commit
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Commit = s.Value
		}
	}
	return b
}

func newVersion(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  postern version\n  postern version --json",
		Args:    noArgs,
	}
	asJSON := addJSON(cmd.Flags())
	cmd.RunE = work(func(*cobra.Command, []string) error {
		b := p.build()
		if *asJSON {
			return printJSON(p.stdout, b)
		}
		return printf(p.stdout, "postern %s (%s, %s)\n", b.Version, b.Go, b.Platform)
	})
	return cmd
}
