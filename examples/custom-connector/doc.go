// Command custom-connector is the whole program postern with one connector
// more, which lives in a folder beside it.
// docs/connectors/writing-your-own.md walks through it.
package main
