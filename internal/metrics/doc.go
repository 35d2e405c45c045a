// Package metrics holds the figures that operators watch, by the names they
// rely on. No label carries an address, an id or text chosen by a tenant.
package metrics
