// Package events tells what happened to each message: its attempts, its
// events, and, to those who wait for it, its first verdict. It takes in what
// providers report by callback, once however often they do.
//
// It does not read callbacks (connectors do), decide what becomes of a message
// (package delivery does), or which event suppresses an address (package
// suppression does).
package events
