// Package queuetest is the suite that every engine of package queue passes.
//
// It owns what is promised for all engines. What only one of them promises is
// tested next to that engine.
package queuetest
