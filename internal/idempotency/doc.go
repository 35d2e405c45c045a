// Package idempotency remembers the first answer to a request that carries an
// Idempotency-Key, so that a client may repeat it safely
// (draft-ietf-httpapi-idempotency-key-header). The HTTP side is in package api.
package idempotency
