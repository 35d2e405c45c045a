// Package network tells the ways apart in which a connection fails, for the
// texts and classes of connectors, and reaches servers through proxies.
//
// Which addresses may be reached is not its business: package app decides that
// in the dialer that it hands in.
package network
