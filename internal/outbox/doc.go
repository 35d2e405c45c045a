// Package outbox saves a message and queues its delivery, both or neither.
// It does no network I/O: when Accept returns, the message is on disk and
// will be tried until its deadline.
//
// It does not choose wording (compose), send (delivery) or run jobs (queue).
package outbox
