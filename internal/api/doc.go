// Package api is the HTTP API: it reads requests, calls the service, and turns
// what comes back into answers. Each resource has a file of its own, and one
// table says which kind of fault is which status.
//
// It holds no rules of the service and keeps nothing but the budget of test
// mails. Listening, TLS and time-outs of connections belong to its caller.
package api
