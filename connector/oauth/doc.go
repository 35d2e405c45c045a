// Package oauth fetches OAuth 2.0 access tokens (RFC 6749) for connectors and
// keeps them until they end.
//
// A Source owns one token. It asks the token endpoint once for all who wait,
// with a refresh token, the client's credentials or a signed assertion, and
// turns the endpoint's refusals into a connector.Error without secrets. Who
// may sign in to the provider with the token is the connector's business.
package oauth
