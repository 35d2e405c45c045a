// Package delivery makes one round of attempts to hand a message to a provider:
// load, route, render, send, verdict, event, and on to the next connector where
// that may help. It is the queue's handler, and decides from the verdict when
// the queue is to try again.
//
// Whatever it decides is stored before the queue hears of it, so that an
// attempt that a crash cut short is made again and a finished message is not.
package delivery
