package examples

import "embed"

// CustomConnector is the text of the program with a connector of its own:
// custom-connector/main.go, and the connector in custom-connector/pigeon.
//
//go:embed custom-connector/main.go custom-connector/pigeon
var CustomConnector embed.FS
