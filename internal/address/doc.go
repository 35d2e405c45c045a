// Package address reads e-mail addresses from outside: one string is one
// mailbox or an error. It knows nothing of limits, suppression or delivery.
package address
