package command

import (
	"cmp"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/internal/scaffold"
)

func newConnectorsNew(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Begin a connector of your own",
		Long: "Writes a folder NAME with a connector in Go: settings, request, refusals, events, guide, logo and\n" +
			"tests. It compiles and passes its tests as it is written, against an invented API; put that of\n" +
			"your provider in its place. The folder is to be in a Go module of yours, or in Postern's own.\n\n" +
			"See https://github.com/postern-mail/postern/blob/main/docs/connectors/writing-your-own.md",
		Example: "  postern connectors new acme\n  postern connectors new acme --dir connectors",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("takes the name of the connector, such as acme")
			}
			return cmp.Or(scaffold.CheckName(args[0]), p.unused(args[0]))
		},
	}
	dir := cmd.Flags().String("dir", ".", "the `folder` that the connector's folder is made in")
	cmd.RunE = work(func(_ *cobra.Command, args []string) error {
		c, err := scaffold.Write(*dir, args[0])
		if err != nil {
			return err
		}
		text, err := nextSteps(c, paint(p.coloured(p.stdout)))
		if err != nil {
			return err
		}
		return printf(p.stdout, "%s", text)
	})
	return cmd
}

// unused refuses a name whose factory id or target is one of this program's.
func (p process) unused(name string) error {
	same := func(f connector.Factory) bool {
		meta := f.Metadata()
		return meta.Target == name || meta.ID == name+"-email"
	}
	if i := slices.IndexFunc(p.connectors, same); i >= 0 {
		return errors.New("there is a connector " + p.connectors[i].Metadata().ID + " already; take another name than " + name)
	}
	return nil
}

// nextSteps says what was written and what to do with it.
func nextSteps(c scaffold.Connector, on paint) (string, error) {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	line("Wrote the connector ", on.bold(c.Name), ":")
	line()
	for _, name := range c.Files {
		line("  ", filepath.Join(c.Dir, filepath.FromSlash(name)))
	}
	below := strings.TrimPrefix(c.ImportPath, c.Module.Path+"/")
	line()
	if c.Module.Path == scaffold.Postern && path.Dir(below) == "connectors" {
		line("It comes with Postern as soon as it is in two lists:")
		line()
		line("  ", on.bold("connectors/connectors.go"), "            ", c.Name, ".New(),")
		line("  ", on.bold("internal/archtest/levels_test.go"), "    \"", below, "\": 3,")
	} else {
		program, err := c.Main()
		if err != nil {
			return "", err
		}
		line("This is a program with it:")
		line()
		for text := range strings.Lines(program) {
			b.WriteString(strings.TrimRight("  "+text, " \n") + "\n")
		}
	}
	line()
	line("Next, in ", c.Module.Root, ":")
	line()
	if !c.Module.HasKit {
		line("  go get ", scaffold.Postern)
		line("  go mod tidy")
	}
	line("  go test ./", below, "    ", on.dim("# passes now: its API is an invented one"))
	line()
	line("Then put your provider's API in its place, in ", c.Name, ".go and events.go, and the")
	line("requests that its documentation shows in testdata.")
	return b.String(), nil
}
