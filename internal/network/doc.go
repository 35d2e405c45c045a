// Package network tells the ways apart in which a connection fails, for the
// texts and classes of connectors. It opens none.
package network
