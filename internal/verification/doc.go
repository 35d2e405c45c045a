// Package verification issues one-time codes and checks them. A code is kept
// as a keyed hash bound to tenant, address, type and session; the mail that
// carries it is saved in the same transaction.
//
// It does not send, and does not know who may ask (limits, flows).
package verification
