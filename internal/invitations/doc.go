// Package invitations invites people into organizations by mail.
//
// It owns the life of an invitation (Pending, then Accepted, Revoked or
// Expired), when its mail and its reminders go out, and who may accept. An
// invitation expires by the clock alone: nothing is stored when it does.
//
// The link in the mail lets people in, so it is a secret: it is in the mail
// and, sealed, in what reminders are made from; no answer, log or audit entry
// has it.
//
// Organizations, people and roles are the directory's; sending is the
// outbox's.
package invitations
