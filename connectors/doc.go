// Package connectors lists the connectors that come with Postern. Each has a
// folder of its own and one line here; what they have in common is package
// connector.
package connectors
