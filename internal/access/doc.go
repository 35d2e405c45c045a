// Package access decides who may do what: API keys and their scopes.
package access
