// Package app wires the packages together and runs them: it is the only one
// that knows every other. It holds no rules.
package app
