// Package archtest holds the rules of the code's structure as tests: imports
// go only downward, libraries stay in the packages that wrap them, every
// package says what it owns, and nothing grows past its measure.
//
// The levels are in levels_test.go. A new package takes its place there.
package archtest
