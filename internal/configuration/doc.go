// Package configuration moves what a tenant has set up for its mails from one
// tenant to another, or into a file and back: connector, fallbacks, templates,
// partials and settings.
//
// It owns the document, what differs between two configurations, and the rule
// that a change of one is all or nothing: everything is checked first, and
// then stored in one transaction, if nobody changed the target meanwhile.
// Messages, codes, keys and people do not move.
//
// # Secrets
//
// A document shows secrets as connector.SecretMask. It may carry them sealed
// with the installation's keyset beside that: whoever reads the file learns
// nothing, and the same installation opens them. Where a document has a mask
// and nothing sealed, the target keeps the secret that it has at that place.
// What is left is asked for: the fault configuration.secrets_required has an
// issue with the code secret_required for each.
package configuration
