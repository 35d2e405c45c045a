// Package admission decides whether a mail may be asked for: what the tenant's
// rules for addresses say of its recipient, whether the name is reserved, what
// the guard makes of its source, and which limits it counts on.
//
// It does not count: the store does, in the transaction that saves the mail.
package admission
