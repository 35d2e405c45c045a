package main

import (
	"os"

	"github.com/postern-mail/postern/command"
	"github.com/postern-mail/postern/connectors"
	"github.com/postern-mail/postern/examples/custom-connector/pigeon"
)

func main() {
	os.Exit(command.Main("", append(connectors.Builtin(), pigeon.New())...))
}
