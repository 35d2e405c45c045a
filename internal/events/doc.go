// Package events tells what happened to each message: its attempts, its
// events, and, to those who wait for it, its first verdict.
//
// It decides nothing; delivery does. Callbacks of providers will come in here.
package events
