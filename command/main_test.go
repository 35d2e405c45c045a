package command

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postern-mail/postern/connectors"
)

// TestMain lets the tests run the program under its name: in scripts, and as
// a process of their own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"postern": func() { os.Exit(Main("", connectors.Builtin()...)) },
	})
}
