// Command postern runs the e-mail layer of sign-in and works with it from a
// shell: serve, migrate, keys, send, verify, templates, config, version.
//
// It owns flags, variables, output and signals, and nothing else: the service
// is package postern, settings are read by internal/config.
package main
