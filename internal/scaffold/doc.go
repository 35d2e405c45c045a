// Package scaffold writes the folder that a connector of one's own begins
// with: the connector of examples/custom-connector under another name, which
// compiles and passes its tests as it is written.
//
// It writes new folders only and never changes a file that is there.
package scaffold
