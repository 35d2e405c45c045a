// Package bench measures a running service from outside: it asks for codes
// over HTTP, takes the mails with an SMTP sink of its own, and says how many
// came through, how long each step took, and what that cost in CPU and memory.
//
// It owns the load generator, the sink, the process that it starts to measure,
// and the figures to reach. It knows the service by its public face alone
// (command line, variables, HTTP, SMTP) and imports nothing of it, so that
// what it measures is what a caller gets. Settings, flags and the choice of
// output belong to the command.
//
// Generator, sink and service share the machine, and everything stays on
// loopback.
package bench
