// Package tenants holds what a tenant may set for its mails and codes. A
// tenant is an isolated set of connector, templates, keys and people.
package tenants
