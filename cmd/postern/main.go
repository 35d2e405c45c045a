package main

import (
	"os"

	"github.com/postern-mail/postern/command"
	"github.com/postern-mail/postern/connectors"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

func main() { os.Exit(command.Main(version, connectors.Builtin()...)) }
