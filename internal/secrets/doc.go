// Package secrets seals settings and payloads at rest and makes keyed hashes
// of codes, with one keyset that lives outside the database.
//
// It reads and writes the keyset file; it does not know what is sealed.
package secrets
