// Package providerapi is what connectors over HTTP have in common: the keys of
// their settings, a message made ready for a provider, and a client that makes
// one request, bounds it, and turns every way to fail into a connector.Error
// without secrets.
//
// A connector of its own is left with what is particular to its provider: the
// body of the request, and how the provider words a refusal.
package providerapi
