// Package limits bounds how often something happens: mails to an address, from
// an IP address, of a tenant, failed tries at an address.
//
// It owns the rule (Rule), the count (Window), what a mail is charged to
// (Charge) and the refusal. It keeps no counts itself: whoever stores what is
// counted stores the count with it, in one transaction, so that a count is
// exact whatever runs at once, on however many nodes.
package limits
