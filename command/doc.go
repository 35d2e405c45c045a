// Package command is the program postern as a library: Main runs one command
// line with the connectors that it is given. The program cmd/postern is one
// call of it; a program with connectors of its own is another.
//
// It owns flags, variables, output and signals, and nothing else: the service
// is package postern, settings are read by internal/config.
package command
