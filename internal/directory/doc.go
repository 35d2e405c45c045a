// Package directory keeps who and what mails tell of: a tenant's applications,
// its organizations with their members and roles, and its users.
//
// It owns what these may hold, how they are found and changed, and what of
// them goes into a mail. It does not own invitations, and nobody signs in by
// it: a user here has no password.
//
// The types' JSON is that of the API and of the audit log.
package directory
